//! Unix stream sockets.
#![cfg(unix)]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "unix/backlog.rs"]
mod backlog;
mod common;
#[path = "unix/names.rs"]
mod names;
#[path = "unix/peers.rs"]
mod peers;
#[path = "unix/subject.rs"]
mod subject;

use common::{Flavour, conformance, role};
use framewire::{ErrorKind, unix};
use futures::{SinkExt, StreamExt};
use subject::Unix;

#[test]
fn paths_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Unix::paths());
}

#[test]
fn paths_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Unix::paths());
}

#[test]
#[cfg(target_os = "linux")]
fn abstract_names_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Unix::abstract_names());
}

#[test]
#[cfg(target_os = "linux")]
fn abstract_names_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Unix::abstract_names());
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("listens", names::listens),
        ("races", names::races),
        ("umask 0", names::umask_0),
        ("connects", peers::connects),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(Unix::paths);
    conformance::leaves_nothing(Unix::abstract_names);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<unix::Connection>();
    conformance::is_channel::<unix::Listener>();
    role::block_on(async {
        let options = unix::Options::new();
        conformance::is_task(options.listen("/nowhere/e.sock"));
        conformance::is_task(options.connect("/nowhere/e.sock"));
        let (mut ours, theirs) = unix::pair().unwrap();
        conformance::is_task(ours.next());
        conformance::is_task(ours.send("hello".into()));
        conformance::is_task(theirs.finish());
    });
}

/// A peer that closes with our data unread makes the kernel report a reset: what it had sent comes
/// first.
#[tokio::test]
async fn what_was_sent_before_a_reset_is_delivered() {
    let (mut ours, mut theirs) = unix::pair().unwrap();
    theirs.send("the last words".into()).await.unwrap();
    ours.send("never read".into()).await.unwrap();
    drop(theirs);
    assert_eq!(ours.next().await.expect("it was sent").unwrap(), "the last words");
    match ours.next().await {
        None => {}
        Some(end) => assert_eq!(end.unwrap_err().kind(), ErrorKind::Closed),
    }
    assert!(ours.next().await.is_none());
}

/// With an orderly end there is no reset to tell.
#[tokio::test]
async fn finish_ends_without_a_reset() {
    let (mut ours, mut theirs) = unix::pair().unwrap();
    theirs.send("the last words".into()).await.unwrap();
    ours.send("dropped by whoever finishes".into()).await.unwrap();
    let (finished, ()) = tokio::join!(theirs.finish(), async {
        assert_eq!(ours.next().await.expect("it was sent").unwrap(), "the last words");
        assert!(ours.next().await.is_none());
        drop(ours);
    });
    finished.unwrap();
}
