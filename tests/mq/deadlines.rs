//! Deadlines, and what is given up.

use std::time::{Duration, Instant};

use framewire::{
    ErrorKind,
    mq::{Outgoing, WaitBy},
    wait::Strategy,
};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{Flavour, within},
    subject::{BOTH, Name, small},
};

const SOON: Duration = Duration::from_millis(30);
/// Longer than a thread blocks at a time.
const LATER: Duration = Duration::from_millis(300);

#[tokio::test]
async fn what_is_late_is_not_sent() {
    for wait_by in BOTH {
        for within_time in [Duration::ZERO, SOON, LATER] {
            let name = Name::new();
            let options = small().capacity(1).wait_by(wait_by);
            let mut sender = options.sender(&*name).await.unwrap();
            within(sender.send_within("one", within_time.max(SOON))).await.unwrap();
            let begun = Instant::now();
            let error = within(sender.send_within("two", within_time)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
            assert!(begun.elapsed() >= within_time, "too early");
            assert!(error.to_string().contains("not sent"), "{error}");
            // Behind what was accepted before, which stays accepted.
            sender.feed("three".into()).await.unwrap();
            let error = within(sender.send_within("four", SOON)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");

            let mut receiver = options.receiver(&*name).await.unwrap();
            let sending = async {
                sender.send_within("five", Duration::MAX).await.unwrap();
            };
            let receiving = async {
                for expected in ["one", "three", "five"] {
                    assert_eq!(receiver.next().await.unwrap().unwrap(), expected);
                }
            };
            within(async { tokio::join!(sending, receiving) }).await;
            assert!(receiver.next().now_or_never().is_none());
        }
    }
}

#[tokio::test]
async fn a_deadline_ends_a_spin() {
    for wait_by in BOTH {
        let name = Name::new();
        let spin = Strategy::Spin(Duration::from_secs(3600));
        let options = small().capacity(1).wait_by(wait_by).strategy(spin);
        let mut sender = options.sender(&*name).await.unwrap().detailed();
        sender.send_within(Outgoing::new("one"), SOON).await.unwrap();
        let late = within(sender.send_within(Outgoing::new("two").priority(1), SOON)).await;
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(sender.get_ref().get_ref().waiting().unwrap(), 1);
    }
}

/// What is given up early leaves nothing that would be taken for another message's.
#[tokio::test]
async fn sending_within_can_be_given_up() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().capacity(1).wait_by(wait_by);
        let mut sender = options.sender(&*name).await.unwrap();
        sender.send("one".into()).await.unwrap();
        let given_up = timeout(SOON, sender.send_within("two", Duration::from_millis(100))).await;
        assert!(given_up.is_err());
        let mut receiver = options.receiver(&*name).await.unwrap();
        tokio::time::sleep(LATER).await;
        let sending = tokio::spawn(async move {
            sender.send("three".into()).await.unwrap();
            sender.send("last".into()).await.unwrap();
        });
        let mut came = Vec::new();
        while came.last().is_none_or(|last| last != "last") {
            came.push(within(receiver.next()).await.unwrap().unwrap());
        }
        within(sending).await.unwrap();
        // A thread may have sent it in the last moment; nothing else may be missing or more.
        came.retain(|message| wait_by == WaitBy::Descriptor || message != "two");
        assert_eq!(came, ["one", "three", "last"]);
    }
}

/// Receiving is cancel-safe: so it needs no deadline of its own.
#[tokio::test]
async fn a_receiver_that_timed_out_loses_nothing() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().wait_by(wait_by);
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.sender(&*name).await.unwrap();
        for n in 0..10 {
            assert!(timeout(SOON, receiver.next()).await.is_err(), "it came from nowhere");
            for part in ["first", "second", "third"] {
                sender.send(format!("{part} {n}").into()).await.unwrap();
            }
            // Time for a thread to take one for nobody.
            tokio::time::sleep(SOON).await;
            for part in ["first", "second", "third"] {
                let message = within(receiver.next()).await.unwrap().unwrap();
                assert_eq!(message, format!("{part} {n}"));
            }
        }
    }
}

/// Whatever waits goes with its runtime, at once.
#[test]
fn a_runtime_does_not_wait_for_who_waits() {
    for wait_by in BOTH {
        for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
            let (empty, full) = (Name::new(), Name::new());
            let runtime = flavour.runtime();
            let (mut receiver, mut sender) = runtime.block_on(async {
                let options = small().wait_by(wait_by);
                let receiver = options.receiver(&*empty).await.unwrap();
                (receiver, options.sender(&*full).await.unwrap())
            });
            runtime.spawn(async move { receiver.next().await });
            runtime.spawn(async move { while sender.send("x".into()).await.is_ok() {} });
            runtime.block_on(async { tokio::time::sleep(LATER).await });
            let begun = Instant::now();
            drop(runtime);
            assert!(begun.elapsed() < Duration::from_secs(2), "{wait_by:?}");
        }
    }
}
