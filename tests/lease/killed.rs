//! Holders that are killed.

#![allow(unsafe_code)]

use std::{
    fs::File,
    os::fd::AsRawFd,
    path::Path,
    time::{Duration, Instant},
};

use framewire::semaphore::lease;
use futures::{StreamExt, future::join_all};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    place,
    support::announce,
};

const A_WHILE: Duration = Duration::from_millis(50);
const KILLS: usize = 40;

/// The part of one that takes all permits there are.
pub(crate) fn holds() {
    role::block_on(async {
        let leases = lease::find(role::word()).await.unwrap();
        let held: Vec<_> = leases.receiver().take(leases.count()).collect().await;
        assert!(held.iter().all(Result::is_ok));
        answer("holding");
        next_order();
    });
}

/// The same with a child of its own, that was forked and executes nothing: the answer is its number.
pub(crate) fn forks() {
    role::block_on(async {
        let leases = lease::find(role::word()).await.unwrap();
        let _held = leases.acquire().await.unwrap();
        // SAFETY: the child does nothing but sleep, which is allowed after a fork of a process with
        // threads.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: it takes a number.
            unsafe { libc::sleep(60) };
            // SAFETY: it takes a number, and runs nothing of ours.
            unsafe { libc::_exit(0) };
        }
        assert!(child > 0, "it was forked");
        answer(&child.to_string());
        next_order();
    });
}

fn start(role: &str, path: &Path) -> Process {
    let mut command = role::command(role);
    command.env(WORD, path);
    Process::start(command)
}

pub(crate) fn holding(path: &Path) -> Process {
    let mut holder = start("holds", path);
    assert_eq!(holder.answer(), "holding");
    holder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_waits_has_the_permit_of_a_killed_one_soon() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    let mut took = Vec::new();
    for _ in 0..KILLS {
        let mut killed = holding(&path);
        assert_eq!(leases.free().unwrap(), 0);
        let waiting = tokio::spawn({
            let leases = leases.clone();
            async move { (leases.acquire().await.unwrap(), Instant::now()) }
        });
        sleep(Duration::from_millis(5)).await;
        assert!(!waiting.is_finished());
        let begun = Instant::now();
        killed.kill();
        let (lease, at) = within(waiting).await.unwrap();
        took.push(at.saturating_duration_since(begun));
        drop(lease);
        assert_eq!(leases.free().unwrap(), 1);
    }
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    announce(&format!(
        "lease: from SIGKILL to the next holder: {:?} (p50), {:?} (p90), {:?} (most), {KILLS} kills",
        at(50),
        at(90),
        at(100)
    ));
    // What a wait with nobody to tell it would take.
    assert!(at(50) < Duration::from_secs(2), "{took:?}");
}

/// Locks or unlocks the first byte of a file, and tells nobody.
fn silently(file: &File, kind: libc::c_int) {
    // SAFETY: a struct of integers, for which zeros are values.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    (range.l_type, range.l_len) = (kind as libc::c_short, 1);
    // SAFETY: this command takes such a struct, which is borrowed until the call is done.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) };
    assert_eq!(done, 0);
}

/// The kernel tells that a file is closed before it gives its locks up. How long that takes is here
/// for us to say.
#[tokio::test]
async fn who_is_told_of_a_close_too_early_looks_again() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    let file = || File::options().read(true).write(true).open(&path).unwrap();
    let holder = file();
    // When the wait begins, and when it is long asleep.
    for asleep in [0, 1500] {
        for late in [0, 3, 30, 300] {
            silently(&holder, libc::F_WRLCK);
            let waiting = tokio::spawn({
                let leases = leases.clone();
                async move { leases.acquire().await.map(drop) }
            });
            sleep(Duration::from_millis(asleep)).await;
            if asleep > 0 {
                drop(file());
            }
            sleep(Duration::from_millis(late)).await;
            assert!(!waiting.is_finished());
            silently(&holder, libc::F_UNLCK);
            within(waiting).await.unwrap().unwrap();
        }
    }
}

/// Nothing happens but the death: no look is made by chance.
#[tokio::test]
async fn all_that_a_killed_one_had_comes_back() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 20).await.unwrap();
    let mut killed = holding(&path);
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let leases = leases.clone();
            tokio::spawn(async move { leases.acquire().await.unwrap() })
        })
        .collect();
    // Longer than it is looked again after nothing.
    sleep(Duration::from_millis(1500)).await;
    killed.kill();
    let all = within(join_all(waiting)).await;
    let mut numbers: Vec<_> = all.iter().map(|lease| lease.as_ref().unwrap().index()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    assert_eq!(leases.free().unwrap(), 0);
}

/// One that ends in order gives back as well, what it has not dropped included.
#[tokio::test]
async fn one_that_exits_gives_back() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 2).await.unwrap();
    let mut holder = holding(&path);
    assert!(holder.wait().success());
    assert_eq!(leases.free().unwrap(), 2);
}

/// The child has a copy of the descriptor that the locks belong to.
#[tokio::test]
async fn a_permit_is_free_when_no_child_has_it_any_more() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    let mut killed = start("forks", &path);
    let child = killed.answer().parse().ok().and_then(Pid::from_raw).unwrap();
    let mut waiting = tokio::spawn({
        let leases = leases.clone();
        async move { leases.acquire().await.unwrap() }
    });
    killed.kill();
    assert!(timeout(A_WHILE, &mut waiting).await.is_err());
    assert_eq!(leases.free().unwrap(), 0);
    sleep(Duration::from_millis(1200)).await;
    kill_process(child, Signal::KILL).unwrap();
    within(waiting).await.unwrap();
}
