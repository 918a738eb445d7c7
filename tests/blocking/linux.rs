//! What Linux's /proc can show: no wake-up, nothing left; and what a limit does.

use std::{io, thread, time::Duration};

use framewire::wait::{Blocking, Turn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{bounds::*, calls::*};

/// How often this thread was taken from its CPU, or left it.
fn switches(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/self/task/{id}/status")).unwrap();
    let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
    lines.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum()
}

/// The one thread of this name, asleep for good.
fn asleep(name: &str) -> u32 {
    let mut id = 0;
    eventually("the thread", || {
        let ids = threads(name);
        id = ids.first().copied().unwrap_or(0);
        ids.len() == 1
    });
    let mut last = u64::MAX;
    eventually("its sleep", || {
        thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut last, switches(id)) == switches(id)
    });
    id
}

#[test]
fn an_adapter_that_nobody_polls_never_wakes_up() {
    current_thread().block_on(async {
        let semaphore = Semaphore::new(0, false);
        let mut permits = Blocking::new("fw-idle", semaphore.clone()).unwrap();
        let id = asleep("fw-idle");
        let before = switches(id);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(switches(id), before);

        // Nor does one that was polled, answered, and is left alone again.
        semaphore.post();
        permits.next().await.unwrap();
        semaphore.post();
        let id = asleep("fw-idle");
        let before = switches(id);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(switches(id), before);
        assert_eq!(semaphore.permits(), 1);
    });
}

#[test]
fn a_wait_that_can_be_interrupted_never_wakes_up() {
    current_thread().block_on(async {
        let mut permits = Blocking::new("fw-day", Semaphore::new(0, true)).unwrap();
        assert!(want(&mut permits).await.is_pending());
        let id = asleep("fw-day");
        let before = switches(id);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(switches(id), before);
    });
}

#[test]
fn a_thread_that_cannot_be_had_is_an_error() {
    alone("linux::a_thread_that_cannot_be_had_is_an_error", || {
        current_thread().block_on(async {
            let before = getrlimit(Resource::As);
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
            let size: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
            // Room for what the test needs, and none for a stack.
            let bytes = (size + 128) * 1024;
            let none = Rlimit { current: Some(bytes), maximum: before.maximum };
            setrlimit(Resource::As, none).unwrap();
            let refused = Blocking::new("fw-refused", |_: &Turn| Ok(Some(1)));
            setrlimit(Resource::As, before).unwrap();
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
            let mut calls = Blocking::new("fw-again", |_: &Turn| Ok(Some(1))).unwrap();
            assert_eq!(calls.next().await.unwrap(), 1);
        });
    });
}

#[test]
fn nothing_is_left() {
    alone("linux::nothing_is_left", || {
        let count = |of: &str| std::fs::read_dir(of).unwrap().count();
        for runtime in FLAVOURS {
            let runtime = runtime();
            runtime.block_on(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let before = (count("/proc/self/fd"), count("/proc/self/task"));
                for round in 0..200 {
                    let semaphore = Semaphore::new(round % 2, round % 3 == 0);
                    let mut permits = Blocking::new("fw-left", semaphore).unwrap();
                    let wait = tokio::time::timeout(Duration::from_millis(1), permits.next());
                    let _ = wait.await;
                }
                eventually("their end", || {
                    before == (count("/proc/self/fd"), count("/proc/self/task"))
                });
            });
        }
    });
}
