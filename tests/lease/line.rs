//! Who is served when.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use framewire::{
    semaphore::lease::{self, Leases},
    wait::Strategy,
};
use futures::{FutureExt, StreamExt, future::join_all};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    common::{Flavour, within},
    place,
};

const A_WHILE: Duration = Duration::from_millis(30);

/// Tasks that wait, in this order; each tells its number when it has a permit, and gives it back.
async fn waiters(leases: &Leases, told: &Arc<Mutex<Vec<usize>>>) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for number in 0..10 {
        let (leases, told) = (leases.clone(), Arc::clone(told));
        let (joins, joined) = tokio::sync::oneshot::channel();
        tasks.push(tokio::spawn(async move {
            let mut acquire = Box::pin(leases.acquire());
            let early = (&mut acquire).now_or_never();
            joins.send(early.is_none()).unwrap();
            let lease = acquire.await.unwrap();
            told.lock().unwrap().push(number);
            sleep(Duration::from_millis(1)).await;
            drop(lease);
        }));
        assert!(joined.await.unwrap(), "it has to wait");
    }
    tasks
}

fn first_come_first_served(strategy: Strategy, given_up: &'static [usize]) {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        flavour.run(async move {
            let (_directory, path) = place();
            let options = lease::Options::new().strategy(strategy);
            let leases = options.open(&*path, 1).await.unwrap();
            let elsewhere = lease::open(&*path, 1).await.unwrap();
            // Held by us, or by somebody else.
            for holder in [&leases, &elsewhere] {
                let held = holder.acquire().await.unwrap();
                let told = Arc::default();
                let tasks = waiters(&leases, &told).await;
                assert!(leases.try_acquire().unwrap().is_none());
                given_up.iter().for_each(|number| tasks[*number].abort());
                sleep(A_WHILE).await;
                drop(held);
                let ended = within(join_all(tasks)).await;
                let cancelled = ended.iter().filter(|end| end.is_err()).count();
                assert_eq!(cancelled, given_up.len());
                let served: Vec<_> = (0..10).filter(|number| !given_up.contains(number)).collect();
                assert_eq!(*told.lock().unwrap(), served);
                assert_eq!(elsewhere.free().unwrap(), 1);
            }
        });
    }
}

#[test]
fn those_who_wait_are_served_as_they_came() {
    first_come_first_served(Strategy::Adaptive, &[]);
    first_come_first_served(Strategy::Park, &[]);
}

#[test]
fn one_who_gives_up_stalls_nobody() {
    first_come_first_served(Strategy::Adaptive, &[4]);
    first_come_first_served(Strategy::Park, &[0, 5, 9]);
    first_come_first_served(Strategy::Park, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

/// What the first was woken for is not lost with it.
#[tokio::test]
async fn one_who_gives_up_as_it_is_woken_passes_it_on() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    for holder in [leases.clone(), lease::open(&*path, 1).await.unwrap()] {
        for _ in 0..20 {
            let held = holder.acquire().await.unwrap();
            let mut first = Box::pin(leases.acquire());
            assert!((&mut first).now_or_never().is_none());
            let second = tokio::spawn({
                let leases = leases.clone();
                async move { leases.acquire().await.map(drop) }
            });
            assert!(timeout(Duration::from_millis(2), &mut first).await.is_err());
            drop(held);
            drop(first);
            within(second).await.unwrap().unwrap();
        }
    }
}

/// More than one comes free at once: each goes to one who waits.
#[tokio::test]
async fn as_many_are_served_as_come_free() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 5).await.unwrap();
    let elsewhere = lease::open(&*path, 5).await.unwrap();
    let held: Vec<_> = elsewhere.receiver().take(5).collect().await;
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let leases = leases.clone();
            tokio::spawn(async move { leases.acquire().await.unwrap() })
        })
        .collect();
    sleep(A_WHILE).await;
    drop(held);
    let got = within(join_all(waiting)).await;
    let mut numbers: Vec<_> = got.iter().map(|lease| lease.as_ref().unwrap().index()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_receiver_takes_none_before_it_is_asked() {
    let (_directory, path) = place();
    let mut permits = lease::receiver(&*path, 2).await.unwrap();
    assert_eq!(permits.leases().free().unwrap(), 2);
    let one = within(permits.next()).await.unwrap().unwrap();
    assert_eq!(permits.leases().free().unwrap(), 1);
    let other = within(permits.next()).await.unwrap().unwrap();
    assert!(timeout(A_WHILE, permits.next()).await.is_err());
    drop(one);
    let again = within(permits.next()).await.unwrap().unwrap();
    assert_eq!((again.index(), other.index()), (0, 1));
    // It was asked for one more, and is dropped: nobody is behind it in the line.
    assert!(timeout(A_WHILE, permits.next()).await.is_err());
    let leases = permits.leases().clone();
    drop(permits);
    drop(other);
    assert!(leases.try_acquire().unwrap().is_some());
}

/// Nobody else runs while somebody takes permits that are always there, but for the budget.
#[tokio::test]
async fn who_takes_and_gives_back_all_the_time_lets_others_run() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    let busy = tokio::spawn(async move {
        loop {
            drop(leases.acquire().await.unwrap());
        }
    });
    for _ in 0..100 {
        within(tokio::task::yield_now()).await;
    }
    busy.abort();
}
