//! Broadcasts over shared memory, and the latest value.
#![cfg(any(target_os = "linux", target_os = "android"))]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "broadcast/hostile.rs"]
mod hostile;
#[path = "broadcast/idle.rs"]
mod idle;
#[path = "broadcast/left.rs"]
mod left;
#[path = "broadcast/processes.rs"]
mod processes;
#[path = "broadcast/slow.rs"]
mod slow;

use std::{fs, path::Path};

use common::{Census, Flavour, body, conformance, role, same, within};
use framewire::{
    Endpoint, ErrorKind,
    shm::{
        broadcast::{self, Slow, Start},
        latest,
    },
};
use futures::{FutureExt, SinkExt, StreamExt};

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("counts", processes::counts),
        ("publishes", processes::publishes),
        ("leaves a receiver", left::leaves_a_receiver),
        ("leaves a sender", left::leaves_a_sender),
        ("stands still", slow::stands_still),
        ("waits", idle::waits),
    ]);
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<broadcast::Sender>();
    conformance::is_channel::<broadcast::Receiver>();
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("b");
        let options = broadcast::Options::new();
        conformance::is_task(options.receiver(&path));
        conformance::is_task(options.sender(&path));
        let mut sender = broadcast::sender(&path).await.unwrap();
        let mut receiver = broadcast::receiver(&path).await.unwrap();
        conformance::is_task(sender.send("hello".into()));
        conformance::is_task(receiver.next());
        conformance::is_task(receiver.recv_many(&mut Vec::new()));
        conformance::is_task(receiver.with_next(|body| body.len()));
    });
}

fn leaves_nothing() {
    // What a runtime keeps is made before it is counted.
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        flavour.run(async {});
    }
    let before = Census::settled();
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        flavour.run(uses());
        before.assert_back();
    }
    // A runtime that is gone before the ends are.
    let runtime = Flavour::TwoWorkers.runtime();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let (mut sender, receiver) = runtime.block_on(async {
        (broadcast::sender(&path).await.unwrap(), broadcast::receiver(&path).await.unwrap())
    });
    drop(runtime);
    let error = sender.feed("to nobody".into()).now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    drop((sender, receiver));
    before.assert_back();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

async fn uses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let mut sender = broadcast::sender(&path).await.unwrap();
    let mut receivers = Vec::new();
    for _ in 0..5 {
        receivers.push(broadcast::receiver(&path).await.unwrap());
    }
    sender.send("hello".into()).await.unwrap();
    for receiver in &mut receivers {
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
    }
    receivers.truncate(2);
    while sender.receivers() > 2 {
        tokio::task::yield_now().await;
    }
    sender.close().await.unwrap();
    for receiver in &mut receivers {
        assert!(within(receiver.next()).await.is_none());
    }
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    assert_eq!(sender.feed("late".into()).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn addresses_have_both_verbs() {
    let directory = tempfile::tempdir().unwrap();
    for scheme in ["shm+broadcast", "shm+latest"] {
        let address = format!("{scheme}://{}", directory.path().join("b").display());
        let endpoint: Endpoint = address.parse().unwrap();
        let mut sender = endpoint.sender().await.unwrap();
        let mut receiver = endpoint.receiver().await.unwrap();
        sender.send("hello".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
        for error in [endpoint.listen().await.err(), endpoint.connect().await.err()] {
            let error = error.expect("there are no connections");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("only: receiver, sender"), "{error}");
        }
        assert_eq!(endpoint.sender().await.err().unwrap().kind(), ErrorKind::InUse);
    }
}

#[test]
fn all_receive_all_in_order() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        flavour.run(async {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("b");
            let patient = broadcast::Options::new().slow(Slow::Wait).capacity(64 << 10);
            let mut sender = patient.sender(&path).await.unwrap();
            let mut tasks = Vec::new();
            for _ in 0..3 {
                let mut receiver = broadcast::receiver(&path).await.unwrap();
                tasks.push(tokio::spawn(async move {
                    for n in 0..3000 {
                        let message = receiver.next().await.unwrap().unwrap();
                        same(&message, &body(n, (n * 7 % 4000) as usize));
                    }
                    assert!(receiver.next().await.is_none());
                    assert_eq!(receiver.lost(), 0);
                }));
            }
            for n in 0..3000 {
                let message = body(n, (n * 7 % 4000) as usize);
                within(sender.send(message)).await.unwrap();
            }
            sender.close().await.unwrap();
            for task in tasks {
                within(task).await.unwrap();
            }
        });
    }
}

/// Those that were received and those that were told of are as many as were sent.
#[tokio::test]
async fn what_was_lost_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let mut sender = broadcast::Options::new().capacity(64 << 10).sender(&path).await.unwrap();
    let mut receiver = broadcast::receiver(&path).await.unwrap();
    let (mut next, mut told) = (0, 0);
    for burst in [10, 1000, 10, 500, 63, 64, 65, 1] {
        let end = next + burst;
        for n in next..end {
            sender.send(body(n, 1000)).await.unwrap();
        }
        while next < end {
            match within(receiver.next()).await.unwrap() {
                Ok(message) => {
                    same(&message, &body(next, 1000));
                    next += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Lagged);
                    assert!(error.is_retryable());
                    let lost = receiver.lost() - told;
                    assert!(error.to_string().contains(&format!("{lost} messages")), "{error}");
                    told += lost;
                    next += lost;
                    // It goes on with the newest.
                    assert_eq!(next, end - 1);
                }
            }
        }
        assert!(receiver.next().now_or_never().is_none());
    }
    assert!(told > 1400);
}

#[tokio::test]
async fn who_comes_late_begins_where_it_wants_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let mut sender = broadcast::Options::new().capacity(64 << 10).sender(&path).await.unwrap();
    for n in 0..200 {
        sender.send(body(n, 1008)).await.unwrap();
    }
    let first = |start| {
        let options = broadcast::Options::new().start(start);
        let path = path.clone();
        async move {
            let mut receiver = options.receiver(path).await.unwrap();
            let first = receiver.next().now_or_never().map(|first| first.unwrap().unwrap());
            assert_eq!(receiver.lost(), 0);
            (receiver, first)
        }
    };
    same(&first(Start::Newest).await.1.unwrap(), &body(199, 1008));
    // As many as there is room for, each with a header of 16 bytes.
    let (mut receiver, oldest) = first(Start::Oldest).await;
    same(&oldest.unwrap(), &body(200 - 64, 1008));
    for n in 200 - 63..200 {
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(n, 1008));
    }
    let (mut receiver, none) = first(Start::Next).await;
    assert!(none.is_none());
    sender.send(body(200, 1008)).await.unwrap();
    same(&within(receiver.next()).await.unwrap().unwrap(), &body(200, 1008));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let mut sender = broadcast::sender(&path).await.unwrap();
    let mut receiver = broadcast::receiver(&path).await.unwrap();
    let most = sender.max_len();
    let error = sender.feed(body(0, most + 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("raise `capacity`"), "{error}");
    for len in [most, 0, 1] {
        sender.send(body(0, len)).await.unwrap();
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(0, len));
    }
}

#[tokio::test]
async fn only_so_many_receive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let sender = broadcast::Options::new().max_receivers(2).sender(&path).await.unwrap();
    let one = broadcast::receiver(&path).await.unwrap();
    let _other = broadcast::receiver(&path).await.unwrap();
    let error = broadcast::receiver(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
    drop(one);
    while sender.receivers() > 1 {
        tokio::task::yield_now().await;
    }
    broadcast::receiver(&path).await.unwrap();
}

#[tokio::test]
async fn the_two_kinds_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b");
    let _sender = broadcast::sender(&path).await.unwrap();
    let error = latest::receiver(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("is of shm+broadcast, not of shm+latest"), "{error}");
    let missing = broadcast::receiver(directory.path().join("missing")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_latest_value_is_all_that_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("v");
    let mut sender = latest::Options::new().capacity(64 << 10).sender(&path).await.unwrap();
    let mut early = latest::receiver(&path).await.unwrap();
    assert!(early.next().now_or_never().is_none());
    for n in 0..1000 {
        sender.send(body(n, 1000)).await.unwrap();
        if n % 100 == 99 {
            same(&within(early.next()).await.unwrap().unwrap(), &body(n, 1000));
            assert!(early.next().now_or_never().is_none());
        }
    }
    let mut late = latest::receiver(&path).await.unwrap();
    same(&within(late.next()).await.unwrap().unwrap(), &body(999, 1000));
    for n in 1000..1010 {
        sender.send(body(n, 1000)).await.unwrap();
    }
    sender.close().await.unwrap();
    for mut receiver in [early, late] {
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(1009, 1000));
        assert!(within(receiver.next()).await.is_none());
    }
}

/// A path in a directory of this test's own.
fn place(directory: &tempfile::TempDir) -> std::path::PathBuf {
    Path::join(directory.path(), "b")
}
