//! Permits that come back when their holder is killed.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
mod support;

#[path = "lease/cancelled.rs"]
mod cancelled;
#[path = "lease/idle.rs"]
mod idle;
#[path = "lease/killed.rs"]
mod killed;
#[path = "lease/limits.rs"]
mod limits;
#[path = "lease/line.rs"]
mod line;
#[path = "lease/names.rs"]
mod names;
#[path = "lease/processes.rs"]
mod processes;
#[path = "lease/removed.rs"]
mod removed;
#[path = "lease/runtimes.rs"]
mod runtimes;
#[path = "lease/told.rs"]
mod told;
#[path = "lease/wakers.rs"]
mod wakers;

use std::path::PathBuf;

use common::{conformance, role, within};
use framewire::{
    Endpoint,
    semaphore::lease::{self, Lease, Leases},
};
use futures::StreamExt;
use tempfile::TempDir;

/// A directory, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("permits");
    (directory, path)
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("holds", killed::holds),
        ("forks", killed::forks),
        ("counts", processes::counts),
        ("has no events", limits::has_no_events),
        ("opens", names::opens),
        ("waits", idle::waits),
        ("has waited", idle::has_waited),
        ("leaves nothing", runtimes::leaves_nothing),
        ("a waker owns", wakers::owns),
        ("a waker panics", wakers::panics),
    ]);
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Compiles, or does not.
#[test]
fn leases_can_be_sent_and_futures_spawned() {
    fn is_shared<T: Send + Sync + Unpin + 'static>() {}
    is_shared::<Lease>();
    is_shared::<Leases>();
    conformance::is_channel::<lease::Receiver>();
    role::block_on(async {
        let (_directory, path) = place();
        conformance::is_task(lease::open(&*path, 2));
        conformance::is_task(lease::find(&*path));
        let leases = lease::open(&*path, 2).await.unwrap();
        conformance::is_task(leases.acquire());
        conformance::is_task(leases.receiver().next());
    });
}

#[tokio::test]
async fn each_lease_has_a_number_of_its_own() {
    let (_directory, path) = place();
    let ours = lease::open(&*path, 3).await.unwrap();
    // As another process has it.
    let theirs = lease::open(&*path, 3).await.unwrap();
    let first = within(ours.acquire()).await.unwrap();
    let second = within(theirs.acquire()).await.unwrap();
    let third = within(ours.clone().acquire()).await.unwrap();
    assert_eq!([first.index(), second.index(), third.index()], [0, 1, 2]);
    for leases in [&ours, &theirs] {
        assert_eq!((leases.count(), leases.free().unwrap()), (3, 0));
        assert!(leases.try_acquire().unwrap().is_none());
    }
    drop(second);
    assert_eq!((ours.free().unwrap(), theirs.free().unwrap()), (1, 1));
    let again = ours.try_acquire().unwrap().unwrap();
    assert_eq!(again.index(), 1);
    // What is held is held though the handles are gone.
    drop((ours, again));
    assert_eq!(theirs.free().unwrap(), 1);
    drop((first, third));
    assert_eq!(theirs.free().unwrap(), 3);
}

#[tokio::test]
async fn an_address_gives_permits_as_messages() {
    let (_directory, path) = place();
    let endpoint: Endpoint = format!("lease://{}", path.display()).parse().unwrap();
    // There is nothing: it is one permit.
    let mut receiver = endpoint.receiver().await.unwrap();
    let leases = lease::find(&*path).await.unwrap();
    assert_eq!((leases.count(), leases.free().unwrap()), (1, 1));
    let permit = within(receiver.next()).await.unwrap().unwrap();
    assert_eq!(permit, [0, 0, 0, 0][..]);
    assert_eq!(leases.free().unwrap(), 0);
    // It is a part of it as well.
    let part = permit.slice(1..2);
    drop(permit);
    assert_eq!(leases.free().unwrap(), 0);
    drop(part);
    assert_eq!(leases.free().unwrap(), 1);

    lease::remove(&path).unwrap();
    let leases = lease::open(&*path, 300).await.unwrap();
    let mut receiver = endpoint.receiver().await.unwrap();
    let mut permits = Vec::new();
    for _ in 0..300 {
        permits.push(within(receiver.next()).await.unwrap().unwrap());
    }
    assert_eq!(permits[299], [0, 0, 1, 43][..]);
    assert_eq!(leases.free().unwrap(), 0);
    drop(permits);
    assert_eq!(leases.free().unwrap(), 300);
    assert!(endpoint.sender().await.is_err());
}
