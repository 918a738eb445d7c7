//! Waits that were begun, and are neither polled any more nor dropped.

use std::time::{Duration, Instant};

use framewire::{
    semaphore::{self, Semaphore},
    wait::Strategy,
};
use futures::{FutureExt, StreamExt};
use tokio::time::sleep;

use super::{
    common::{Flavour, within},
    subject::Name,
};

const STRATEGIES: [Strategy; 3] =
    [Strategy::Park, Strategy::Adaptive, Strategy::Spin(Duration::from_millis(5))];

/// A semaphore at which somebody stands in the line who was polled once.
async fn kept(strategy: Strategy) -> (Semaphore, semaphore::Receiver) {
    let name = Name::new();
    let options = semaphore::Options::new().strategy(strategy);
    let mut receiver = options.receiver(&name).await.unwrap();
    assert!(receiver.next().now_or_never().is_none());
    (receiver.get_ref().clone(), receiver)
}

#[test]
fn one_that_is_polled_no_more_keeps_one_permit_and_no_others() {
    for strategy in STRATEGIES {
        for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
            flavour.run(async move {
                let (gate, mut receiver) = kept(strategy).await;
                let waits = tokio::spawn({
                    let gate = gate.clone();
                    async move { gate.acquire().await.unwrap().forget() }
                });
                sleep(Duration::from_millis(1)).await;
                gate.release(2).unwrap();
                within(waits).await.unwrap();
                within(receiver.next()).await.unwrap().unwrap().forget();
                assert_eq!(gate.value().unwrap(), 0);
            });
        }
    }
}

#[test]
fn who_tries_behind_one_that_is_polled_no_more_has_the_second() {
    for strategy in STRATEGIES {
        Flavour::CurrentThread.run(async move {
            let (gate, receiver) = kept(strategy).await;
            gate.release(2).unwrap();
            let begun = Instant::now();
            let permit = loop {
                if let Some(permit) = gate.try_acquire().unwrap() {
                    break permit;
                }
                assert!(begun.elapsed() < Duration::from_secs(10), "{strategy:?}: it has none");
                sleep(Duration::from_millis(1)).await;
            };
            drop((permit, receiver));
            assert_eq!(gate.value().unwrap(), 2);
        });
    }
}
