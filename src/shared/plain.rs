//! Memory that all who have it read and write, in no layout of ours.

#![allow(unsafe_code)]

use std::{
    slice,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

use super::Atomic;
use crate::sys::Mapping;

/// As much as is copied in one access.
#[cfg(target_pointer_width = "64")]
type Wide = std::sync::atomic::AtomicU64;
#[cfg(not(target_pointer_width = "64"))]
type Wide = std::sync::atomic::AtomicU32;

/// A mapping for reading and writing, as bytes and as atomics.
///
/// All accesses are atomic, also those that copy bytes: threads of ours may be at it at the same
/// time, and for what other processes write in the meantime it does what a volatile access does,
/// one load or store that is neither left out nor repeated. Accesses of different widths that meet
/// give some mixture of both values. The language has no word for those yet; the processors that
/// it compiles to do nothing worse.
#[derive(Debug)]
pub(crate) struct Plain(Mapping);

/// Some bytes, cut where the wide accesses begin and end.
struct Cut<'a> {
    head: &'a [AtomicU8],
    body: &'a [Wide],
    tail: &'a [AtomicU8],
}

impl Plain {
    /// What is mapped has to be there for reading and writing.
    pub(crate) fn new(mapping: Mapping) -> Self {
        Self(mapping)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// So many atomics from an offset on; `None` unless all are within and aligned.
    #[inline]
    pub(crate) fn atomics<A: Atomic>(&self, offset: usize, count: usize) -> Option<&[A]> {
        let end = count.checked_mul(size_of::<A>())?.checked_add(offset)?;
        if end > self.len() || offset % align_of::<A>() != 0 {
            return None;
        }
        let start: *const A = self.0.start().wrapping_add(offset).cast();
        // SAFETY: the bytes are within the mapping, which `self` keeps; it begins with a page, so
        // that the offset's alignment is the address's. An `Atomic` has a value whatever the bits
        // are, and others may change them at any time. Nothing makes a reference to these bytes
        // that is not to atomics.
        Some(unsafe { slice::from_raw_parts(start, count) })
    }

    /// Copies bytes out; `None` unless all are within.
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        let from = self.cut(offset, into.len())?;
        let (head, rest) = into.split_at_mut(from.head.len());
        let (body, tail) = rest.split_at_mut(size_of_val(from.body));
        // Relaxed, here and below: what is ordered by these copies is ordered by an atomic of the
        // caller's, which partners one of another process.
        for (byte, from) in head.iter_mut().zip(from.head) {
            *byte = from.load(Relaxed);
        }
        for (bytes, from) in body.chunks_exact_mut(size_of::<Wide>()).zip(from.body) {
            bytes.copy_from_slice(&from.load(Relaxed).to_ne_bytes());
        }
        for (byte, from) in tail.iter_mut().zip(from.tail) {
            *byte = from.load(Relaxed);
        }
        Some(())
    }

    /// Copies bytes in; `None`, and nothing was copied, unless all are within.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Option<()> {
        let to = self.cut(offset, bytes.len())?;
        let (head, rest) = bytes.split_at(to.head.len());
        let (body, tail) = rest.split_at(size_of_val(to.body));
        for (byte, to) in head.iter().zip(to.head) {
            to.store(*byte, Relaxed);
        }
        for (bytes, to) in body.chunks_exact(size_of::<Wide>()).zip(to.body) {
            let mut wide = [0; size_of::<Wide>()];
            wide.copy_from_slice(bytes);
            to.store(wide_of(wide), Relaxed);
        }
        for (byte, to) in tail.iter().zip(to.tail) {
            to.store(*byte, Relaxed);
        }
        Some(())
    }

    /// Writes the same byte many times; `None`, and nothing was written, unless all are within.
    pub(crate) fn fill(&self, offset: usize, len: usize, byte: u8) -> Option<()> {
        let to = self.cut(offset, len)?;
        let wide = wide_of([byte; size_of::<Wide>()]);
        to.head.iter().for_each(|to| to.store(byte, Relaxed));
        to.body.iter().for_each(|to| to.store(wide, Relaxed));
        to.tail.iter().for_each(|to| to.store(byte, Relaxed));
        Some(())
    }

    fn cut(&self, offset: usize, len: usize) -> Option<Cut<'_>> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len())?;
        let width = size_of::<Wide>();
        let first = offset.next_multiple_of(width).min(end);
        let wide = (end - first) / width;
        let last = first + wide * width;
        Some(Cut {
            head: self.atomics(offset, first - offset)?,
            // Where there is none of them, `first` need not be aligned.
            body: if wide == 0 { &[] } else { self.atomics(first, wide)? },
            tail: self.atomics(last, end - last)?,
        })
    }
}

#[cfg(target_pointer_width = "64")]
fn wide_of(bytes: [u8; size_of::<Wide>()]) -> u64 {
    u64::from_ne_bytes(bytes)
}

#[cfg(not(target_pointer_width = "64"))]
fn wide_of(bytes: [u8; size_of::<Wide>()]) -> u32 {
    u32::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsFd, sync::atomic::AtomicU32};

    use super::*;
    use crate::sys::{Access, anonymous_memory};

    fn plain(len: usize) -> Plain {
        let file = anonymous_memory("test", len).unwrap();
        Plain::new(Mapping::new(file.as_fd(), len, Access::ReadWrite).unwrap())
    }

    #[test]
    fn copies_are_of_the_bytes_that_were_asked_for() {
        const LEN: usize = 41;
        let plain = plain(LEN);
        let mut model = [0_u8; LEN];
        let bytes: Vec<u8> = (1..=LEN as u8).collect();
        for offset in 0..=LEN {
            for len in 0..=LEN - offset {
                plain.write(offset, &bytes[..len]).unwrap();
                model[offset..offset + len].copy_from_slice(&bytes[..len]);
                let mut whole = [0; LEN];
                plain.read(0, &mut whole).unwrap();
                assert_eq!(whole, model, "{len} written at {offset}");

                let mut part = vec![0; len];
                plain.read(offset, &mut part).unwrap();
                assert_eq!(part, bytes[..len], "{len} read at {offset}");

                plain.fill(offset, len, 0xee).unwrap();
                model[offset..offset + len].fill(0xee);
                plain.read(0, &mut whole).unwrap();
                assert_eq!(whole, model, "{len} filled at {offset}");
            }
        }
    }

    #[test]
    fn nothing_is_beyond_the_end() {
        let plain = plain(41);
        for (offset, len) in [(0, 42), (41, 1), (42, 0), (usize::MAX, 1), (usize::MAX, 2)] {
            assert!(plain.read(offset, &mut vec![0; len]).is_none(), "{len} at {offset}");
            assert!(plain.write(offset, &vec![1; len]).is_none(), "{len} at {offset}");
            assert!(plain.fill(offset, len, 1).is_none(), "{len} at {offset}");
        }
        assert!(plain.fill(1, usize::MAX, 1).is_none());
        let mut whole = [7; 41];
        plain.read(0, &mut whole).unwrap();
        assert_eq!(whole, [0; 41], "what is refused is refused whole");

        assert_eq!(plain.atomics::<AtomicU32>(0, 10).map(<[_]>::len), Some(10));
        assert!(plain.atomics::<AtomicU32>(0, 11).is_none());
        assert!(plain.atomics::<AtomicU32>(0, usize::MAX / 2).is_none());
        assert!(plain.atomics::<AtomicU32>(2, 1).is_none(), "not aligned");
        assert!(plain.atomics::<AtomicU32>(40, 1).is_none(), "half beyond");
    }
}
