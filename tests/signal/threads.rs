//! The masks of threads that are not ours.
// To change a mask is pthread_sigmask(3), which no safe crate here has.
#![allow(unsafe_code)]

use std::{fs, mem::MaybeUninit, ptr, sync::mpsc, thread};

use framewire::signal;
use futures::StreamExt;

use super::{
    common::{role, within},
    sends::{mask, sender, sent},
};

/// Whether each thread of this process has `RTMIN+3` blocked, by its name.
fn masks() -> Vec<(String, bool)> {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    // One that has ended since has none.
    let of = |thread: fs::DirEntry| {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        let name = fs::read_to_string(thread.path().join("comm")).ok()?;
        Some((name.trim_end().into(), mask(&status) >> (libc::SIGRTMIN() + 3 - 1) & 1 == 1))
    };
    threads.filter_map(|thread| of(thread.unwrap())).collect()
}

fn all_blocked() {
    let masks = masks();
    assert!(masks.iter().all(|(_, blocked)| *blocked), "{masks:?}");
}

pub(crate) fn unblock() {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointer is to a local that is large enough.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the call above has initialised it.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: a set that is initialised, and a signal that there is.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGRTMIN() + 3) };
    // SAFETY: the set lives through the call, and the old one is not asked for.
    let errno = unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, ptr::null_mut()) };
    assert_eq!(errno, 0);
}

/// Of every kind: idle, busy, in system calls, coming and going.
pub(crate) fn has_threads() {
    let (stop, stopped) = mpsc::channel::<()>();
    let _idle = thread::spawn(move || stopped.recv());
    let busy = || loop {
        std::hint::spin_loop();
    };
    let sleepy = || loop {
        thread::sleep(std::time::Duration::from_secs(60));
    };
    let restless = || loop {
        thread::spawn(thread::yield_now).join().unwrap();
    };
    thread::spawn(busy);
    thread::spawn(sleepy);
    thread::spawn(restless);
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        all_blocked();
        assert!(masks().iter().any(|(name, _)| name == "framewire-signa"));
        // Those that come later have what those that start them have.
        let (late, later) = mpsc::channel::<()>();
        let _late = thread::spawn(move || later.recv());
        tokio::task::spawn_blocking(all_blocked).await.unwrap();
        drop(late);
        let mut process = sender("RTMIN+3", "count 1000");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        for value in 0..1000 {
            assert_eq!(within(queued.next()).await.unwrap().unwrap().int(), Some(value));
        }
        assert!(process.wait().success());
    });
    drop(stop);
}

#[test]
fn every_thread_comes_to_have_it_blocked() {
    role::must_pass("has threads");
}

pub(crate) fn has_one_that_unblocks() {
    role::block_on(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        let (go, gone) = mpsc::channel::<()>();
        let (done, was_done) = mpsc::channel::<()>();
        let willful = thread::spawn(move || {
            while gone.recv().is_ok() {
                unblock();
                done.send(()).unwrap();
            }
        });
        for _ in 0..20 {
            go.send(()).unwrap();
            was_done.recv().unwrap();
            assert!(!masks().iter().all(|(_, blocked)| *blocked));
            let mut process = sender("RTMIN+3", "count 50");
            assert_eq!(process.answer(), "ready");
            process.order("go");
            let mut came = Vec::new();
            while came.len() < 50 {
                let signal = within(queued.next()).await.unwrap().unwrap();
                assert_eq!(signal.pid(), Some(process.id()));
                came.push(signal.int().unwrap());
            }
            // All of them, if not in order.
            came.sort_unstable();
            assert!(came.into_iter().eq(0..50));
            assert_eq!(sent(&mut process).0, 50);
        }
        drop(go);
        willful.join().unwrap();
    });
}

#[test]
fn what_comes_to_another_thread_is_handed_on() {
    role::must_pass("has one that unblocks");
}
