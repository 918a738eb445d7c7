//! Shared memory without the crate: mapped, read and written as one likes.

#![allow(unsafe_code)]

use std::{
    os::fd::{AsFd, OwnedFd},
    ptr,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::{
    fs::{
        FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create,
    },
    io::Errno,
    mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mprotect, munmap},
};

/// What is in front of the ring.
pub(crate) const FRONT: u64 = 4096;
/// The control words, as `src/shared/words.rs` has them.
pub(crate) const TAIL: u64 = 128;
pub(crate) const TX_STATE: u64 = 136;
pub(crate) const WANT_SPACE: u64 = 256;
pub(crate) const HEAD: u64 = 384;
pub(crate) const RX_STATE: u64 = 392;
pub(crate) const WANT_DATA: u64 = 512;

/// A file of memory, mapped.
pub(crate) struct Memory {
    pub(crate) file: OwnedFd,
    start: *mut u8,
    len: usize,
    pub(crate) capacity: u64,
}

// SAFETY: a mapping that is there until the value is dropped; all access is by atomics.
unsafe impl Sync for Memory {}
// SAFETY: as for `Sync`; no thread has more to do with it than another.
unsafe impl Send for Memory {}

impl Memory {
    /// Ours to write to, sealed as an honest peer does.
    pub(crate) fn ours(capacity: u64) -> Self {
        let file = file(FRONT + capacity);
        let memory = Self::map(file, capacity, ProtFlags::READ | ProtFlags::WRITE);
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        fcntl_add_seals(&memory.file, seals).unwrap();
        memory
    }

    /// The other's.
    pub(crate) fn theirs(file: OwnedFd, capacity: u64) -> Self {
        Self::map(file, capacity, ProtFlags::READ)
    }

    fn map(file: OwnedFd, capacity: u64, allowed: ProtFlags) -> Self {
        let len = (FRONT + capacity) as usize;
        // SAFETY: the kernel finds addresses that are free.
        let start = unsafe { mmap(ptr::null_mut(), len, allowed, MapFlags::SHARED, &file, 0) };
        Self { file, start: start.unwrap().cast(), len, capacity }
    }

    /// The word at this offset.
    pub(crate) fn word(&self, offset: u64) -> &AtomicU64 {
        let offset = offset as usize & !7;
        assert!(offset < self.len);
        let word = self.start.wrapping_add(offset).cast();
        // SAFETY: eight aligned bytes of the mapping, which all access as atomics.
        unsafe { AtomicU64::from_ptr(word) }
    }

    pub(crate) fn load(&self, offset: u64) -> u64 {
        self.word(offset).load(Ordering::SeqCst)
    }

    pub(crate) fn store(&self, offset: u64, value: u64) {
        self.word(offset).store(value, Ordering::SeqCst);
    }

    /// Writes whole words to the ring, from this position on.
    pub(crate) fn put(&self, at: u64, bytes: &[u8]) {
        for (n, word) in (0..).zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            self.store(FRONT + at.wrapping_add(8 * n) % self.capacity, u64::from_ne_bytes(whole));
        }
    }

    /// Tries what would take the memory from who reads it, or change it under who writes it. None
    /// of it must work, whoever it is that owns it.
    pub(crate) fn cannot_be_taken_back(&self, is_ours: bool) {
        let len = self.len as u64;
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fails("truncate", ftruncate(&self.file, 0));
        fails("shorten", ftruncate(&self.file, len - FRONT));
        fails("grow", ftruncate(&self.file, len + FRONT));
        fails("grow by allocating", fallocate(&self.file, FallocateFlags::empty(), len, FRONT));
        fails("punch", fallocate(&self.file, punch, 0, len));
        fails("zero", fallocate(&self.file, FallocateFlags::ZERO_RANGE, 0, len));
        fails("write", rustix::io::pwrite(&self.file, &[0xff; 64], 0).map(drop));
        fails("seal", fcntl_add_seals(&self.file, SealFlags::WRITE));
        // SAFETY: it frees pages of shared memory, or fails, which it does.
        let removed = unsafe { madvise(self.start.cast(), self.len, Advice::LinuxRemove) };
        fails("remove", removed);
        if !is_ours {
            let writable = MprotectFlags::READ | MprotectFlags::WRITE;
            // SAFETY: nothing is taken from who has it mapped.
            fails("make writable", unsafe { mprotect(self.start.cast(), self.len, writable) });
        }
        let again = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.file));
        let again = rustix::fs::open(again, rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty());
        for file in [Ok(self.file.as_fd()), again.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
            let writable = ProtFlags::READ | ProtFlags::WRITE;
            let shared = MapFlags::SHARED;
            // SAFETY: the kernel finds addresses that are free.
            let mapped = unsafe { mmap(ptr::null_mut(), self.len, writable, shared, file, 0) };
            fails("map to write", mapped.map(drop));
        }
    }
}

/// One that can be sealed, and is not.
pub(crate) fn file(len: u64) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create(c"stranger", flags).unwrap();
    ftruncate(&file, len).unwrap();
    file
}

#[track_caller]
fn fails(what: &str, done: Result<(), Errno>) {
    assert!(done.is_err(), "somebody could {what} memory that is sealed");
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: nobody has a reference into it any more.
        unsafe { munmap(self.start.cast(), self.len) }.unwrap();
    }
}
