//! What stands in front of each record.

use super::{Broken, words::ALIGN};

/// How long a header is, in bytes.
pub(super) const HEADER: u64 = 8;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message.
    Whole,
    /// The length of a message in eight bytes, and its first part.
    First,
    /// A further part of it.
    More,
    /// The length in eight bytes of a message in memory that was sealed for good.
    Sealed,
}

/// A header: length, kind, and a mark of the position that it is for.
///
/// ```text
/// bits 0..32   length of what follows, in bytes
/// bits 32..40  kind
/// bit  40      whatever was begun before this has no end: its producer is gone
/// bits 41..48  0
/// bits 48..64  the position, in eights, modulo 2^16
/// ```
///
/// The mark tells a header of another lap from the one that is looked for: it is there to find
/// mistakes, not attackers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) len: u32,
    /// Whether it is the first record of a producer that goes on after another.
    pub(super) anew: bool,
}

impl Header {
    /// Of a record that goes on behind the others.
    #[inline]
    pub(super) fn new(kind: Kind, len: usize) -> Self {
        debug_assert!(u32::try_from(len).is_ok());
        Self { kind, len: len as u32, anew: false }
    }

    /// How much of the ring the record takes, in bytes.
    #[inline]
    pub(super) fn size(self) -> u64 {
        (HEADER + u64::from(self.len)).next_multiple_of(ALIGN)
    }

    #[inline]
    pub(super) fn encode(self, at: u64) -> u64 {
        let kind = match self.kind {
            Kind::Whole => 1,
            Kind::First => 2,
            Kind::More => 3,
            Kind::Sealed => 4,
        };
        u64::from(self.len) | kind << 32 | u64::from(self.anew) << 40 | mark(at)
    }

    /// What a header at this position says, if it can be one.
    #[inline]
    pub(super) fn decode(word: u64, at: u64) -> Result<Self, Broken> {
        let kind = match word >> 32 & 0xfeff {
            1 => Kind::Whole,
            2 => Kind::First,
            3 => Kind::More,
            4 => Kind::Sealed,
            _ => return Err(Broken { what: "a record of no known kind", position: at }),
        };
        if word & (0xffff << 48) != mark(at) {
            return Err(Broken { what: "a record that belongs elsewhere", position: at });
        }
        // Truncation is what is meant: the length is the lower half.
        Ok(Self { kind, len: word as u32, anew: word >> 40 & 1 == 1 })
    }
}

fn mark(at: u64) -> u64 {
    (at / ALIGN) << 48
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_at_its_position_alone() {
        for kind in [Kind::Whole, Kind::First, Kind::More, Kind::Sealed] {
            let header = Header { kind, len: u32::MAX, anew: kind == Kind::First };
            let word = header.encode(8 * 0x12345);
            assert_eq!(Header::decode(word, 8 * 0x12345), Ok(header));
            Header::decode(word, 8 * 0x12346).unwrap_err();
            Header::decode(word | 1 << 41, 8 * 0x12345).unwrap_err();
        }
        Header::decode(0, 0).unwrap_err();
    }

    #[test]
    fn sizes_are_multiples_of_eight() {
        for (len, size) in [(0, 8), (1, 16), (8, 16), (9, 24), (u32::MAX as usize, (1 << 32) + 8)] {
            assert_eq!(Header::new(Kind::Whole, len).size(), size);
        }
    }
}
