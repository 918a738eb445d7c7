//! A page that two processes share: a few words, each on a cache line of its own.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::trial::Fault;

const SIZE: usize = 4096;

/// A word alone. Processors fetch lines in pairs, so that it has two.
#[repr(align(128))]
#[derive(Debug)]
struct Line(AtomicU64);

/// The page, mapped.
#[derive(Debug)]
pub(crate) struct Page(NonNull<[Line; SIZE / 128]>);

// SAFETY: the mapping belongs to the process and to no thread, and all access to it is atomic.
unsafe impl Send for Page {}

// SAFETY: as for `Send`.
unsafe impl Sync for Page {}

/// The memory for a page, zeroed.
pub(crate) fn memory() -> Result<OwnedFd, Fault> {
    let memory = memfd_create("mechanisms", MemfdFlags::CLOEXEC)?;
    ftruncate(&memory, SIZE as u64)?;
    Ok(memory)
}

impl Page {
    pub(crate) fn map(memory: impl AsFd) -> Result<Self, Fault> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the place of the new mapping, so that it covers nothing of
        // ours, and the memory behind it is `SIZE` long before it is mapped anywhere.
        let address =
            unsafe { mmap(std::ptr::null_mut(), SIZE, protection, MapFlags::SHARED, memory, 0)? };
        Ok(Self(NonNull::new(address.cast()).ok_or("mapped at zero")?))
    }

    /// One of the words.
    pub(crate) fn line(&self, number: usize) -> &AtomicU64 {
        // SAFETY: the mapping lives as long as `self`, begins on a page, and both processes touch
        // it by atomic operations only.
        let lines = unsafe { self.0.as_ref() };
        &lines[number].0
    }

    /// A word as small as the kernel waits on: the first half of a line that is used as no whole.
    pub(crate) fn small(&self, number: usize) -> &AtomicU32 {
        let half = std::ptr::from_ref(self.line(number)).cast::<AtomicU32>();
        // SAFETY: half of a word that lives as long as `self`, aligned as that is; nobody touches
        // the whole of it, so that no two accesses differ in size.
        unsafe { &*half }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping is `SIZE` long, was made by `map`, and nothing borrows from it.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), SIZE) };
    }
}
