//! Control words and a ring of bytes in a file that is mapped.

#![allow(unsafe_code)]

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    ptr,
    sync::atomic::{AtomicU32, AtomicU64},
};

use super::{
    Memory, Word,
    words::{HEAD, TAIL},
};
use crate::{
    sync::Ordering,
    sys::{self, Access, Mapping},
};

/// The least and the most that a ring has, in bytes.
pub(crate) const CAPACITY: (usize, usize) = (64 * 1024, 1 << 30);

/// A page of control words, and a ring of bytes behind it that is mapped twice in a row: bytes
/// that go beyond its end go on at its beginning, and no copy has to be cut in two.
#[derive(Debug)]
pub(crate) struct Region {
    mapping: Mapping,
    front: usize,
    capacity: usize,
    /// Nobody else can write to it, in any process.
    alone: bool,
}

impl Region {
    /// How long the file of a ring of `capacity` bytes is.
    pub(crate) fn file_len(capacity: usize) -> usize {
        front() + capacity
    }

    /// Whether a ring can have so many bytes.
    pub(crate) fn is_capacity(capacity: usize) -> bool {
        capacity.is_power_of_two() && CAPACITY.0 <= capacity && capacity <= CAPACITY.1
    }

    /// One that nobody else will ever write to, and its file, for others to read from.
    pub(crate) fn create(capacity: usize) -> io::Result<(Self, OwnedFd)> {
        let file = sys::anonymous_memory("framewire", Self::file_len(capacity))?;
        let region = Self::map(file.as_fd(), 0, capacity, Access::ReadWrite)?;
        sys::keep_ours_to_write(file.as_fd())?;
        Ok((Self { alone: true, ..region }, file))
    }

    /// Somebody else's, to read from. The file is as long as that takes, and stays so.
    pub(crate) fn attach(file: BorrowedFd<'_>, capacity: usize) -> io::Result<Self> {
        Self::map(file, 0, capacity, Access::Read)
    }

    /// Control words alone, which nobody else will ever write to, and their file.
    pub(crate) fn create_words() -> io::Result<(Self, OwnedFd)> {
        let file = sys::anonymous_memory("framewire", Self::file_len(0))?;
        let mapping = Mapping::new(file.as_fd(), front(), Access::ReadWrite)?;
        sys::keep_ours_to_write(file.as_fd())?;
        Ok((Self { mapping, front: front(), capacity: 0, alone: true }, file))
    }

    /// Somebody else's control words, as with [`attach`](Self::attach).
    pub(crate) fn attach_words(file: BorrowedFd<'_>) -> io::Result<Self> {
        let mapping = Mapping::new(file, front(), Access::Read)?;
        Ok(Self { mapping, front: front(), capacity: 0, alone: false })
    }

    /// One that several write to, the `nth` in a file of several of this capacity. The file is as
    /// long as that takes, and stays so.
    pub(crate) fn share(file: BorrowedFd<'_>, nth: usize, capacity: usize) -> io::Result<Self> {
        Self::map(file, nth, capacity, Access::ReadWrite)
    }

    /// Somebody else's, to [keep](Self::keep) parts of.
    pub(super) fn view(file: BorrowedFd<'_>, capacity: usize) -> io::Result<Self> {
        let region = Self::map(file, 0, capacity, Access::Private)?;
        // Whether the kernel can is known now: nothing is kept by this.
        region.keep(0, 0)?;
        Ok(region)
    }

    /// Keeps these bytes of a [view](Self::view) as they are, whatever becomes of the ring; others
    /// in the same pages too.
    pub(super) fn keep(&self, at: u64, len: usize) -> io::Result<()> {
        assert!(len <= self.capacity, "more than the ring has");
        self.mapping.detach(self.front + self.offset(at), len)
    }

    fn map(file: BorrowedFd<'_>, nth: usize, capacity: usize, access: Access) -> io::Result<Self> {
        if !Self::is_capacity(capacity) {
            let what = format!("a ring of {capacity} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let front = front();
        let mapping = Mapping::with_ring(file, nth * (front + capacity), front, capacity, access)?;
        Ok(Self { mapping, front, capacity, alone: false })
    }

    /// Where the byte of a position is: at least `capacity` bytes follow.
    #[inline]
    fn byte(&self, at: u64) -> *mut u8 {
        self.mapping.start().wrapping_add(self.front + self.offset(at))
    }

    #[inline]
    fn offset(&self, at: u64) -> usize {
        at as usize & (self.capacity - 1)
    }

    #[inline]
    fn word(&self, word: Word) -> &AtomicU64 {
        assert!(word.0 % 8 == 0 && word.0 < self.front, "no control word");
        let word: *mut u64 = self.mapping.start().wrapping_add(word.0).cast();
        // SAFETY: eight aligned bytes of the mapping, which lives as long as `self`, and which all
        // who map it access as atomics.
        unsafe { AtomicU64::from_ptr(word) }
    }

    /// Whether all that was published was released, as far as can be told where either may go on.
    pub(crate) fn is_drained(&self) -> bool {
        // Acquire, both: who asks has heard that nobody is there, or decides nothing by it.
        self.load(TAIL, Ordering::Acquire) == self.load(HEAD, Ordering::Acquire)
    }

    /// A word of half the size, which threads can sleep on in all processes.
    #[inline]
    pub(crate) fn half(&self, word: Word) -> &AtomicU32 {
        assert!(word.0 % 8 == 0 && word.0 < self.front, "no control word");
        let half: *mut u32 = self.mapping.start().wrapping_add(word.0).cast();
        // SAFETY: four aligned bytes of the mapping, which lives as long as `self`, and which all
        // who map it access as atomics of this size.
        unsafe { AtomicU32::from_ptr(half) }
    }

    /// A part of the ring, to be written in place.
    ///
    /// # Safety
    ///
    /// Nobody in this process writes to it or reads it in another way, through this mapping or
    /// another, as long as it is borrowed.
    #[expect(clippy::mut_from_ref, reason = "it borrows shared memory, not this value")]
    pub(super) unsafe fn bytes_mut(&self, at: u64, len: usize) -> &mut [u8] {
        assert!(self.alone, "others write to it, or it is not mapped to write");
        assert!(len <= self.capacity, "more than the ring has");
        // SAFETY: the bytes are of the mapping, which lives as long as `self`. It is mapped to
        // write, and its file was sealed against every other writer (`create`), so what other
        // processes do changes nothing; that nobody in this one has to do with them is the
        // caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.byte(at), len) }
    }
}

/// How much of the file comes in front of the ring: a page, which may be of 64 KiB.
fn front() -> usize {
    rustix::param::page_size().max(4096)
}

// SAFETY: `copy_out` writes as many bytes as it was asked for.
unsafe impl Memory for Region {
    #[inline]
    fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        self.word(word).load(ordering)
    }

    #[inline]
    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        self.word(word).store(value, ordering);
    }

    #[inline]
    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        assert!(at % 8 == 0 && into.len() <= self.capacity, "not in the ring");
        // SAFETY: there are `capacity` bytes from there on, and more than the length is read only
        // up to the next multiple of 8; `into` is as long as is said, and no part of the mapping.
        unsafe { copy_out(self.byte(at), into.as_mut_ptr().cast(), into.len()) }
    }

    #[inline]
    fn write(&self, at: u64, bytes: &[u8]) {
        assert!(bytes.len() <= self.capacity, "more than the ring has");
        // SAFETY: there are `capacity` bytes from there on, which are ours to write; `bytes` is no
        // part of them.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.byte(at), bytes.len()) }
    }

    #[inline]
    unsafe fn bytes(&self, at: u64, len: usize) -> &[u8] {
        assert!(len <= self.capacity, "more than the ring has");
        // SAFETY: the bytes are of the mapping, which lives as long as `self`; that nobody changes
        // them is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.byte(at), len) }
    }

    #[inline]
    fn read_word(&self, at: u64) -> u64 {
        assert!(at % 8 == 0, "not in the ring");
        let from: *const u64 = self.byte(at).cast();
        // SAFETY: eight aligned bytes of the mapping.
        unsafe { from.read_volatile() }
    }

    #[inline]
    fn write_word(&self, at: u64, word: u64) {
        assert!(at % 8 == 0, "not in the ring");
        let to: *mut u64 = self.byte(at).cast();
        // SAFETY: eight aligned bytes of the mapping, which are ours to write.
        unsafe { to.write(word) }
    }
}

/// Copies bytes that may change meanwhile, each once.
///
/// # Safety
///
/// `from` is a multiple of 8, and can be read up to the multiple of 8 at or behind `from + len`;
/// `into` can be written for `len` bytes.
#[inline]
unsafe fn copy_out(from: *const u8, into: *mut u8, len: usize) {
    let whole = len / 8;
    let (words, to) = (from.cast::<u64>(), into.cast::<u64>());
    for i in 0..whole {
        // SAFETY: an aligned word, all of which can be read.
        let word = unsafe { words.wrapping_add(i).read_volatile() };
        // SAFETY: eight of the bytes that can be written.
        unsafe { to.wrapping_add(i).write_unaligned(word) };
    }
    let rest = len % 8;
    if rest > 0 {
        // SAFETY: it can be read up to the next multiple of 8.
        let word = unsafe { words.wrapping_add(whole).read_volatile() };
        let into = into.wrapping_add(8 * whole);
        // SAFETY: the last of the bytes that can be written.
        unsafe { ptr::copy_nonoverlapping(word.to_ne_bytes().as_ptr(), into, rest) };
    }
}
