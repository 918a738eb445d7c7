//! The packet that each of two processes introduces itself with.

use crate::{
    Error, ErrorKind, Result,
    shared::{CAPACITY, Region},
};

/// What a hello begins with, whatever its version.
const MAGIC: [u8; 8] = *b"frmw-shm";
/// What both must speak: how a hello looks, and all that is behind it.
const VERSION: u32 = 1;
/// How many bytes it has.
pub(super) const LEN: usize = 64;

/// What one process says of itself. On the wire it is little-endian, and the rest is zeros:
///
/// ```text
///  0  8  magic
///  8  4  version
/// 12  4  answer: 0 here is my memory, 1 I do not read rings as large as yours, 2 no
/// 16  8  capacity of the ring that I write to
/// 24  8  largest capacity of a ring that I read from
/// 32  8  largest message that I take
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) answer: Answer,
    pub(super) capacity: u64,
    pub(super) max_capacity: u64,
    pub(super) max_len: u64,
}

/// What it means to be introduced by who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The memory and the bell come beside it.
    Yes,
    /// No: the other's ring is too large.
    TooLarge,
    /// No, for another reason.
    No,
}

impl Hello {
    pub(super) fn encode(&self) -> [u8; LEN] {
        let answer: u32 = match self.answer {
            Answer::Yes => 0,
            Answer::TooLarge => 1,
            Answer::No => 2,
        };
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&answer.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.capacity.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.max_capacity.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.max_len.to_le_bytes());
        bytes
    }

    /// What a packet says. Any bytes may come.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.get(..8) != Some(&MAGIC) {
            return Err(malformed("the peer does not speak shm")
                .remedy("is the socket another program's, or another scheme's?"));
        }
        // Only these are where they are in every version.
        let theirs = bytes.get(8..12).map(|_| number(bytes, 8) as u32);
        if let Some(theirs) = theirs.filter(|theirs| *theirs != VERSION) {
            let cause = format!("the peer speaks version {theirs} of shm, we speak {VERSION}");
            return Err(Error::new(ErrorKind::Unsupported, cause)
                .remedy("build both programs with one version of framewire"));
        }
        if bytes.len() != LEN {
            return Err(malformed(format!("a hello of {} bytes, not {LEN}", bytes.len())));
        }
        let answer = match number(bytes, 8) >> 32 {
            0 => Answer::Yes,
            1 => Answer::TooLarge,
            2 => Answer::No,
            other => return Err(malformed(format!("a hello with the answer {other}"))),
        };
        if bytes[40..].iter().any(|byte| *byte != 0) {
            return Err(malformed("a hello with something behind its end"));
        }
        let (capacity, max_capacity) = (number(bytes, 16), number(bytes, 24));
        Ok(Self { answer, capacity, max_capacity, max_len: number(bytes, 32) })
    }

    /// The capacity of a ring that we can read, `most` at most.
    pub(super) fn ring(&self, most: usize) -> Result<usize> {
        let announced = self.capacity;
        let capacity = usize::try_from(announced).unwrap_or(usize::MAX);
        if !Region::is_capacity(capacity) {
            let (least, most) = CAPACITY;
            let cause =
                format!("a ring of {announced} bytes, not a power of two from {least} to {most}");
            return Err(malformed(cause));
        }
        if capacity > most {
            let cause = format!("the peer's ring has {capacity} bytes, limit {most}");
            return Err(Error::new(ErrorKind::Denied, cause)
                .remedy("raise `shm::Options::max_capacity` here, or lower `capacity` there"));
        }
        Ok(capacity)
    }
}

/// The eight bytes from here on, as far as they are there.
fn number(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    for (to, from) in number.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(number)
}

pub(super) fn malformed(cause: impl Into<crate::BoxError>) -> Error {
    Error::new(ErrorKind::Malformed, cause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEAST: usize = CAPACITY.0;
    const MOST: usize = CAPACITY.1;
    const HELLO: Hello =
        Hello { answer: Answer::Yes, capacity: 256 << 10, max_capacity: 64 << 20, max_len: 7 };

    fn refusal(bytes: &[u8]) -> (ErrorKind, String) {
        let error = Hello::decode(bytes).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn what_is_said_is_understood() {
        for answer in [Answer::Yes, Answer::TooLarge, Answer::No] {
            let hello = Hello { answer, ..HELLO };
            assert_eq!(Hello::decode(&hello.encode()).unwrap(), hello);
        }
    }

    #[test]
    fn another_version_is_named_whatever_its_length() {
        let mut bytes = HELLO.encode().to_vec();
        bytes[8] = 9;
        for len in [12, 13, 64] {
            let (kind, text) = refusal(&bytes[..len]);
            assert_eq!(kind, ErrorKind::Unsupported);
            assert!(text.contains("version 9") && text.contains("we speak 1"), "{text}");
        }
        bytes.resize(100, 1);
        assert_eq!(refusal(&bytes).0, ErrorKind::Unsupported);
    }

    #[test]
    fn each_part_is_looked_at() {
        let good = HELLO.encode();
        for len in (0..LEN).chain([LEN + 1]) {
            let mut bytes = good.to_vec();
            bytes.resize(len, 0);
            assert_eq!(refusal(&bytes).0, ErrorKind::Malformed, "{len}");
        }
        // The magic, the answer's upper bytes, the zeros behind.
        for at in (0..8).chain(13..16).chain(40..LEN) {
            let mut bytes = good;
            bytes[at] ^= 0x80;
            assert_eq!(refusal(&bytes).0, ErrorKind::Malformed, "{at}");
        }
    }

    #[test]
    fn rings_are_powers_of_two_within_the_limits() {
        let ring = |capacity: u64, most| {
            let ring = Hello { capacity, ..HELLO }.ring(most);
            ring.map_err(|error| error.kind())
        };
        for good in [LEAST, 256 << 10, MOST] {
            assert_eq!(ring(good as u64, MOST), Ok(good));
        }
        let bad = [0, 1, 4096, (LEAST - 1) as u64, 96 << 10, (256 << 10) + 4096];
        for bad in bad.into_iter().chain([2 << 30, 1 << 63, u64::MAX]) {
            assert_eq!(ring(bad, MOST), Err(ErrorKind::Malformed), "{bad}");
        }
        assert_eq!(ring(128 << 10, 64 << 10), Err(ErrorKind::Denied));
    }

    proptest! {
        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..100), front in 0..=64_usize) {
            let mut bytes = bytes;
            let len = front.min(bytes.len());
            bytes[..len].copy_from_slice(&HELLO.encode()[..len]);
            if let Ok(hello) = Hello::decode(&bytes) {
                prop_assert_eq!(&hello.encode()[..], &bytes[..]);
                let _ = hello.ring(MOST);
            }
        }
    }
}
