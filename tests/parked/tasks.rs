//! Connections whose two directions are two tasks', and runtimes that end while they wait.

use std::{sync::mpsc, thread, time::Duration};

use framewire::shm;
use futures::{SinkExt, StreamExt};
use tokio::sync::mpsc::unbounded_channel;

use super::common::{Flavour, body, role, same, within};

const ROUNDS: u64 = 300;
const LEN: usize = 5000;

/// One waits for a message, the other for room: each is woken by what it waits for, and by nothing
/// that leaves the other asleep for good.
async fn each_is_woken_by_its_own() {
    let (ours, theirs) = shm::Options::new().capacity(64 << 10).pair().unwrap();
    let (mut sink, mut stream) = ours.split();
    let (give_received, mut received) = unbounded_channel();
    let (give_sent, mut sent) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = stream.next().await {
            give_received.send(message.unwrap()).unwrap();
        }
    });
    let sending = tokio::spawn(async move {
        for number in 0.. {
            // The other end has heard enough.
            if sink.send(body(number, LEN)).await.is_err() {
                return;
            }
            let _ = give_sent.send(number);
        }
    });
    let (mut back, mut there) = theirs.split();
    let mut in_front = 0;
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            // The one that waits for a message, while the other does for room.
            back.send(body(round, 100)).await.unwrap();
            same(&within(received.recv()).await.unwrap(), &body(round, 100));
        } else {
            // And the other way round.
            for _ in 0..10 {
                same(&within(there.next()).await.unwrap().unwrap(), &body(in_front, LEN));
                in_front += 1;
            }
            // More than the ring has was sent before, so room was waited for.
            while within(sent.recv()).await.unwrap() < in_front {}
        }
        if round % 16 == 0 {
            // Until both are parked.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    drop((back, there));
    within(sending).await.unwrap();
    assert!(within(received.recv()).await.is_none());
}

#[test]
fn each_task_is_woken_by_its_own_event_on_one_thread() {
    Flavour::CurrentThread.run(each_is_woken_by_its_own());
}

#[test]
fn each_task_is_woken_by_its_own_event_on_two_workers() {
    Flavour::TwoWorkers.run(each_is_woken_by_its_own());
}

#[test]
fn a_runtime_that_ends_waits_for_nobody() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let runtime = flavour.runtime();
        let (ours, theirs) = runtime.block_on(async { shm::pair().unwrap() });
        let (mut sink, mut stream) = ours.split();
        runtime.spawn(async move { stream.next().await });
        runtime.spawn(async move { while sink.send(body(1, LEN)).await.is_ok() {} });
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        let (give, ended) = mpsc::channel();
        thread::spawn(move || {
            drop(runtime);
            give.send(()).unwrap();
        });
        ended.recv_timeout(Duration::from_secs(5)).expect("it ends");
        // What is left of the connection is used in vain, and does no harm.
        role::block_on(async move {
            let mut theirs = theirs;
            while let Some(Ok(message)) = within(theirs.next()).await {
                same(&message, &body(1, LEN));
            }
            let _ = theirs.send("hello".into()).await;
        });
    }
}
