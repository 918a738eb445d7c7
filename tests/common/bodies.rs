//! Bodies of messages: random bytes that can be made again to compare with.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};

/// As large as the largest body that any test asks for.
const POOL: usize = 9 << 20;

/// The body of message number `seed`, a part of one pool: nothing is copied to make or compare it.
pub(crate) fn body(seed: u64, len: usize) -> Bytes {
    static BODIES: LazyLock<Bytes> = LazyLock::new(|| random(1, POOL));

    let start = (seed as usize).wrapping_mul(7919) % (POOL - len + 1);
    BODIES.slice(start..start + len)
}

/// A body that tells its number, of at least eight bytes.
pub(crate) fn numbered(id: u64, len: usize) -> Bytes {
    let mut numbered = BytesMut::with_capacity(len);
    numbered.put_u64(id);
    numbered.extend_from_slice(&body(id, len - 8));
    numbered.freeze()
}

/// The number of such a body, once all of it was found to be right.
pub(crate) fn id_of(found: &[u8]) -> u64 {
    let (id, rest) = found.split_first_chunk().expect("a number in front");
    let id = u64::from_be_bytes(*id);
    assert!(body(id, rest.len()) == rest, "message {id} is torn");
    id
}

/// Bytes without a pattern: xorshift64*, the same for a seed wherever it runs.
pub(crate) fn random(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = BytesMut::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.put_u64(state.wrapping_mul(0x2545_f491_4f6c_dd1d));
    }
    bytes.truncate(len);
    bytes.freeze()
}

/// Compares without printing megabytes when they differ.
#[track_caller]
pub(crate) fn same(found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "another length");
    assert!(found == expected, "{} bytes arrived, not all as they were sent", found.len());
}
