//! The messages of a measurement: made at one end, checked at the other.

use bytes::{Bytes, BytesMut};

use crate::allocations;
use crate::trial::Fault;

/// How much of small messages is made at once.
const SLAB: usize = 64 << 10;

/// Makes messages of one length; the first eight bytes are the sequence number, little endian.
///
/// They are cut from slabs that are used again when nobody holds a message of them any more: only
/// the numbers are written anew, so that filling and freeing bodies does not become what is
/// measured.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: usize,
    /// Messages that were handed out, and those that the slabs so far have room for.
    made: u64,
    filled: u64,
    slab: Bytes,
    /// Where the next message begins in the slab.
    at: usize,
    kept: Vec<Bytes>,
}

impl Source {
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes.max(8);
        Self { bytes, made: 0, filled: 0, slab: Bytes::new(), at: 0, kept: Vec::new() }
    }

    /// How many were made.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// The next message.
    #[inline]
    pub(crate) fn next(&mut self) -> Bytes {
        if self.made == self.filled {
            allocations::apart(|| self.refill());
        }
        let end = self.at + self.bytes;
        let message = self.slab.slice(self.at..end);
        self.at = end;
        self.made += 1;
        message
    }

    #[cold]
    fn refill(&mut self) {
        self.kept.push(std::mem::take(&mut self.slab));
        let free = self.kept.iter().position(|slab| !slab.is_empty() && slab.is_unique());
        let free = free.and_then(|at| self.kept.swap_remove(at).try_into_mut().ok());
        let mut slab = free.unwrap_or_else(|| self.fresh());
        for message in slab.chunks_exact_mut(self.bytes) {
            message[..8].copy_from_slice(&self.filled.to_le_bytes());
            self.filled += 1;
        }
        self.slab = slab.freeze();
        // The first clone of a slab allocates its count; it is taken here and not in the window.
        drop(self.slab.clone());
        self.at = 0;
    }

    fn fresh(&self) -> BytesMut {
        let messages = (SLAB / self.bytes).max(1);
        let body: Vec<u8> = (0..messages * self.bytes).map(|at| (at % 251) as u8).collect();
        BytesMut::from(body.as_slice())
    }
}

/// Checks that messages arrive whole, in order, each once.
#[derive(Debug)]
pub(crate) struct Check {
    next: u64,
    bytes: usize,
}

impl Check {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { next: 0, bytes: bytes.max(8) }
    }

    /// How many were right.
    pub(crate) fn right(&self) -> u64 {
        self.next
    }

    /// Takes the next message.
    #[inline]
    pub(crate) fn take(&mut self, message: &[u8]) -> Result<(), Fault> {
        let sequence = message.first_chunk().map(|first| u64::from_le_bytes(*first));
        if message.len() != self.bytes || sequence != Some(self.next) {
            return Err(self.wrong(message.len(), sequence));
        }
        self.next += 1;
        Ok(())
    }

    #[cold]
    fn wrong(&self, len: usize, sequence: Option<u64>) -> Fault {
        format!(
            "message {} of {} bytes expected, number {sequence:?} of {len} bytes came",
            self.next, self.bytes
        )
        .into()
    }
}
