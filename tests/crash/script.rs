//! What a victim sends: frames without end, each known from the seed and its number alone, so that
//! whoever checks them needs nothing from the victim.

use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};
use framewire::Profile;

use crate::support::random::mix;

/// The largest body of a frame, in bytes, where the mechanism takes as much.
const LARGEST: usize = 256 * 1024;
/// So many frames are flushed together at most.
pub(super) const BATCH: u64 = 8;
/// A body begins with the frame's number.
const NUMBER: usize = size_of::<u64>();
/// How far apart two bodies' parts of the noise begin at most.
const SPREAD: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    seed: u64,
    largest: usize,
}

impl Script {
    /// One for the mechanism of this scheme.
    pub(super) fn new(seed: u64, scheme: &str) -> Self {
        let limit = Profile::of(scheme).expect("a scheme").max_len.by_default();
        Self { seed, largest: limit.min(LARGEST) }
    }

    /// With bodies of up to this many bytes.
    pub(super) fn at_most(self, largest: usize) -> Self {
        Self { largest, ..self }
    }

    /// The body of this frame.
    pub(super) fn body(self, number: u64) -> Bytes {
        let len = self.len(number);
        let mut body = BytesMut::with_capacity(len.max(NUMBER));
        body.put_u64(number);
        body.extend_from_slice(self.filling(number, len));
        body.truncate(len);
        body.freeze()
    }

    /// Whether this is the body of that frame, byte for byte.
    pub(super) fn is(self, number: u64, body: &[u8]) -> bool {
        let len = self.len(number);
        let start = len.min(NUMBER);
        body.len() == len
            && body[..start] == number.to_be_bytes()[..start]
            && body[start..] == *self.filling(number, len)
    }

    /// Which frame this is by its own words, if it is long enough to say so, and is whole.
    pub(super) fn number_of(self, body: &[u8]) -> Option<u64> {
        let number = u64::from_be_bytes(*body.first_chunk()?);
        self.is(number, body).then_some(number)
    }

    /// How many frames are flushed together, the first of them this one; 1 to [`BATCH`].
    pub(super) fn batch(self, first: u64) -> u64 {
        1 + self.random(first, 2) % BATCH
    }

    /// A quarter of the frames fits where many do, a quarter into a page, the rest is of all sizes.
    fn len(self, number: u64) -> usize {
        let random = self.random(number, 0) as usize;
        match random % 4 {
            0 => (random >> 8) % 64,
            1 => (random >> 8) % 4096,
            _ => (random >> 8) % (self.largest + 1),
        }
    }

    fn filling(self, number: u64, len: usize) -> &'static [u8] {
        let from = self.random(number, 1) as usize % SPREAD;
        &noise()[from..from + len.saturating_sub(NUMBER)]
    }

    fn random(self, number: u64, what: u64) -> u64 {
        mix(mix(self.seed ^ mix(number)) ^ what)
    }
}

/// The same random bytes in every process.
fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        (0..((LARGEST + SPREAD) / NUMBER) as u64).flat_map(|n| mix(n).to_ne_bytes()).collect()
    })
}

#[test]
fn a_frame_is_told_from_every_other() {
    let (script, other) = (Script::new(1, "unix"), Script::new(2, "unix"));
    for number in 0..200 {
        let body = script.body(number);
        assert!(script.is(number, &body));
        if body.len() <= NUMBER {
            continue;
        }
        assert_eq!(script.number_of(&body), Some(number));
        assert!(!script.is(number + 1, &body));
        assert!(!other.is(number, &body));
        let mut torn = body.to_vec();
        *torn.last_mut().unwrap() ^= 1;
        assert_eq!(script.number_of(&torn), None);
    }
}
