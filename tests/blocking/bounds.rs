//! What keeps a test from hanging.

use std::{
    future::poll_fn,
    io,
    sync::mpsc::{self, RecvTimeoutError},
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use framewire::wait::{Blocking, Call};

pub use crate::run::*;

pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < HANG, "{what}: not within {HANG:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `f` and fails, rather than hangs, where it does not return.
pub fn within_bound(f: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        f();
        done.send(()).unwrap();
    });
    assert_ne!(wait.recv_timeout(HANG), Err(RecvTimeoutError::Timeout), "it hangs");
    thread.join().unwrap();
}

/// The ids of this process's threads of this name, of at most 15 bytes; empty where there is no
/// way to list them.
pub fn threads(name: &str) -> Vec<u32> {
    assert!(name.len() <= 15);
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let named = |id: &u32| {
        let comm = std::fs::read_to_string(format!("/proc/self/task/{id}/comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    };
    tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).filter(named).collect()
}

pub fn ends(name: &str) {
    eventually("the thread's end", || threads(name).is_empty());
}

/// Polls for the next result once, so that somebody waits from now on.
pub async fn want<C: Call>(calls: &mut Blocking<C>) -> Poll<io::Result<C::Output>> {
    poll_fn(|cx| Poll::Ready(calls.poll_next(cx))).await
}
