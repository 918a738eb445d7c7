//! Words and bytes that are shared.

#![allow(unsafe_code)]

use std::{mem::MaybeUninit, sync::Arc};

use crate::sync::Ordering;

/// A control word, by its offset from the beginning of the memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Word(pub(crate) usize);

/// Words and a ring of bytes that are shared with who may be hostile.
///
/// Whoever writes a word is its only writer, unless the word's own description says otherwise.
///
/// # Safety
///
/// `read` writes all of `into`, and nothing there that is not initialised; `read_word` is that of
/// eight bytes.
pub(crate) unsafe trait Memory {
    /// How many bytes the ring has: a power of two.
    fn capacity(&self) -> usize;

    /// Loads a control word.
    fn load(&self, word: Word, ordering: Ordering) -> u64;

    /// Stores to a control word of ours.
    fn store(&self, word: Word, value: u64, ordering: Ordering);

    /// Copies bytes of the ring out, each once: from a position that is a multiple of 8, at most
    /// as many as the ring has.
    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]);

    /// Copies bytes into the ring, which must be ours: the same positions and lengths.
    fn write(&self, at: u64, bytes: &[u8]);

    /// Bytes of the ring, in place.
    ///
    /// # Safety
    ///
    /// Nobody writes to them, in any process, as long as they are borrowed.
    #[allow(unsafe_code)]
    unsafe fn bytes(&self, at: u64, len: usize) -> &[u8];

    /// Copies the eight bytes at a position out.
    #[inline]
    fn read_word(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.read(at, as_uninit(&mut bytes));
        u64::from_ne_bytes(bytes)
    }

    /// Copies eight bytes to a position.
    #[inline]
    fn write_word(&self, at: u64, word: u64) {
        self.write(at, &word.to_ne_bytes());
    }
}

/// As something that is only written to, or read after it was written whole.
#[inline]
fn as_uninit(bytes: &mut [u8; 8]) -> &mut [MaybeUninit<u8>] {
    let range = bytes.as_mut_ptr_range();
    let start: *mut MaybeUninit<u8> = range.start.cast();
    // SAFETY: the same eight bytes, borrowed for as long; `Memory::read` writes them all, and
    // writes nothing there that is not initialised.
    unsafe { std::slice::from_raw_parts_mut(start, 8) }
}

// SAFETY: it is whatever the other does.
unsafe impl<M: Memory> Memory for Arc<M> {
    #[inline]
    fn capacity(&self) -> usize {
        (**self).capacity()
    }

    #[inline]
    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        (**self).load(word, ordering)
    }

    #[inline]
    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        (**self).store(word, value, ordering);
    }

    #[inline]
    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        (**self).read(at, into);
    }

    #[inline]
    fn write(&self, at: u64, bytes: &[u8]) {
        (**self).write(at, bytes);
    }

    #[inline]
    #[allow(unsafe_code)]
    unsafe fn bytes(&self, at: u64, len: usize) -> &[u8] {
        // SAFETY: the caller promises the same.
        unsafe { (**self).bytes(at, len) }
    }

    #[inline]
    fn read_word(&self, at: u64) -> u64 {
        (**self).read_word(at)
    }

    #[inline]
    fn write_word(&self, at: u64, word: u64) {
        (**self).write_word(at, word);
    }
}
