//! A peer that does anything: changes its words and bytes to whatever it likes, also between two
//! loads of ours.
//!
//! A script of bytes says what it does and what we do. The tests play many at random, the fuzzer
//! those that reach most.

#![allow(clippy::unwrap_used, clippy::redundant_pub_crate)] // All of it is a test.
#![allow(unsafe_code)] // A trait that asks for care.

mod play;
mod wild;

#[cfg(fuzzing)]
pub(crate) use play::play;
use wild::{CAPACITY, View, Wild, step, view};
