//! POSIX message queues.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "mq/c.rs"]
mod c;
mod common;
#[path = "mq/deadlines.rs"]
mod deadlines;
#[path = "mq/idle.rs"]
mod idle;
#[path = "mq/killed.rs"]
mod killed;
#[path = "mq/limits.rs"]
mod limits;
#[path = "mq/many.rs"]
mod many;
#[path = "mq/names.rs"]
mod names;
#[path = "mq/owners.rs"]
mod owners;
#[path = "mq/priorities.rs"]
mod priorities;
#[path = "mq/python.rs"]
mod python;
#[path = "mq/subject.rs"]
mod subject;
#[path = "mq/threads.rs"]
mod threads;

use common::{Flavour, body, conformance, role, same, within};
use framewire::{
    Endpoint, ErrorKind,
    mq::{self, WaitBy},
};
use futures::{SinkExt, StreamExt};
use subject::{BOTH, Name, Queues, small};

#[test]
fn descriptors_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Queues::new(WaitBy::Descriptor));
}

#[test]
fn descriptors_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Queues::new(WaitBy::Descriptor));
}

#[test]
fn threads_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Queues::new(WaitBy::Blocking));
}

#[test]
fn threads_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Queues::new(WaitBy::Blocking));
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
        ("waits", idle::waits),
        ("receives", killed::receives),
        ("sends", killed::sends),
        ("shares", many::shares),
        ("umask", owners::umasks),
        ("stranger", owners::strangers),
        ("bytes", limits::runs_out_of_bytes),
        ("queues", limits::runs_out_of_queues),
        ("counts threads", threads::counts),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(|| Queues::new(WaitBy::Descriptor));
    conformance::leaves_nothing(|| Queues::new(WaitBy::Blocking));
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<mq::Receiver>();
    conformance::is_channel::<mq::Sender>();
    conformance::is_channel::<mq::DetailedReceiver>();
    conformance::is_channel::<mq::DetailedSender>();
    let name = Name::new();
    role::block_on(async {
        let options = small();
        conformance::is_task(options.receiver(&*name));
        conformance::is_task(options.sender(&*name));
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.sender(&*name).await.unwrap();
        conformance::is_task(sender.send("hello".into()));
        conformance::is_task(sender.send_within("hello", common::HANG));
        conformance::is_task(receiver.next());
        conformance::is_task(receiver.recv_many(&mut Vec::new()));
        conformance::is_task(receiver.with_next(|body| body.len()));
    });
}

#[tokio::test]
async fn addresses_have_both_verbs() {
    let name = Name::new();
    // What they have by default takes a tenth of all that a user may have in queues.
    let _small = small().sender(&*name).await.unwrap();
    let endpoint: Endpoint = format!("mq://{}", &*name).parse().unwrap();
    let (mut sender, mut receiver) =
        (endpoint.sender().await.unwrap(), endpoint.receiver().await.unwrap());
    sender.send("hello".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
}

/// The limit is the queue's, and known to who opens it without saying anything.
#[tokio::test]
async fn what_is_too_large_is_refused() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().wait_by(wait_by);
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = mq::Options::new().wait_by(wait_by).sender(&*name).await.unwrap();
        let error = sender.send(body(0, 65)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        let error = sender.send_within(body(0, 65), common::HANG).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        for len in [64, 0, 63] {
            sender.send(body(1, len)).await.unwrap();
        }
        let mut messages = Vec::new();
        assert_eq!(within(receiver.recv_many(&mut messages)).await.unwrap(), 3);
        for (message, len) in messages.iter().zip([64, 0, 63]) {
            same(message, &body(1, len));
        }
        sender.send(body(2, 10)).await.unwrap();
        let lent = receiver.with_next(|lent| same(lent, &body(2, 10)));
        within(lent).await.unwrap().unwrap();
    }
}
