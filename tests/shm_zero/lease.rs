//! Messages that are read in place.

use std::{collections::VecDeque, thread};

use bytes::Bytes;
use framewire::{ErrorKind, shm, wait::Strategy};
use futures::{SinkExt, StreamExt};
use tokio::sync::oneshot;

use super::{
    common::{Flavour, body, role, same, within},
    is_shared, met, next, send_all, starter, trusting,
};

/// The longest record of a ring of the usual size.
pub(crate) const MOST: usize = (128 << 10) - 8;

/// Messages that are read in place, and others.
fn len(n: u64) -> usize {
    let large = (16 << 10) + (n as usize * 7919) % (MOST - (16 << 10) + 1);
    [MOST, 16 << 10, large, 5, 300_000, 0, large / 4, 16 << 10][n as usize % 8]
}

fn in_place(len: usize) -> bool {
    (16 << 10..=MOST).contains(&len)
}

/// Sends messages until it is told that nobody wants more.
pub(crate) fn sends_many() {
    role::block_on(async {
        let mut ours = starter(&shm::Options::new()).await;
        for n in 0.. {
            if ours.send(body(n, len(n))).await.is_err() {
                return;
            }
        }
    });
}

#[tokio::test]
async fn only_those_of_trusted_peers_are() {
    let (_process, mut ours, _names) = met("sends many", &shm::Options::new()).await;
    for n in 0..100 {
        let message = next(&mut ours).await;
        same(&message, &body(n, len(n)));
        assert!(!is_shared(&message), "{n}");
    }
}

#[tokio::test]
async fn another_process_s_messages_are_there_and_released_when_they_are_dropped() {
    let (_process, mut ours, _names) = met("sends many", &trusting()).await;
    for n in 0..3000 {
        let message = next(&mut ours).await;
        same(&message, &body(n, len(n)));
        assert_eq!(is_shared(&message), in_place(len(n)), "{n}");
    }
}

#[tokio::test]
async fn one_is_kept_for_thousands_of_messages() {
    let (_process, mut ours, _names) = met("sends many", &trusting()).await;
    let (mut first, mut slice) = (Bytes::new(), Bytes::new());
    for n in 0..3000 {
        let message = next(&mut ours).await;
        same(&message, &body(n, len(n)));
        match n {
            1 => first = message,
            1503 => slice = message.slice(7..),
            _ => {}
        }
    }
    assert!(is_shared(&first) && is_shared(&slice));
    same(&first, &body(1, len(1)));
    drop(first);
    same(&slice, &body(1503, len(1503))[7..]);
}

#[tokio::test]
async fn they_are_dropped_in_any_order() {
    for seed in 1..10 {
        shuffled(seed).await;
    }
}

/// A few are kept at a time, and others of them dropped than came first.
pub(crate) async fn shuffled(seed: u64) {
    const COUNT: u64 = 600;
    let (mut ours, mut theirs) = trusting().pair().unwrap();
    let sending = async {
        for n in 0..COUNT {
            ours.feed(body(n, len(n))).await.unwrap();
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        let mut kept = VecDeque::new();
        let mut state = seed;
        for n in 0..COUNT {
            kept.push_back((n, next(&mut theirs).await));
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed);
            while kept.len() > (state >> 33) as usize % 12 {
                let at = (state >> 40) as usize % kept.len();
                let (n, message) = kept.remove(at).unwrap();
                same(&message, &body(n, len(n)));
            }
        }
        assert!(within(theirs.next()).await.is_none());
        for (n, message) in kept {
            same(&message, &body(n, len(n)));
        }
    };
    tokio::join!(sending, receiving);
}

#[test]
fn they_are_dropped_on_other_threads() {
    Flavour::TwoWorkers.run(async {
        let (process, mut ours, _names) = met("sends many", &trusting()).await;
        let (give, take) = std::sync::mpsc::sync_channel::<(u64, Bytes)>(20);
        let (give_too, take_too) = std::sync::mpsc::sync_channel::<(u64, Bytes)>(3);
        let check = |take: std::sync::mpsc::Receiver<(u64, Bytes)>| {
            thread::spawn(move || {
                for (n, message) in take {
                    same(&message, &body(n, len(n)));
                }
            })
        };
        let threads = [check(take), check(take_too)];
        for n in 0..3000 {
            let message = next(&mut ours).await;
            let give = if n % 3 == 0 { &give } else { &give_too };
            give.send((n, message)).unwrap();
        }
        drop((give, give_too, process));
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[tokio::test]
async fn they_outlive_the_connection() {
    let (mut process, mut ours, _names) = met("sends many", &trusting()).await;
    drop(next(&mut ours).await);
    let mut kept = Vec::new();
    for n in 1..5 {
        kept.push(next(&mut ours).await);
        assert_eq!(is_shared(&kept[n as usize - 1]), in_place(len(n)), "{n}");
    }
    process.kill();
    // What it had sent comes, then its end.
    let error = loop {
        match within(ours.next()).await.expect("an error first") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    drop(ours);
    for (n, message) in (1..).zip(&kept) {
        same(message, &body(n, len(n)));
    }
    thread::spawn(move || drop(kept)).join().unwrap();
}

#[test]
fn one_dropped_elsewhere_wakes_who_waits_for_its_room() {
    for strategy in [Strategy::Park, Strategy::Adaptive] {
        for _ in 0..50 {
            role::block_on(wakes(strategy));
        }
    }
}

async fn wakes(strategy: Strategy) {
    let (mut ours, mut theirs) = trusting().strategy(strategy).pair().unwrap();
    send_all(&mut ours, [body(1, 100_000)]).await;
    let first = next(&mut theirs).await;
    assert!(is_shared(&first));
    // From here on nobody polls `theirs`.
    let (told, tell) = oneshot::channel();
    // A task of its own, which nothing wakes but what it waits for.
    let sending = tokio::spawn(async move {
        for _ in 0..2 {
            ours.send(body(2, 60_000)).await.unwrap();
        }
        // Only where the first was is room for the third.
        let mut third = std::pin::pin!(ours.send(body(2, 60_000)));
        assert!(futures::poll!(third.as_mut()).is_pending());
        told.send(()).unwrap();
        third.await.unwrap();
        ours
    });
    let dropping = async {
        tell.await.unwrap();
        // By then it has given up trying, most likely.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        same(&first, &body(1, 100_000));
        tokio::task::spawn_blocking(move || drop(first)).await.unwrap();
    };
    within(dropping).await;
    let _ours = within(sending).await.unwrap();
    for _ in 0..3 {
        same(&next(&mut theirs).await, &body(2, 60_000));
    }
}

#[tokio::test]
async fn what_is_lent_and_what_is_kept_are_released_in_order() {
    let (mut ours, mut theirs) = trusting().pair().unwrap();
    let sending = async {
        for n in 0..2000 {
            ours.feed(body(n, len(n))).await.unwrap();
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        let mut kept = None;
        for n in 0..2000 {
            if n % 5 == 0 {
                kept = Some((n, next(&mut theirs).await));
            } else {
                let seen = theirs.with_next(|message| same(message, &body(n, len(n))));
                within(seen).await.unwrap().unwrap();
            }
            if let (3, Some((n, message))) = (n % 5, kept.take_if(|_| n % 5 == 3)) {
                same(&message, &body(n, len(n)));
            }
        }
        assert!(within(theirs.next()).await.is_none());
    };
    tokio::join!(sending, receiving);
}
