//! Runtimes that end, change, and what they leave.

use std::time::{Duration, Instant};

use framewire::semaphore::lease;
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};

use super::{
    common::{Census, Flavour, within},
    place,
};

/// The runtime runs for so many milliseconds.
fn goes_on(runtime: &Runtime, milliseconds: u64) {
    runtime.block_on(async { sleep(Duration::from_millis(milliseconds)).await });
}

/// No thread waits, and nothing keeps the runtime.
#[test]
fn a_runtime_that_is_dropped_while_tasks_wait_ends_at_once() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let (_directory, path) = place();
        let runtime = flavour.runtime();
        let leases = runtime.block_on(lease::open(&*path, 1)).unwrap();
        let held = leases.try_acquire().unwrap();
        for _ in 0..5 {
            let leases = leases.clone();
            runtime.spawn(async move { leases.acquire().await });
        }
        goes_on(&runtime, 20);
        let begun = Instant::now();
        drop(runtime);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        // The handle is as good as before, on whatever runtime.
        assert!(leases.try_acquire().unwrap().is_none());
        let runtime = Flavour::CurrentThread.runtime();
        let waiting = runtime.spawn({
            let leases = leases.clone();
            async move { leases.acquire().await.map(drop) }
        });
        goes_on(&runtime, 20);
        drop(held);
        runtime.block_on(async { within(waiting).await }).unwrap().unwrap();
    }
}

/// One runtime is there and does nothing: who waits on another is told none the less.
#[test]
fn a_handle_goes_from_one_runtime_to_another() {
    let (_directory, path) = place();
    let (one, other) = (Flavour::CurrentThread.runtime(), Flavour::CurrentThread.runtime());
    let leases = one.block_on(lease::open(&*path, 1)).unwrap();
    let elsewhere = one.block_on(lease::open(&*path, 1)).unwrap();
    for runtime in [&one, &other, &one] {
        let held = elsewhere.try_acquire().unwrap();
        runtime.block_on(async {
            let wait = timeout(Duration::from_millis(20), leases.acquire()).await;
            assert!(wait.is_err());
        });
        let waiting = runtime.spawn({
            let leases = leases.clone();
            async move { leases.acquire().await.map(drop) }
        });
        // Longer than it is looked again after nothing.
        goes_on(runtime, 1300);
        drop(held);
        runtime.block_on(async { within(waiting).await }).unwrap().unwrap();
    }
}

/// The first in the line waits on a runtime that nobody runs any more: that holds up who is behind
/// it, until it is dropped with its runtime.
#[test]
fn a_runtime_that_is_dropped_lets_those_of_another_through() {
    let (_directory, path) = place();
    let (one, other) = (Flavour::CurrentThread.runtime(), Flavour::CurrentThread.runtime());
    let leases = one.block_on(lease::open(&*path, 1)).unwrap();
    let held = leases.try_acquire().unwrap();
    for runtime in [&one, &other] {
        let leases = leases.clone();
        runtime.spawn(async move { leases.acquire().await.map(drop) });
        goes_on(runtime, 10);
    }
    drop(one);
    drop(held);
    other.block_on(async { within(leases.acquire()).await }).unwrap();
}

/// The part of one that counts what it has, before and after.
pub(crate) fn leaves_nothing() {
    let mut before = None;
    // What a process keeps for good once it has used it is there after the first round.
    for _ in 0..3 {
        for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
            flavour.run(async {
                let (directory, path) = place();
                let leases = lease::open(&*path, 1).await.unwrap();
                let held = leases.acquire().await.unwrap();
                for _ in 0..10 {
                    let wait = timeout(Duration::from_millis(3), leases.acquire()).await;
                    assert!(wait.is_err());
                }
                let names = std::fs::read_dir(directory.path()).unwrap();
                let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
                assert_eq!(names, ["permits"]);
                drop((leases, held));
            });
        }
        match &before {
            None => before = Some(Census::settled()),
            Some(before) => before.assert_back(),
        }
    }
}
