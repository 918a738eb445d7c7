//! Tasks that wait on one semaphore: in which order they are served, and how they go.

use std::{
    future::poll_fn,
    pin::Pin,
    task::Poll,
    thread::sleep,
    time::{Duration, Instant},
};

use framewire::{
    Result,
    semaphore::{self, Permit, Semaphore},
    wait::Strategy,
};
use tokio::sync::mpsc;

use super::{
    common::{Flavour, within},
    subject::Name,
};

const FLAVOURS: [Flavour; 2] = [Flavour::CurrentThread, Flavour::TwoWorkers];
const STRATEGIES: [Strategy; 2] = [Strategy::Park, Strategy::Adaptive];
/// Longer than a call goes on for those who have left.
const A_SLICE: Duration = Duration::from_millis(150);
const AT_ONCE: Duration = Duration::from_secs(2);

type Acquiring = Pin<Box<dyn Future<Output = Result<Permit>> + Send>>;

/// A wait that has begun.
async fn waiting(gate: &Semaphore) -> Acquiring {
    let gate = gate.clone();
    let mut acquiring: Acquiring = Box::pin(async move { gate.acquire().await });
    let begun = poll_fn(|cx| Poll::Ready(acquiring.as_mut().poll(cx).is_pending())).await;
    assert!(begun, "there was a permit");
    acquiring
}

#[test]
fn tasks_are_served_in_the_order_in_which_they_came() {
    const TASKS: usize = 40;
    for (flavour, strategy) in FLAVOURS.into_iter().flat_map(|f| STRATEGIES.map(|s| (f, s))) {
        flavour.run(async move {
            let name = Name::new();
            let gate = semaphore::Options::new().strategy(strategy).open(&name).unwrap();
            let (served, mut order) = mpsc::unbounded_channel();
            let mut tasks = Vec::new();
            for n in 0..TASKS {
                let acquiring = waiting(&gate).await;
                let served = served.clone();
                tasks.push(tokio::spawn(async move {
                    acquiring.await.unwrap().forget();
                    served.send(n).unwrap();
                }));
            }
            // Nobody passes those who wait.
            assert!(gate.try_acquire().unwrap().is_none());
            for n in 0..TASKS {
                // Every fourth goes, now the first in the line and now one in the middle.
                if n % 4 == 3 {
                    tasks[n].abort();
                    continue;
                }
                if n % 4 == 0 && n + 7 < TASKS {
                    tasks[n + 7].abort();
                }
                gate.post().unwrap();
                assert_eq!(within(order.recv()).await, Some(n), "{flavour:?}, {strategy:?}");
            }
            for task in tasks {
                let _ = task.await;
            }
            assert_eq!(gate.value().unwrap(), 0);
        });
    }
}

#[test]
fn permits_that_come_at_once_serve_as_many() {
    for flavour in FLAVOURS {
        flavour.run(async {
            let name = Name::new();
            let gate = semaphore::open(&name).unwrap();
            let mut tasks = Vec::new();
            for _ in 0..20 {
                tasks.push(tokio::spawn(waiting(&gate).await));
            }
            gate.release(15).unwrap();
            let mut permits = Vec::new();
            for task in tasks.drain(..15) {
                permits.push(within(task).await.unwrap().unwrap());
            }
            // Those that are given back serve the others.
            permits.truncate(10);
            for task in tasks {
                permits.push(within(task).await.unwrap().unwrap());
            }
            drop(permits);
            assert_eq!(gate.value().unwrap(), 15);
        });
    }
}

#[test]
fn a_runtime_ends_at_once_while_tasks_wait() {
    for (flavour, strategy) in FLAVOURS.into_iter().flat_map(|f| STRATEGIES.map(|s| (f, s))) {
        let name = Name::new();
        let gate = semaphore::Options::new().strategy(strategy).open(&name).unwrap();
        let runtime = flavour.runtime();
        runtime.block_on(async {
            for _ in 0..3 {
                tokio::spawn(waiting(&gate).await);
            }
            // So that some are parked.
            tokio::time::sleep(Duration::from_millis(5)).await;
        });
        let begun = Instant::now();
        drop(runtime);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        gate.post().unwrap();
        sleep(A_SLICE);
        assert_eq!(gate.value().unwrap(), 1);

        // The same semaphore goes on with another runtime.
        gate.try_acquire().unwrap().unwrap().forget();
        flavour.runtime().block_on(async {
            let waits = waiting(&gate).await;
            gate.post().unwrap();
            within(waits).await.unwrap().forget();
        });
    }
}

#[test]
fn what_came_for_a_task_that_is_gone_goes_back() {
    let name = Name::new();
    let gate = semaphore::Options::new().strategy(Strategy::Park).open(&name).unwrap();
    for round in 0..10 {
        let runtime = Flavour::CurrentThread.runtime();
        runtime.block_on(async {
            let waits = waiting(&gate).await;
            gate.post().unwrap();
            let begun = Instant::now();
            while gate.value().unwrap() > 0 {
                assert!(begun.elapsed() < AT_ONCE, "nobody takes it");
                sleep(Duration::from_millis(1));
            }
            // The thread has it. It is polled no more.
            if round % 2 == 0 {
                drop(waits);
            } else {
                tokio::spawn(waits);
            }
        });
        drop(runtime);
        let begun = Instant::now();
        while gate.value().unwrap() == 0 {
            assert!(begun.elapsed() < AT_ONCE, "round {round}: it is lost");
            sleep(Duration::from_millis(1));
        }
        gate.try_acquire().unwrap().unwrap().forget();
    }
}

#[test]
fn a_wait_needs_no_runtime() {
    let name = Name::new();
    let gate = semaphore::open(&name).unwrap();
    let other = gate.clone();
    let poster = std::thread::spawn(move || {
        for _ in 0..100 {
            sleep(Duration::from_micros(200));
            other.post().unwrap();
        }
    });
    for _ in 0..100 {
        futures::executor::block_on(gate.acquire()).unwrap().forget();
    }
    poster.join().unwrap();
    assert_eq!(gate.value().unwrap(), 0);
}
