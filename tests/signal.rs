//! Signals. What a process does on one is of the whole process, and stays: so each test that takes
//! any is a process of its own.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "signal/c.rs"]
mod c;
#[path = "signal/children.rs"]
mod children;
mod common;
#[path = "signal/ended.rs"]
mod ended;
#[path = "signal/exclusive.rs"]
mod exclusive;
#[path = "signal/full.rs"]
mod full;
#[path = "signal/odd.rs"]
mod odd;
#[path = "signal/plain.rs"]
mod plain;
#[path = "signal/policy.rs"]
mod policy;
#[path = "signal/queued.rs"]
mod queued;
#[path = "signal/sends.rs"]
mod sends;
#[path = "signal/threads.rs"]
mod threads;
#[path = "signal/waiting.rs"]
mod waiting;

use common::{conformance, role};
use framewire::{Endpoint, ErrorKind, signal};
use futures::SinkExt;

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("sends", sends::sends),
        ("queues on one thread", queued::on_one_thread),
        ("queues on two workers", queued::on_two_workers),
        ("shares", queued::shares),
        ("is flooded on one thread", full::is_flooded_on_one_thread),
        ("is flooded on two workers", full::is_flooded_on_two_workers),
        ("has little room", full::has_little_room),
        ("takes alone on one thread", exclusive::on_one_thread),
        ("takes alone on two workers", exclusive::on_two_workers),
        ("takes in turn", exclusive::takes_in_turn),
        ("is sent to by C", c::is_sent_to),
        ("is lied to", c::is_lied_to),
        ("keeps out", policy::keeps_out),
        ("knows nobody", policy::knows_nobody),
        ("has threads", threads::has_threads),
        ("has one that unblocks", threads::has_one_that_unblocks),
        ("has children", children::has_children),
        ("is owned by a waker", odd::is_owned_by_a_waker),
        ("forks", odd::forks),
        ("loses its handler", odd::loses_its_handler),
        ("opens when full", odd::opens_when_full),
        ("is kept from holding", odd::is_kept_from_holding),
        ("loses some", odd::loses_some),
        ("hears", plain::hears),
        ("is addressed", plain::is_addressed),
        ("starts again", ended::starts_again),
        ("sleeps", ended::sleeps),
        ("waits", waiting::waits),
        ("drops its runtime", waiting::drops_its_runtime),
        ("leaves nothing", waiting::leaves_nothing),
    ]);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<signal::Receiver>();
    conformance::is_channel::<signal::Queued>();
    conformance::is_channel::<signal::Exclusive>();
    conformance::is_channel::<signal::Sender>();
    role::block_on(async {
        let options = signal::Options::new();
        conformance::is_task(options.queued("RTMIN"));
        conformance::is_task(options.exclusive("RTMIN"));
        conformance::is_task(options.sender("RTMIN@1"));
        conformance::is_task(signal::receiver("HUP"));
    });
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_by_name() {
    let beyond = format!("RTMIN+{}", libc::SIGRTMAX() - libc::SIGRTMIN() + 1);
    let refused = [
        ("KILL", ErrorKind::Address),
        ("STOP", ErrorKind::Address),
        ("SEGV", ErrorKind::Address),
        ("BUS", ErrorKind::Address),
        ("FPE", ErrorKind::Address),
        ("ILL", ErrorKind::Address),
        ("32", ErrorKind::Address),
        ("RTMIN-1", ErrorKind::Address),
        ("USR1@7", ErrorKind::Address),
        (&beyond, ErrorKind::Unsupported),
    ];
    for (name, kind) in refused {
        let errors = [
            signal::receiver(name).await.map(drop),
            signal::queued(name).await.map(drop),
            signal::exclusive(name).await.map(drop),
            signal::block([name]),
        ];
        for error in errors.map(Result::unwrap_err) {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
    for taken in [signal::queued("CHLD").await.map(drop), signal::block(["CHLD"])] {
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::Denied);
    }
    for (name, kind) in [
        ("USR1", ErrorKind::Address),
        ("KILL@7", ErrorKind::Address),
        ("USR1@2147483647", ErrorKind::NotFound),
    ] {
        let error = signal::sender(name).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn what_is_not_blocked_is_not_taken() {
    let error = signal::exclusive("RTMIN+9").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("call `signal::block` first thing in `main`"), "{error}");
}

#[tokio::test]
async fn bodies_have_one_length() {
    // URG is ignored where nobody handles it.
    let name = format!("URG@{}", std::process::id());
    let mut narrow = signal::sender(&name).await.unwrap().bytes();
    let mut wide = signal::Options::new().wide().sender(&name).await.unwrap().bytes();
    for body in ["", "four"] {
        narrow.send(body.into()).await.unwrap();
    }
    for body in ["", "is eight"] {
        wide.send(body.into()).await.unwrap();
    }
    let too_large = narrow.send("is eight".into()).await.unwrap_err();
    assert_eq!(too_large.kind(), ErrorKind::TooLarge);
    for short in [narrow.send("two".into()).await, wide.send("four".into()).await] {
        assert_eq!(short.unwrap_err().kind(), ErrorKind::Malformed);
    }
}

#[test]
fn addresses_have_their_verbs() {
    role::must_pass("is addressed");
    let endpoint: Endpoint = "signal://USR1".parse().unwrap();
    assert_eq!(endpoint.profile().verbs, ["receiver", "sender"]);
}
