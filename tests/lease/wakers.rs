//! Wakers that do more than to wake.

use std::{
    future::Future,
    pin::Pin,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use framewire::semaphore::lease::{self, Lease, Leases};
use tokio::time::sleep;

use super::{
    common::{Flavour, HANG, role},
    place,
};

type Waiting = Pin<Box<dyn Future<Output = framewire::Result<Lease>> + Send>>;

fn waiting(leases: &Leases) -> Waiting {
    let leases = leases.clone();
    Box::pin(async move { leases.acquire().await })
}

/// As the tasks of simple executors are: what they own goes with the last of their wakers.
struct Owner(#[allow(dead_code)] Mutex<Option<Lease>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// The wakers of one that has been served are kept until somebody else waits: what they own may be
/// a permit of the same handle.
pub(crate) fn owns() {
    let runtime = Flavour::CurrentThread.runtime();
    let (_directory, path) = place();
    let leases = runtime.block_on(lease::open(&*path, 2)).unwrap();
    let elsewhere = runtime.block_on(lease::open(&*path, 2)).unwrap();
    runtime.block_on(async {
        let (owned, _held) = (leases.try_acquire().unwrap(), elsewhere.try_acquire().unwrap());
        let waker = Waker::from(Arc::new(Owner(Mutex::new(owned))));
        let mut first = waiting(&leases);
        for _ in 0..10 {
            assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            sleep(Duration::from_millis(2)).await;
        }
        drop((first, waker));
        // What it owned goes by now, or when the next one waits.
        drop(waiting(&leases).await.unwrap());
        assert_eq!(leases.free().unwrap(), 1);
    });
}

#[test]
fn what_a_waker_owns_may_be_of_the_same_handle() {
    passes("a waker owns");
}

struct Panics(AtomicBool);

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
        panic!("a waker of its own");
    }
}

/// Whoever's waker panics: the others have what is theirs, and nothing is aborted.
pub(crate) fn panics() {
    let runtime = Flavour::CurrentThread.runtime();
    let (_directory, path) = place();
    let leases = runtime.block_on(lease::open(&*path, 1)).unwrap();
    runtime.block_on(async {
        let held = leases.try_acquire().unwrap().unwrap();
        let flag = Arc::new(Panics(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let (mut first, mut second) = (waiting(&leases), waiting(&leases));
        let polled = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        let polled = second.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        drop(held);
        let got = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(got, Poll::Ready(Ok(_))) && flag.0.load(Ordering::SeqCst));
        drop(got);
        drop(first);
        drop(second.await.unwrap());
        assert_eq!(leases.free().unwrap(), 1);
    });
}

#[test]
fn a_waker_that_panics_is_nobody_elses_harm() {
    passes("a waker panics");
}

/// Plays this role in a process of its own, which may hang or be aborted.
fn passes(role: &str) {
    let mut command: Command = role::command(role);
    let mut child = command.spawn().unwrap();
    let begun = std::time::Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if begun.elapsed() > HANG / 10 {
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let _ = (child.kill(), child.wait());
    assert!(ended.is_some_and(|status| status.success()), "{role}: {ended:?}");
}
