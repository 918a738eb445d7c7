//! The messages of a measurement: made at one end, checked at the other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::allocations;
use crate::trial::{Fault, Trial};

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
/// buffers, each used again when nobody holds it any more, with only the number written anew. So do
/// small ones where some may be lost, since no two may have the same number there.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: usize,
    made: u64,
    ring: &'static [u8],
    /// Where the next message begins in the ring.
    at: usize,
    buffers: Vec<Bytes>,
}

/// How many messages of a trial are there before their numbers begin again; `None` where they do
/// not.
fn numbers(trial: &Trial) -> Option<usize> {
    (length(trial) < SMALL && !trial.loses()).then(|| RING / length(trial))
}

fn length(trial: &Trial) -> usize {
    trial.bytes.max(8)
}

impl Source {
    pub(crate) fn new(trial: &Trial) -> Self {
        let bytes = length(trial);
        let ring = numbers(trial).map_or(&[][..], |numbers| ring(bytes, numbers));
        Self { bytes, made: 0, ring, at: 0, buffers: Vec::new() }
    }

    /// How many were made.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// The number of the next message, for who writes that message elsewhere.
    #[inline]
    pub(crate) fn number(&mut self) -> u64 {
        let number = match self.ring.len() {
            0 => self.made,
            len => self.made % (len / self.bytes) as u64,
        };
        self.made += 1;
        number
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
fn ring(bytes: usize, numbers: usize) -> &'static [u8] {
    static RINGS: Mutex<BTreeMap<usize, &'static [u8]>> = Mutex::new(BTreeMap::new());

    let make = || {
        let mut ring = body(bytes).repeat(numbers);
        for (message, number) in ring.chunks_exact_mut(bytes).zip(0_u64..) {
            message[..8].copy_from_slice(&number.to_le_bytes());
        }
        &*Box::leak(ring.into_boxed_slice())
    };
    let mut rings = RINGS.lock().unwrap_or_else(PoisonError::into_inner);
    allocations::apart(|| *rings.entry(bytes).or_insert_with(make))
}

/// Checks that messages arrive whole, in order, each once; where some may be lost, at most once.
#[derive(Debug)]
pub(crate) struct Check {
    right: u64,
    /// The number of the next message; it begins again after `numbers`.
    next: u64,
    numbers: u64,
    bytes: usize,
    loses: bool,
}

impl Check {
    pub(crate) fn new(trial: &Trial) -> Self {
        let numbers = numbers(trial).map_or(u64::MAX, |numbers| numbers as u64);
        Self { right: 0, next: 0, numbers, bytes: length(trial), loses: trial.loses() }
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
            self.passed_over(message.len(), sequence)?;
        }
        self.right += 1;
        self.next += 1;
        if self.next == self.numbers {
            self.next = 0;
        }
        Ok(())
    }

    /// Goes on at a later number where those before it may have been lost.
    fn passed_over(&mut self, len: usize, sequence: Option<u64>) -> Result<(), Fault> {
        match sequence {
            Some(later) if self.loses && len == self.bytes && later > self.next => {
                self.next = later;
                Ok(())
            }
            _ => Err(self.wrong(len, sequence)),
        }
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
