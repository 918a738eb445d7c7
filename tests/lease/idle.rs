//! Waiting costs nothing.

use std::{thread::sleep, time::Duration};

use framewire::semaphore::lease;
use futures::StreamExt;
use tokio::time::timeout;

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::switches,
    },
    place,
};

/// Longer than it is looked again after nothing.
const QUIET: Duration = Duration::from_millis(1500);
const WATCHED: Duration = Duration::from_secs(2);

/// The part of one that waits in every way there is.
pub(crate) fn waits() {
    role::block_on(async {
        let leases = lease::find(role::word()).await.unwrap();
        for _ in 0..3 {
            let leases = leases.clone();
            tokio::spawn(async move { leases.acquire().await });
        }
        let mut receiver = lease::find(role::word()).await.unwrap().receiver();
        tokio::spawn(async move { receiver.next().await });
        told().await;
    });
}

/// The part of one that waits no more, and has its handle.
pub(crate) fn has_waited() {
    role::block_on(async {
        let leases = lease::find(role::word()).await.unwrap();
        let wait = timeout(Duration::from_millis(50), leases.acquire()).await;
        assert!(wait.is_err());
        told().await;
        drop(leases);
    });
}

/// Waits for an order without doing anything.
async fn told() {
    tokio::time::sleep(QUIET).await;
    answer("waiting");
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        next_order();
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// Nothing is spent by this role while something goes on here.
fn costs_nothing(role: &str, path: &std::path::Path, mut goes_on: impl FnMut()) {
    let mut command = role::command(role);
    command.env(WORD, path);
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    sleep(Duration::from_millis(300));
    let before = switches(waiting.id());
    assert!(before > 0);
    goes_on();
    assert_eq!(switches(waiting.id()), before, "{role}");
    assert!(waiting.wait().success());
}

#[test]
fn who_waits_uses_no_processor_time() {
    let (_directory, path) = place();
    role::block_on(async {
        let leases = lease::open(&*path, 2).await.unwrap();
        let _held = (leases.acquire().await.unwrap(), leases.acquire().await.unwrap());
        costs_nothing("waits", &path, || sleep(WATCHED));
    });
}

/// What others do at the file is nothing to who does not wait.
#[test]
fn who_has_waited_is_not_woken() {
    let (_directory, path) = place();
    role::block_on(async {
        let leases = lease::open(&*path, 1).await.unwrap();
        let mut held = leases.try_acquire().unwrap();
        costs_nothing("has waited", &path, || {
            for _ in 0..1000 {
                drop(held.take());
                held = leases.try_acquire().unwrap();
            }
        });
    });
}
