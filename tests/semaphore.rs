//! Named semaphores.
//!
//! Of the suite of all transports only that applies which asks nothing of a message: permits have
//! no bodies to be told apart by, no end that is told, and nothing holds back who posts them before
//! there are 2,147,483,647.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "semaphore/cancel.rs"]
mod cancel;
mod common;
#[path = "semaphore/idle.rs"]
mod idle;
#[path = "semaphore/kept.rs"]
mod kept;
#[path = "semaphore/line.rs"]
mod line;
#[path = "semaphore/names.rs"]
mod names;
#[path = "semaphore/peers.rs"]
mod peers;
#[path = "semaphore/processes.rs"]
mod processes;
#[path = "semaphore/subject.rs"]
mod subject;
mod support;

use bytes::Bytes;
use common::{Flavour, conformance, role, within};
use framewire::{Endpoint, ErrorKind, semaphore};
use futures::{FutureExt, SinkExt, StreamExt};
use subject::{Gates, Name};

#[test]
fn they_conform_on_one_thread() {
    conformance::bodiless(Flavour::CurrentThread, Gates::default());
}

#[test]
fn they_conform_on_two_workers() {
    conformance::bodiless(Flavour::TwoWorkers, Gates::default());
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("cancels", cancel::cancels),
        ("hands back", processes::hands_back),
        ("obeys", processes::obeys),
        ("idles", idle::idles),
        ("umask", names::umasks),
        ("looks as another", names::looks_as_another),
    ]);
}

fn leaves_nothing() {
    let round = || {
        for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
            conformance::bodiless(flavour, Gates::default());
        }
    };
    // What a process keeps for good once it has used it is there after the first round.
    round();
    let before = common::Census::settled();
    round();
    before.assert_back();
}

/// Compiles, or does not.
#[test]
fn permits_can_be_sent_and_futures_spawned() {
    fn is_shared<T: Send + Sync + Unpin + 'static>() {}

    conformance::is_channel::<semaphore::Receiver>();
    conformance::is_channel::<semaphore::Sender>();
    is_shared::<semaphore::Semaphore>();
    is_shared::<semaphore::Permit>();
    role::block_on(async {
        let name = Name::new();
        let gate = semaphore::open(&name).unwrap();
        conformance::is_task(gate.acquire());
        let mut receiver = semaphore::receiver(&name).await.unwrap();
        conformance::is_task(receiver.next());
        let mut sender = semaphore::sender(&name).await.unwrap();
        conformance::is_task(sender.send(()));
    });
}

#[tokio::test]
async fn permits_go_back_when_they_are_dropped() {
    let name = Name::new();
    let gate = semaphore::Options::new().initial(2).open(&name).unwrap();
    let (first, second) = (gate.acquire().await.unwrap(), gate.try_acquire().unwrap().unwrap());
    assert!(gate.try_acquire().unwrap().is_none());
    assert_eq!(gate.value().unwrap(), 0);
    drop(first);
    assert_eq!(gate.value().unwrap(), 1);
    second.forget();
    assert_eq!(gate.value().unwrap(), 1);
    gate.release(3).unwrap();
    assert_eq!(gate.value().unwrap(), 4);

    // On another thread, and when all else is dropped.
    let same = semaphore::open(&name).unwrap();
    let permit = gate.acquire().await.unwrap();
    drop(gate);
    std::thread::spawn(move || drop(permit)).join().unwrap();
    assert_eq!(same.value().unwrap(), 4);
}

#[tokio::test]
async fn streams_take_and_sinks_post() {
    let name = Name::new();
    let mut receiver = semaphore::receiver(&name).await.unwrap();
    let mut sender = semaphore::sender(&name).await.unwrap();
    assert!(receiver.next().now_or_never().is_none());
    sender.feed(()).await.unwrap();
    sender.send(()).await.unwrap();
    sender.close().await.unwrap();
    let first = within(receiver.next()).await.unwrap().unwrap();
    let second = within(receiver.next()).await.unwrap().unwrap();
    assert_eq!(receiver.get_ref().value().unwrap(), 0);
    drop(first);
    assert_eq!(sender.get_ref().value().unwrap(), 1);
    drop(within(receiver.next()).await.unwrap().unwrap());
    second.forget();

    // One that stands in the line and is not polled keeps what comes for it, and gives it back.
    receiver.next().await.unwrap().unwrap().forget();
    assert!(receiver.next().now_or_never().is_none());
    sender.send(()).await.unwrap();
    drop(receiver);
    let mut next = semaphore::receiver(&name).await.unwrap();
    within(next.next()).await.unwrap().unwrap().forget();
}

#[tokio::test]
async fn addresses_have_both_verbs() {
    let name = Name::new();
    let endpoint: Endpoint = format!("semaphore://{}", name.as_ref()).parse().unwrap();
    let (mut receiver, mut sender) =
        (endpoint.receiver().await.unwrap(), endpoint.sender().await.unwrap());
    sender.send(Bytes::new()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "");
    // It was handed on, and does not come again.
    assert!(receiver.next().now_or_never().is_none());
    let refused = sender.send("hello".into()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert!(refused.to_string().contains("5 bytes, limit 0"), "{refused}");
    for error in [endpoint.listen().await.err(), endpoint.connect().await.err()] {
        let error = error.expect("a semaphore has no connections");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("only: receiver, sender"), "{error}");
    }
}

#[tokio::test]
async fn one_more_than_it_holds_is_an_error() {
    const MOST: u32 = i32::MAX as u32;
    let name = Name::new();
    let error = semaphore::Options::new().initial(MOST + 1).open(&name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    let full = semaphore::Options::new().initial(MOST - 1).open(&name).unwrap();
    assert_eq!(full.release(2).unwrap_err().kind(), ErrorKind::Exhausted);
    assert_eq!(full.release(u32::MAX).unwrap_err().kind(), ErrorKind::Exhausted);
    assert_eq!(full.value().unwrap(), MOST - 1, "nothing of it was done");
    full.post().unwrap();
    let mut sender = semaphore::sender(&name).await.unwrap();
    for error in [full.post().unwrap_err(), sender.send(()).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Exhausted);
        assert!(error.to_string().contains("2147483647"), "{error}");
    }
    assert_eq!(full.value().unwrap(), MOST);
    full.try_acquire().unwrap().unwrap().forget();
    sender.send(()).await.unwrap();
}
