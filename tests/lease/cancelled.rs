//! Waits that are given up at any moment: nothing is lost, and nothing is held twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use framewire::{
    semaphore::lease::{self, Leases},
    wait::Strategy,
};
use futures::future::join_all;

use super::{
    common::{Flavour, Polls, within},
    place,
    support::{
        announce,
        random::{mix, seed},
    },
};

const CANCELS: u64 = 100_000;
const PERMITS: usize = 3;
/// More than there are permits, at each of two handles.
const TASKS: u64 = 4;

#[derive(Default)]
struct Seen {
    cancelled: AtomicU64,
    acquired: AtomicU64,
    /// Who has which: what a lease says it is alone with.
    taken: [AtomicBool; PERMITS],
}

/// Asks for permits, and gives up after a random number of polls or holds what it got for a while.
async fn asks(leases: Leases, seen: Arc<Seen>, seed: u64, cancels: u64) {
    // SeqCst throughout: this is a witness, and not to be reasoned about.
    for n in 0.. {
        if seen.cancelled.load(Ordering::SeqCst) >= cancels {
            return;
        }
        let random = mix(seed ^ n);
        let acquire = Box::pin(leases.acquire());
        let Some(lease) = Polls::new((random % 6) as usize, acquire).await else {
            seen.cancelled.fetch_add(1, Ordering::SeqCst);
            if random % 5 == 0 {
                tokio::task::yield_now().await;
            }
            continue;
        };
        let lease = lease.unwrap();
        seen.acquired.fetch_add(1, Ordering::SeqCst);
        assert!(!seen.taken[lease.index()].swap(true, Ordering::SeqCst), "it has two holders");
        for _ in 0..random / 8 % 4 {
            tokio::task::yield_now().await;
        }
        if random % 97 == 0 {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        assert!(seen.taken[lease.index()].swap(false, Ordering::SeqCst));
        drop(lease);
    }
}

fn sum_stays(flavour: Flavour, strategy: Strategy, cancels: u64) {
    let seed = seed();
    announce(&format!("lease, {flavour:?}, {strategy:?}: CRASH_SEED={seed}"));
    flavour.run(async move {
        let (_directory, path) = place();
        let options = lease::Options::new().strategy(strategy);
        let handles = [
            options.open(&*path, PERMITS).await.unwrap(),
            options.open(&*path, PERMITS).await.unwrap(),
        ];
        let seen = Arc::<Seen>::default();
        let tasks = handles.iter().flat_map(|leases| {
            let seen = &seen;
            (0..TASKS).map(move |task| {
                let seed = mix(seed ^ mix(task)) ^ std::ptr::from_ref(leases).addr() as u64;
                tokio::spawn(asks(leases.clone(), Arc::clone(seen), seed, cancels))
            })
        });
        for ended in within(join_all(tasks)).await {
            ended.unwrap();
        }
        for leases in &handles {
            assert_eq!(leases.free().unwrap(), PERMITS);
        }
        // All can be had, by whoever asks, and one too many cannot.
        let mut all = Vec::new();
        for n in 0..PERMITS {
            all.push(within(handles[n % 2].acquire()).await.unwrap());
        }
        assert!(handles.iter().all(|leases| leases.try_acquire().unwrap().is_none()));
        let (cancelled, acquired) = (&seen.cancelled, &seen.acquired);
        announce(&format!("lease: {cancelled:?} waits cancelled, {acquired:?} permits taken"));
    });
}

#[test]
fn random_cancels_keep_the_sum_on_one_thread() {
    sum_stays(Flavour::CurrentThread, Strategy::Adaptive, CANCELS / 2);
}

#[test]
fn random_cancels_keep_the_sum_on_two_workers() {
    sum_stays(Flavour::TwoWorkers, Strategy::Park, CANCELS / 2);
}
