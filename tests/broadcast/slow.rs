//! Receivers that are stopped, killed, or that just do not receive.

use std::time::Duration;

use framewire::{
    ErrorKind,
    shm::broadcast::{self, Sender, Slow},
};
use futures::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use super::{
    common::{
        Process, id_of, numbered,
        process::{answer, next_order},
        role, within,
    },
    place,
    processes::start,
};

const A_WHILE: Duration = Duration::from_millis(50);

/// The part of one that receives nothing.
pub(crate) fn stands_still() {
    role::block_on(async {
        let _receiver = broadcast::receiver(role::word()).await.unwrap();
        answer("receiving");
        next_order();
    });
}

fn tell(process: &Process, signal: Signal) {
    kill_process(Pid::from_raw(process.id() as i32).unwrap(), signal).unwrap();
}

fn options(slow: Slow) -> broadcast::Options {
    broadcast::Options::new().slow(slow).capacity(64 << 10)
}

/// Sends until it has to wait for longer than a while, and says how many it sent.
async fn fill(sender: &mut Sender, from: u64) -> u64 {
    for n in from..from + 10_000 {
        if timeout(A_WHILE, sender.feed(numbered(n, 1000))).await.is_err() {
            return n;
        }
    }
    panic!("nothing holds it up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_sender_waits_for_who_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Wait).sender(&path).await.unwrap();
    let mut stopped = start("counts", &path);
    tell(&stopped, Signal::STOP);
    let sent = fill(&mut sender, 0).await;
    assert!((60..70).contains(&sent), "{sent}");
    tell(&stopped, Signal::CONT);
    for n in sent..sent + 1000 {
        within(sender.send(numbered(n, 1000))).await.unwrap();
    }
    within(sender.close()).await.unwrap();
    assert_eq!(stopped.answer(), (sent + 1000).to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_one_holds_nobody_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Wait).sender(&path).await.unwrap();
    for part in ["counts", "stands still"] {
        let mut dead = start(part, &path);
        tell(&dead, Signal::STOP);
        let sent = fill(&mut sender, 0).await;
        let (sent_more, ()) = tokio::join!(within(sender.send(numbered(sent, 1000))), async {
            tokio::time::sleep(A_WHILE).await;
            dead.kill();
        });
        sent_more.unwrap();
    }
    // Nor one that leaves, or that does not begin.
    let idle = broadcast::receiver(&path).await.unwrap();
    let sent = fill(&mut sender, 0).await;
    drop(idle);
    within(sender.send(numbered(sent, 1000))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_too_slow_is_told_and_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Disconnect).sender(&path).await.unwrap();
    let mut slow = broadcast::receiver(&path).await.unwrap();
    let stopped = start("stands still", &path);
    tell(&stopped, Signal::STOP);
    let mut fast = broadcast::receiver(&path).await.unwrap();
    assert_eq!(sender.receivers(), 3);
    for n in 0..1000 {
        within(sender.send(numbered(n, 1000))).await.unwrap();
        assert_eq!(id_of(&within(fast.next()).await.unwrap().unwrap()), n);
        let expected = if n < 64 { 3 } else { 1 };
        assert_eq!(sender.receivers(), expected, "{n}");
    }
    let mut received = 0;
    let error = loop {
        match within(slow.next()).await.unwrap() {
            Ok(_) => received += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), received), (ErrorKind::Closed, 0));
    assert!(error.to_string().contains("let go of us"), "{error}");
    assert!(within(slow.next()).await.is_none());
    // It can come again.
    let mut again = broadcast::receiver(&path).await.unwrap();
    assert_eq!(id_of(&within(again.next()).await.unwrap().unwrap()), 999);
}

/// Who waits is told too, though nothing is written for it any more.
#[tokio::test]
async fn who_was_let_go_before_it_was_overtaken_reads_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Disconnect).sender(&path).await.unwrap();
    let mut slow = broadcast::receiver(&path).await.unwrap();
    for n in 0..64 {
        sender.send(numbered(n, 1000)).await.unwrap();
    }
    // One record more than there is room for, which is not written over what it has in hand.
    for n in 0..40 {
        assert_eq!(id_of(&within(slow.next()).await.unwrap().unwrap()), n);
    }
    for n in 64..100 {
        sender.send(numbered(n, 1000)).await.unwrap();
    }
    assert_eq!(sender.receivers(), 1);
    drop(sender);
    let (mut next, mut last) = (40, None);
    while let Some(message) = within(slow.next()).await {
        last = Some(message.map(|message| id_of(&message)));
        next += 1;
    }
    assert_eq!((next, last.unwrap().unwrap()), (100, 99));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_overwrites_waits_for_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Overwrite).sender(&path).await.unwrap();
    let stopped = start("stands still", &path);
    tell(&stopped, Signal::STOP);
    for n in 0..10_000 {
        within(sender.send(numbered(n, 1000))).await.unwrap();
    }
    assert_eq!(sender.receivers(), 1);
}

/// Two that pass the place that a sender waits for at the same time both knock, and one of the two
/// comes second each time.
#[tokio::test]
async fn who_knocks_second_each_time_is_not_let_go() {
    const MANY: u64 = 42_000;
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Wait).sender(&path).await.unwrap();
    let mut receiving = Vec::new();
    for _ in 0..2 {
        let mut receiver = broadcast::receiver(&path).await.unwrap();
        receiving.push(tokio::spawn(async move {
            let mut next = 0;
            while let Some(message) = within(receiver.next()).await {
                let id = message.map(|message| id_of(&message));
                assert_eq!(id.unwrap_or_else(|error| panic!("behind {next}: {error}")), next);
                next += 1;
            }
            next
        }));
    }
    for n in 0..MANY {
        within(sender.send(numbered(n, 16_000))).await.unwrap();
    }
    within(sender.close()).await.unwrap();
    for receiving in receiving {
        assert_eq!(within(receiving).await.unwrap(), MANY);
    }
}

/// Nobody is told that all is well where a message that was accepted is not.
#[tokio::test]
async fn what_was_accepted_and_dropped_unsent_is_no_end_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = options(Slow::Wait).sender(&path).await.unwrap();
    let mut receiver = broadcast::receiver(&path).await.unwrap();
    let sent = fill(&mut sender, 0).await;
    drop(sender);
    let mut received = 0;
    let end = loop {
        match within(receiver.next()).await {
            Some(Ok(message)) => assert_eq!(id_of(&message), received),
            end => break end,
        }
        received += 1;
    };
    // `fill` was told that all of these were accepted.
    assert!(received < sent, "{received} of {sent}");
    let error = end.expect("one is missing").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(within(receiver.next()).await.is_none());
}
