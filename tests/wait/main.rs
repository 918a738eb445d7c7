//! Waiting for descriptors: no wake-up is lost, and nobody else is kept from his turn.

#![cfg(unix)]
#![allow(clippy::unwrap_used, unreachable_pub)] // The functions that tests share are tests as well.

mod bounds;
mod fair;
#[cfg(target_os = "linux")]
mod limit;
mod ready;
mod short;
mod soak;
