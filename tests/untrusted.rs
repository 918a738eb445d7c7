//! Shared memory whose other end is hostile: whatever it writes, sends or tries, its own connection
//! ends with one error at most, and nothing else does.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "untrusted/attacker.rs"]
mod attacker;
#[path = "untrusted/campaign.rs"]
mod campaign;
mod common;
#[path = "untrusted/halves.rs"]
mod halves;
#[path = "untrusted/memory.rs"]
mod memory;
#[path = "untrusted/mutation.rs"]
mod mutation;
#[path = "untrusted/strangers.rs"]
mod strangers;
mod support;
#[path = "untrusted/victim.rs"]
mod victim;

use common::role;

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("attacks", campaign::attacks),
        ("blocks bells", strangers::blocks_bells),
        ("leaves with wakes unread", halves::leaves_with_wakes_unread),
        ("serves", victim::serves),
        ("talks", strangers::talks),
    ]);
}
