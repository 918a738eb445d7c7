//! Whole frames, gathered into writes that the kernel does not split.

use std::collections::VecDeque;

use bytes::BufMut;

use crate::{frame::PREFIX, sys::PIPE_BUF};

/// More than this, in bytes, is not queued without an attempt to write it.
const FULL: usize = 128 * 1024;

/// Frames that are still to be written, in units of one write each: as many whole frames as fit
/// into what is written at once, so that many writers' frames never mix.
#[derive(Debug, Default)]
pub(super) struct Units {
    bytes: Vec<u8>,
    /// How much of `bytes` has been written.
    written: usize,
    lens: VecDeque<usize>,
}

impl Units {
    /// The longest body of a frame that is written as one.
    pub(super) const MAX_LEN: usize = PIPE_BUF - PREFIX;

    /// Queues a frame; its body has [`MAX_LEN`](Self::MAX_LEN) bytes at most.
    #[inline]
    pub(super) fn push(&mut self, body: &[u8]) {
        // Half of it, so that what is moved was paid for by what was written.
        if self.written >= FULL.max(self.bytes.len() / 2) {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        let len = PREFIX + body.len();
        self.bytes.put_u32(body.len() as u32);
        self.bytes.extend_from_slice(body);
        match self.lens.back_mut() {
            // What could not be written yet was not written in part.
            Some(last) if *last + len <= PIPE_BUF => *last += len,
            _ => self.lens.push_back(len),
        }
    }

    /// Whether enough is queued that writing comes first.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() - self.written >= FULL
    }

    /// What is to be written next, in one call.
    #[inline]
    pub(super) fn front(&self) -> Option<&[u8]> {
        let len = self.lens.front()?;
        Some(&self.bytes[self.written..self.written + len])
    }

    /// It was written.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.written += self.lens.pop_front().unwrap_or(0);
        if self.lens.is_empty() {
            self.bytes.clear();
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_whole_frames_and_as_long_as_they_may_be() {
        let mut units = Units::default();
        for n in 0..1000_usize {
            units.push(&vec![n as u8; n * 37 % (Units::MAX_LEN + 1)]);
        }
        let (mut n, mut before) = (0, PIPE_BUF);
        while let Some(mut unit) = units.front() {
            assert!(unit.len() <= PIPE_BUF);
            let first = PREFIX + n * 37 % (Units::MAX_LEN + 1);
            assert!(before + first > PIPE_BUF, "it had room for one more");
            before = unit.len();
            while let Some((len, rest)) = unit.split_first_chunk::<PREFIX>() {
                let len = u32::from_be_bytes(*len) as usize;
                assert_eq!(rest[..len], vec![n as u8; n * 37 % (Units::MAX_LEN + 1)]);
                unit = &rest[len..];
                n += 1;
            }
            assert!(unit.is_empty());
            units.pop();
        }
        assert_eq!(n, 1000);
        assert_eq!(units.bytes.len(), 0);
    }

    /// What has been written goes, even where something is always left to be.
    #[test]
    fn a_queue_that_is_never_empty_does_not_grow() {
        let mut units = Units::default();
        units.push(&[0; Units::MAX_LEN]);
        for n in 0..10_000_usize {
            units.push(&vec![n as u8; Units::MAX_LEN]);
            units.pop();
            assert_eq!(units.front().map(|unit| unit[PREFIX]), Some(n as u8));
            assert!(units.bytes.len() <= 3 * FULL);
        }
    }
}
