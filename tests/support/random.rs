//! Random numbers from a seed that is printed, so that a run can be had again.

use std::{
    collections::hash_map::RandomState,
    env,
    hash::{BuildHasher, Hasher},
};

/// Splitmix64: a number for each number, the same one each time, with all bits well mixed.
pub(crate) fn mix(of: u64) -> u64 {
    let mut z = of.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What `CRASH_SEED` says, or a seed that nobody had before.
pub(crate) fn seed() -> u64 {
    match env::var("CRASH_SEED") {
        Ok(seed) => seed.parse().expect("CRASH_SEED is a number"),
        // The standard library's hash maps are seeded by the system.
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}
