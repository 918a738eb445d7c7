//! One record of the log.

use super::super::{Broken, Memory};

/// The header, in bytes: a word of length, kind and tag, and the record's number.
const HEADER: u64 = 16;
/// Records begin at multiples of this.
const ALIGN: u64 = 8;
/// The one kind there is.
const DATA: u8 = 1;

/// What a record takes of the ring.
pub(super) fn size(len: u64) -> u64 {
    HEADER + len.next_multiple_of(ALIGN)
}

/// Where a record's body is.
pub(super) fn body(at: u64) -> u64 {
    at + HEADER
}

/// The longest message of a log with such a ring.
pub(super) fn max_len(capacity: u64) -> u64 {
    capacity / 4
}

/// Whether a position is where a record can begin or end.
pub(super) fn is_aligned(position: u64) -> bool {
    position % ALIGN == 0
}

/// A header, copied and not yet judged, or ours to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    word: u64,
    pub(super) number: u64,
}

impl Header {
    /// Of a record at this position.
    pub(super) fn new(at: u64, len: u64, number: u64) -> Self {
        Self { word: len | u64::from(DATA) << 32 | tag(at) << 48, number }
    }

    pub(super) fn write(self, memory: &impl Memory, at: u64) {
        memory.write_word(at, self.word);
        memory.write_word(at + ALIGN, self.number);
    }

    pub(super) fn read(memory: &impl Memory, at: u64) -> Self {
        Self { word: memory.read_word(at), number: memory.read_word(at + ALIGN) }
    }

    /// The length of the body, if this is the header of a record at this position, of which there
    /// are so many bytes at most in a ring of this capacity.
    pub(super) fn len(self, at: u64, most: u64, capacity: u64) -> Result<u64, Broken> {
        let len = self.word & u64::from(u32::MAX);
        if self.word >> 32 != Self::new(at, len, self.number).word >> 32 {
            return Err(Broken { what: "no record begins where one should", position: at });
        }
        if len > max_len(capacity) || size(len) > most {
            return Err(Broken { what: "a record is longer than it can be", position: at });
        }
        Ok(len)
    }
}

/// Tells a record that was left from an earlier round, or the middle of one, from what is looked
/// for. It finds faults of ours; it is no defence.
fn tag(at: u64) -> u64 {
    (at / ALIGN) & 0xffff
}
