//! The messages of a measurement: made at one end, checked at the other.

use bytes::{BufMut, Bytes, BytesMut};

use crate::allocations;
use crate::trial::Fault;

/// Bodies up to this length are written anew into an arena; longer ones are kept and reused, so
/// that filling them does not become what is measured.
const SMALL: usize = 4 << 10;

/// How much is cut into small messages before the arena is reclaimed.
const ARENA: usize = 256 << 10;

/// Makes messages of one length; the first eight bytes are the sequence number, little endian.
#[derive(Debug)]
pub(crate) struct Source {
    next: u64,
    template: Vec<u8>,
    arena: BytesMut,
    kept: Vec<Bytes>,
}

impl Source {
    pub(crate) fn new(bytes: usize) -> Self {
        let template = (0..bytes.max(8)).map(|at| (at % 251) as u8).collect();
        Self { next: 0, template, arena: BytesMut::new(), kept: Vec::new() }
    }

    /// How many were made.
    pub(crate) fn made(&self) -> u64 {
        self.next
    }

    /// The next message.
    #[inline]
    pub(crate) fn next(&mut self) -> Bytes {
        let sequence = self.next;
        self.next += 1;
        if self.template.len() <= SMALL { self.small(sequence) } else { self.large(sequence) }
    }

    #[inline]
    fn small(&mut self, sequence: u64) -> Bytes {
        let len = self.template.len();
        if self.arena.capacity() - self.arena.len() < len {
            // Reclaims the arena in place when no message of it is alive any more.
            allocations::apart(|| self.arena.reserve(ARENA));
        }
        self.arena.put_u64_le(sequence);
        self.arena.put_slice(&self.template[8..]);
        self.arena.split().freeze()
    }

    fn large(&mut self, sequence: u64) -> Bytes {
        allocations::apart(|| {
            let free = self.kept.iter().position(Bytes::is_unique);
            let reused = free.and_then(|at| self.kept.swap_remove(at).try_into_mut().ok());
            let mut body = reused.unwrap_or_else(|| BytesMut::from(self.template.as_slice()));
            body[..8].copy_from_slice(&sequence.to_le_bytes());
            let body = body.freeze();
            self.kept.push(body.clone());
            body
        })
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
