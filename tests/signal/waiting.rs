//! Waiting, and what is left of it.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use framewire::signal::{self, Value};
use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Census, Flavour, Process,
        process::{answer, next_order},
        role,
        spent::switches,
        within,
    },
    sends::with_blocked,
};

const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

/// In every way there is.
pub(crate) fn waits() {
    role::block_on(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        let mut taken = signal::exclusive("RTMIN+4").await.unwrap();
        let mut notice = signal::receiver("USR1").await.unwrap();
        let pid = std::process::id();
        // Each has been in use.
        for name in ["RTMIN+3", "RTMIN+4", "USR1"] {
            let mut sender = signal::sender(format!("{name}@{pid}")).await.unwrap();
            sender.send(Value::Plain).await.unwrap();
        }
        within(queued.next()).await.unwrap().unwrap();
        within(taken.next()).await.unwrap().unwrap();
        within(notice.next()).await.unwrap().unwrap();
        tokio::spawn(async move { queued.next().await });
        tokio::spawn(async move { taken.next().await });
        tokio::spawn(async move { notice.next().await });
        tokio::time::sleep(QUIET).await;
        answer("waiting");
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            next_order();
            let _ = ended.send(());
        });
        let _ = end.await;
    });
}

#[test]
fn who_waits_uses_no_processor_time() {
    with_blocked("RTMIN+4", || {
        let mut waiting = Process::start(role::command("waits"));
        assert_eq!(waiting.answer(), "waiting");
        sleep(QUIET);
        let before = switches(waiting.id());
        assert!(before > 0);
        sleep(WATCHED);
        assert_eq!(switches(waiting.id()), before);
        assert!(waiting.wait().success());
    });
}

pub(crate) fn drops_its_runtime() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let runtime = flavour.runtime();
        runtime.block_on(async {
            let mut queued = signal::queued("RTMIN+3").await.unwrap();
            let mut taken = signal::exclusive("RTMIN+4").await.unwrap();
            tokio::spawn(async move { queued.next().await });
            tokio::spawn(async move { taken.next().await });
            tokio::time::sleep(Duration::from_millis(50)).await;
        });
        let begun = Instant::now();
        drop(runtime);
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn a_runtime_that_is_dropped_ends_at_once() {
    with_blocked("RTMIN+4", || role::must_pass("drops its runtime"));
}

pub(crate) fn leaves_nothing() {
    let round = |flavour: Flavour| {
        flavour.run(async {
            let mut queued = signal::queued("RTMIN+3").await.unwrap();
            let mut taken = signal::exclusive("RTMIN+4").await.unwrap();
            let notice = signal::receiver("RTMIN+3").await.unwrap();
            let pid = std::process::id();
            for value in 0..100 {
                for name in ["RTMIN+3", "RTMIN+4"] {
                    let mut sender = signal::sender(format!("{name}@{pid}")).await.unwrap();
                    sender.send(Value::Int(value)).await.unwrap();
                }
                let (one, other) = tokio::join!(queued.next(), taken.next());
                assert_eq!(one.unwrap().unwrap().int(), Some(value));
                assert_eq!(other.unwrap().unwrap().int(), Some(value));
            }
            drop(notice);
        });
    };
    let mut before = None;
    // The thread that takes signals, with what it has, is there after the first round.
    for _ in 0..3 {
        for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
            round(flavour);
        }
        match &before {
            None => before = Some(Census::settled()),
            Some(before) => before.assert_back(),
        }
    }
    // And nothing of it keeps what comes when nobody listens.
    role::block_on(async {
        let pid = std::process::id();
        let mut sender = signal::sender(format!("RTMIN+3@{pid}")).await.unwrap();
        for value in 0..5000 {
            sender.send(Value::Int(value)).await.unwrap();
        }
    });
    before.unwrap().assert_back();
}

#[test]
fn nothing_is_left_but_the_thread() {
    with_blocked("RTMIN+4", || role::must_pass("leaves nothing"));
}
