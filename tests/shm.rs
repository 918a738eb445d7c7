//! Shared memory.
#![cfg(any(target_os = "linux", target_os = "android"))]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "shm/crowd.rs"]
mod crowd;
#[path = "shm/events.rs"]
mod events;
#[path = "shm/introduction.rs"]
mod introduction;
#[path = "shm/refused.rs"]
mod refused;
#[path = "shm/stranger.rs"]
mod stranger;
#[path = "shm/subject.rs"]
mod subject;
#[path = "shm/whatever.rs"]
mod whatever;

use common::{Flavour, conformance, role};
use framewire::shm;
use futures::{SinkExt, StreamExt};
use subject::Shm;

#[test]
fn paths_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Shm::paths());
}

#[test]
fn paths_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Shm::paths());
}

#[test]
fn abstract_names_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Shm::abstract_names());
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("connects", introduction::connects),
        ("meets bad listeners", refused::meets_bad_listeners),
        ("meets bad clients", refused::meets_bad_clients),
        ("has few descriptors left", crowd::has_few_descriptors_left),
        ("gives up midway", crowd::gives_up_midway),
        ("meets clients of all kinds", whatever::meets_clients_of_all_kinds),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(Shm::paths);
    conformance::leaves_nothing(Shm::abstract_names);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<shm::Connection>();
    conformance::is_channel::<shm::Listener>();
    role::block_on(async {
        let options = shm::Options::new();
        conformance::is_task(options.listen("/nowhere/e.sock"));
        conformance::is_task(options.connect("/nowhere/e.sock"));
        let (mut ours, _theirs) = shm::pair().unwrap();
        conformance::is_task(ours.next());
        conformance::is_task(ours.send("hello".into()));
    });
}
