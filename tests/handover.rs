//! Sockets from outside, and the next version of a daemon.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "handover/activation.rs"]
mod activation;
mod common;
#[path = "handover/daemon.rs"]
mod daemon;
#[path = "handover/failing.rs"]
mod failing;
#[path = "handover/hostile.rs"]
mod hostile;
#[path = "handover/starter.rs"]
mod starter;
#[path = "handover/upgrade.rs"]
mod upgrade;

use common::role;

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("is a daemon", daemon::is_one),
        ("is for one connection", activation::is_for_one_connection),
        ("tells what it inherits", hostile::tells),
    ]);
}
