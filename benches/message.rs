//! The messages of a measurement: made at one end, checked at the other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::allocations;
use crate::trial::Fault;

/// Messages below this length come from a ring that is never freed, in bytes.
const SMALL: usize = 4 << 10;
/// How large that ring is, in bytes: it stays in the second-level cache.
const RING: usize = 256 << 10;

/// Makes messages of one length; the first eight bytes are the sequence number, little endian.
///
/// Making a message must cost next to nothing, or it is what is measured: some 16 ns for the two
/// atomic operations of a shared buffer are half of what a 64-byte message takes. So small ones are
/// static slices of a ring, with numbers modulo its length (a whole ring that got lost shows in the
/// sum, which both sides compare at the end), and large ones take turns in a few
/// buffers, each used again when nobody holds it any more, with only the number written anew.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: usize,
    made: u64,
    ring: &'static [u8],
    /// Where the next message begins in the ring.
    at: usize,
    buffers: Vec<Bytes>,
}

/// How many numbers there are before they begin again.
fn numbers(bytes: usize) -> u64 {
    if bytes < SMALL { (RING / bytes) as u64 } else { u64::MAX }
}

impl Source {
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes.max(8);
        let ring = if bytes < SMALL { ring(bytes) } else { &[] };
        Self { bytes, made: 0, ring, at: 0, buffers: Vec::new() }
    }

    /// How many were made.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// The next message.
    #[inline]
    pub(crate) fn next(&mut self) -> Bytes {
        self.made += 1;
        let Some(message) = self.ring.get(self.at..self.at + self.bytes) else {
            return allocations::apart(|| self.large());
        };
        self.at += self.bytes;
        if self.at == self.ring.len() {
            self.at = 0;
        }
        Bytes::from_static(message)
    }

    fn large(&mut self) -> Bytes {
        let free = self.buffers.iter().position(Bytes::is_unique);
        let free = free.and_then(|at| self.buffers.swap_remove(at).try_into_mut().ok());
        let mut message = free.unwrap_or_else(|| BytesMut::from(body(self.bytes).as_slice()));
        message[..8].copy_from_slice(&(self.made - 1).to_le_bytes());
        let message = message.freeze();
        self.buffers.push(message.clone());
        message
    }
}

fn body(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

/// Numbered messages one behind the other: one ring a length, for all connections of the process.
fn ring(bytes: usize) -> &'static [u8] {
    static RINGS: Mutex<BTreeMap<usize, &'static [u8]>> = Mutex::new(BTreeMap::new());

    let make = || {
        let mut ring = body(bytes).repeat(numbers(bytes) as usize);
        for (message, number) in ring.chunks_exact_mut(bytes).zip(0_u64..) {
            message[..8].copy_from_slice(&number.to_le_bytes());
        }
        &*Box::leak(ring.into_boxed_slice())
    };
    let mut rings = RINGS.lock().unwrap_or_else(PoisonError::into_inner);
    allocations::apart(|| *rings.entry(bytes).or_insert_with(make))
}

/// Checks that messages arrive whole, in order, each once.
#[derive(Debug)]
pub(crate) struct Check {
    right: u64,
    /// The number of the next message; it begins again after `numbers`.
    next: u64,
    numbers: u64,
    bytes: usize,
}

impl Check {
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes.max(8);
        Self { right: 0, next: 0, numbers: numbers(bytes), bytes }
    }

    /// How many were right.
    pub(crate) fn right(&self) -> u64 {
        self.right
    }

    /// Takes the next message.
    #[inline]
    pub(crate) fn take(&mut self, message: &[u8]) -> Result<(), Fault> {
        let sequence = message.first_chunk().map(|first| u64::from_le_bytes(*first));
        if message.len() != self.bytes || sequence != Some(self.next) {
            return Err(self.wrong(message.len(), sequence));
        }
        self.right += 1;
        self.next += 1;
        if self.next == self.numbers {
            self.next = 0;
        }
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
