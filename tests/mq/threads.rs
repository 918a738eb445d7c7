//! Threads: none for who waits by the descriptor, and what one that there is does with messages.

use std::{fs, time::Duration};

use bytes::Bytes;
use framewire::{
    message::TrySend,
    mq::{self, WaitBy},
};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::{
    common::{HANG, id_of, numbered, role, within},
    subject::{Name, small},
};

const A_WHILE: Duration = Duration::from_millis(50);
const ROUNDS: u64 = 300;

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// The part of a process that does nothing else, so that its threads can be counted.
pub(crate) fn counts() {
    role::block_on(async {
        let before = threads();
        for (wait_by, more) in [(WaitBy::Descriptor, 0), (WaitBy::Blocking, 2)] {
            let (empty, full) = (Name::new(), Name::new());
            let options = small().wait_by(wait_by);
            let mut receiver = options.receiver(&*empty).await.unwrap();
            let mut sender = options.sender(&*full).await.unwrap();
            while sender.get_ref().waiting().unwrap() < 4 {
                sender.send("x".into()).await.unwrap();
            }
            assert_eq!(threads(), before, "nobody has waited yet");
            assert!(timeout(A_WHILE, receiver.next()).await.is_err(), "it is empty");
            assert!(timeout(A_WHILE, sender.send("x".into())).await.is_err(), "it is full");
            assert_eq!(threads(), before + more, "{wait_by:?}");

            // Both go on when there is a reason to.
            options.sender(&*empty).await.unwrap().send("y".into()).await.unwrap();
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "y");
            options.receiver(&*full).await.unwrap().next().await.unwrap().unwrap();
            within(sender.flush()).await.unwrap();
            assert_eq!(sender.get_ref().waiting().unwrap(), 4);
            drop((receiver, sender));
            while threads() > before {
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
}

#[test]
fn the_default_needs_no_thread() {
    assert_eq!(WaitBy::default(), WaitBy::Descriptor);
    role::must_pass("counts threads");
}

/// What a thread took for a receiver that is gone is there for the next one, as it was.
#[tokio::test]
async fn a_thread_gives_back_what_nobody_took() {
    let name = Name::new();
    let options = small().wait_by(WaitBy::Blocking);
    let mut sender = options.sender(&*name).await.unwrap().detailed();
    for n in 0..5 {
        let mut receiver = options.receiver(&*name).await.unwrap();
        assert!(timeout(A_WHILE, receiver.next()).await.is_err());
        sender.send(mq::Outgoing::new("hello").priority(n)).await.unwrap();
        // Until the thread has it.
        while sender.get_ref().get_ref().waiting().unwrap() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
        drop(receiver);
        let mut next = mq::Options::new().receiver(&*name).await.unwrap().detailed();
        let message = within(next.next()).await.unwrap().unwrap();
        assert_eq!((&message.body[..], message.priority()), (&b"hello"[..], n));
        assert!(next.next().now_or_never().is_none());
    }
}

/// It waits a little for room.
#[tokio::test]
async fn a_thread_gives_back_to_a_queue_that_is_full() {
    let name = Name::new();
    let options = small().capacity(1).wait_by(WaitBy::Blocking);
    let mut sender = small().capacity(1).sender(&*name).await.unwrap();
    let mut receiver = options.receiver(&*name).await.unwrap();
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    sender.send("taken".into()).await.unwrap();
    sender.send("behind it".into()).await.unwrap();
    drop(receiver);
    sleep(A_WHILE).await;
    let mut next = mq::Options::new().receiver(&*name).await.unwrap();
    assert_eq!(within(next.next()).await.unwrap().unwrap(), "behind it");
    assert_eq!(within(next.next()).await.unwrap().unwrap(), "taken");
}

/// A queue can be one's to read alone.
#[tokio::test]
async fn who_may_only_read_waits_by_the_descriptor() {
    if rustix::process::geteuid().is_root() {
        eprintln!("!!! skipped: no mode keeps root out");
        return;
    }
    let name = Name::new();
    let _made = small().mode(0o400).receiver(&*name).await.unwrap();
    small().receiver(&*name).await.unwrap();
    let error = small().wait_by(WaitBy::Blocking).receiver(&*name).await.unwrap_err();
    assert_eq!(error.kind(), framewire::ErrorKind::Denied, "{error}");
}

/// Whoever wakes the task that sends, while the thread is in the middle of its message.
#[tokio::test]
async fn a_thread_s_message_is_not_sent_beside_it() {
    let options = small().wait_by(WaitBy::Blocking);
    for packed in [false, true] {
        let name = Name::new();
        let options = if packed { options.clone().packed() } else { options.clone() };
        let mut sender = options.sender(&*name).await.unwrap();
        let mut receiver = options.wait_by(WaitBy::Descriptor).receiver(&*name).await.unwrap();
        let sending = async {
            for n in 0..ROUNDS {
                if packed {
                    sender.send(numbered(n, 8)).await.unwrap();
                } else {
                    sender.send_within(numbered(n, 8), HANG).await.unwrap();
                }
            }
        };
        let receiving = async {
            let mut came: Vec<Bytes> = Vec::new();
            while came.last().is_none_or(|last| id_of(last) < ROUNDS - 1) {
                // Until the thread blocks.
                sleep(Duration::from_millis(1)).await;
                receiver.recv_many(&mut came).await.unwrap();
                // There is room, and the one that sends is polled: the thread may not have told yet.
                tokio::task::yield_now().await;
            }
            came
        };
        let ((), came) = within(async { tokio::join!(sending, receiving) }).await;
        let came: Vec<_> = came.iter().map(|message| id_of(message)).collect();
        assert!(came.into_iter().eq(0..ROUNDS), "packed: {packed}");
    }
}

/// What was given up and went nevertheless is not taken for the same bytes that are sent anew.
#[tokio::test]
async fn the_same_bytes_are_another_message() {
    let name = Name::new();
    let mut sender = small().capacity(1).wait_by(WaitBy::Blocking).sender(&*name).await.unwrap();
    let mut receiver = small().capacity(1).receiver(&*name).await.unwrap();
    let tick = Bytes::from_static(b"tick");
    for round in 0..10 {
        sender.send(tick.clone()).await.unwrap();
        let given_up = timeout(A_WHILE, sender.send_within(tick.clone(), HANG)).await;
        assert!(given_up.is_err());
        // The first, and the one that was given up unless its thread has heard of that.
        within(receiver.next()).await.unwrap().unwrap();
        while timeout(2 * A_WHILE, receiver.next()).await.is_ok() {}
        sender.send(tick.clone()).await.unwrap();
        let came = timeout(HANG, receiver.next()).await;
        assert_eq!(came.expect("it is lost").unwrap().unwrap(), tick, "round {round}");
    }
}

/// What was refused is not sent later.
#[tokio::test]
async fn a_thread_sends_nothing_that_was_refused() {
    let name = Name::new();
    let mut sender = small().capacity(1).wait_by(WaitBy::Blocking).sender(&*name).await.unwrap();
    let mut receiver = small().capacity(1).receiver(&*name).await.unwrap();
    sender.send("one".into()).await.unwrap();
    let refused = sender.get_mut().try_send(&"refused".into()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
    let sending = tokio::spawn(async move { sender.send("two".into()).await });
    for expected in ["one", "two"] {
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), expected);
    }
    within(sending).await.unwrap().unwrap();
}
