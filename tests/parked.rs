//! Shared memory with nothing to do: what waiting costs, and what ends it.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "untrusted/attacker.rs"]
mod attacker;
mod common;
#[path = "parked/crowd.rs"]
mod crowd;
#[path = "parked/gone.rs"]
mod gone;
#[path = "parked/idle.rs"]
mod idle;
#[allow(dead_code)]
#[path = "untrusted/memory.rs"]
mod memory;
#[path = "parked/tasks.rs"]
mod tasks;

use common::role;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("calls", crowd::calls),
        ("idles", idle::idles),
        ("is called by none", idle::is_called_by_none),
        ("leaves its socket to a child", gone::leaves_its_socket_to_a_child),
        ("serves", crowd::serves),
    ]);
}

/// To as many descriptors as this process may have.
fn raise_our_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}
