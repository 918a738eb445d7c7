//! Waiting for descriptors: no wake-up is lost, none is for nothing, and nobody else is kept from
//! his turn.

#![cfg(unix)]
#![allow(clippy::unwrap_used, unreachable_pub)] // The functions that tests share are tests as well.

mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod fair;
#[cfg(target_os = "linux")]
mod limit;
mod missing;
mod ready;
#[path = "../support/run.rs"]
mod run;
mod short;
mod soak;
mod strategies;

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    common::role::play(&[("runs out of descriptors", missing::runs_out_of_descriptors)]);
}
