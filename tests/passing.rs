//! Open descriptors that go with messages over Unix sockets.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "passing/gone.rs"]
mod gone;
#[path = "passing/hostile.rs"]
mod hostile;
#[path = "passing/kinds.rs"]
mod kinds;
#[path = "passing/limits.rs"]
mod limits;
#[path = "passing/order.rs"]
mod order;
#[path = "passing/raw.rs"]
mod raw;
#[path = "passing/subject.rs"]
mod subject;

use common::{Flavour, conformance, role};
use framewire::unix::{self, Detailed};
use subject::Passing;

#[test]
fn messages_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Passing::new());
}

#[test]
fn messages_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Passing::new());
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", || conformance::leaves_nothing(Passing::new)),
        ("passes and exits", gone::passes_and_exits),
        ("passes and waits", gone::passes_and_waits),
        ("drops with descriptors queued", gone::drops_with_descriptors_queued),
        ("drops with descriptors unread", gone::drops_with_descriptors_unread),
        ("ignores descriptors", limits::ignores_descriptors),
        ("has no descriptor left", limits::has_no_descriptor_left),
        ("has too many in flight", limits::has_too_many_in_flight),
        ("gets strays", limits::gets_strays),
        ("gets hostile layouts", hostile::gets_hostile_layouts),
    ]);
}

/// Two ends whose messages carry descriptors.
fn pair() -> (Detailed, Detailed) {
    let (ours, theirs) = unix::pair().unwrap();
    (ours.detailed().unwrap(), theirs.detailed().unwrap())
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent() {
    conformance::is_channel::<Detailed>();
    role::block_on(async { conformance::is_task(pair().0.finish()) });
}
