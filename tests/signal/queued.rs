//! Beside tokio::signal, in order, and all of them.

use framewire::signal::{self, Queued};
use futures::StreamExt;
use tokio::signal::unix::{Signal, SignalKind};

use super::{
    common::{
        Flavour, Process,
        role::{self, WORD},
        within,
    },
    odd::any_waits,
    sends::{sender, sent},
};

const COUNT: i32 = 5000;

fn notice() -> Signal {
    tokio::signal::unix::signal(SignalKind::from_raw(libc::SIGRTMIN() + 3)).unwrap()
}

/// All that this process sends, one after the other.
async fn all(queued: &mut Queued, process: &mut Process, count: i32) {
    assert_eq!(process.answer(), "ready");
    process.order("go");
    for value in 0..count {
        let signal = within(queued.next()).await.unwrap().unwrap();
        assert_eq!((signal.int(), signal.pid()), (Some(value), Some(process.id())));
        assert_eq!(signal.uid(), Some(rustix::process::getuid().as_raw()));
        assert_eq!((signal.name(), signal.number()), ("RTMIN+3".into(), libc::SIGRTMIN() + 3));
    }
    assert_eq!(sent(process).0, count);
    assert!(process.wait().success());
}

/// Whether tokio's own handler is there before ours says the word.
fn queues(flavour: Flavour) {
    let tokio_is_first = role::word() == "tokio first";
    flavour.run(async move {
        let early = tokio_is_first.then(notice);
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        let mut notice = early.unwrap_or_else(notice);
        let mut process = sender("RTMIN+3", &format!("count {COUNT}"));
        all(&mut queued, &mut process, COUNT).await;
        assert_eq!(within(notice.recv()).await, Some(()));

        // Whoever comes when the last has gone finds nothing of what came in between.
        drop(queued);
        let mut process = sender("RTMIN+3", "count 100");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        assert_eq!(sent(&mut process).0, 100);
        assert_eq!(within(notice.recv()).await, Some(()), "the handler is called on");
        while any_waits() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        let mut process = sender("RTMIN+3", "count 100");
        all(&mut queued, &mut process, 100).await;
    });
}

pub(crate) fn on_one_thread() {
    queues(Flavour::CurrentThread);
}

pub(crate) fn on_two_workers() {
    queues(Flavour::TwoWorkers);
}

fn passes(role: &str, word: &str) {
    let output = role::command(role).env(WORD, word).output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}, {word}: {complained}");
}

#[test]
fn all_come_in_order_beside_tokio_on_one_thread() {
    passes("queues on one thread", "tokio first");
    passes("queues on one thread", "tokio later");
}

#[test]
fn all_come_in_order_beside_tokio_on_two_workers() {
    passes("queues on two workers", "tokio first");
    passes("queues on two workers", "tokio later");
}

/// Two of one signal, and one of another.
pub(crate) fn shares() {
    role::block_on(async {
        let mut one = signal::queued("RTMIN+3").await.unwrap();
        let mut other = signal::queued("RTMIN+3").await.unwrap();
        let mut another = signal::queued("RTMIN+5").await.unwrap();
        let mut process = sender("RTMIN+3", "count 3000");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        // More than fits: each waits for the other.
        let count = async |queued: &mut Queued| {
            for value in 0..3000 {
                let signal = within(queued.next()).await.unwrap().unwrap();
                assert_eq!(signal.int(), Some(value));
            }
        };
        tokio::join!(count(&mut one), count(&mut other));
        assert!(process.wait().success());
        drop(one);

        for (signal, queued) in [("RTMIN+3", &mut other), ("RTMIN+5", &mut another)] {
            let mut process = sender(signal, "count 10");
            assert_eq!(process.answer(), "ready");
            process.order("go");
            let mut signals = Vec::new();
            while signals.len() < 10 {
                within(queued.recv_many(&mut signals)).await.unwrap();
            }
            assert!(signals.iter().map(|signal| signal.int()).eq((0..10).map(Some)));
            assert!(process.wait().success());
        }
    });
}

#[test]
fn each_who_queues_gets_all() {
    role::must_pass("shares");
}
