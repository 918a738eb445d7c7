//! FIFOs.
#![cfg(unix)]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "fifo/ends.rs"]
mod ends;
#[path = "fifo/exclusive.rs"]
mod exclusive;
#[path = "fifo/idle.rs"]
mod idle;
#[path = "fifo/killed.rs"]
mod killed;
#[path = "fifo/many.rs"]
mod many;
#[path = "fifo/names.rs"]
mod names;
#[path = "fifo/opening.rs"]
mod opening;
#[path = "fifo/subject.rs"]
mod subject;

use common::{Flavour, body, conformance, role, same, within};
use framewire::{Endpoint, ErrorKind, fifo};
use futures::{FutureExt, SinkExt, StreamExt};
use subject::Fifos;

#[test]
fn shared_ones_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Fifos::shared());
}

#[test]
fn shared_ones_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Fifos::shared());
}

#[test]
fn exclusive_ones_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Fifos::exclusive());
}

#[test]
fn exclusive_ones_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Fifos::exclusive());
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("receives", killed::receives),
        #[cfg(target_os = "linux")]
        ("succeeds late", killed::succeeds_late),
        ("races", names::races),
        ("umask", names::umasks),
        ("writes many", many::writes),
        ("sends a part", exclusive::sends_a_part),
        ("waits", idle::waits),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(Fifos::shared);
    conformance::leaves_nothing(Fifos::exclusive);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<fifo::Sender>();
    conformance::is_channel::<fifo::Receiver>();
    conformance::is_channel::<fifo::Reader>();
    conformance::is_channel::<fifo::Writer>();
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let options = fifo::Options::new();
        conformance::is_task(options.receiver(&path));
        conformance::is_task(options.sender(&path));
        let mut receiver = fifo::receiver(&path).await.unwrap();
        let mut sender = fifo::sender(&path).await.unwrap();
        conformance::is_task(sender.send("hello".into()));
        conformance::is_task(receiver.next());
        conformance::is_task(receiver.recv_many(&mut Vec::new()));
        conformance::is_task(receiver.with_next(|body| body.len()));
    });
}

#[tokio::test]
async fn addresses_have_both_verbs() {
    let directory = tempfile::tempdir().unwrap();
    let address = format!("fifo://{}", directory.path().join("f").display());
    let endpoint: Endpoint = address.parse().unwrap();
    let (receiver, sender) = tokio::join!(endpoint.receiver(), endpoint.sender());
    let (mut receiver, mut sender) = (receiver.unwrap(), sender.unwrap());
    sender.send("hello".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
    for error in [endpoint.listen().await.err(), endpoint.connect().await.err()] {
        let error = error.expect("a FIFO has no connections");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("only: receiver, sender"), "{error}");
    }
}

/// The limit is the kernel's, and the error says what can be done.
#[tokio::test]
async fn what_cannot_be_written_as_one_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let mut sender = fifo::sender(&path).await.unwrap();
    let most = sender.max_len();
    assert_eq!(most, rustix::pipe::PIPE_BUF - 4);
    let error = sender.feed(body(0, most + 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    for told in [format!("{} bytes", most + 1), format!("limit {most}"), "exclusive".into()] {
        assert!(error.to_string().contains(&told), "{error}");
    }
    sender.send(body(0, most)).await.unwrap();
    same(&within(receiver.next()).await.unwrap().unwrap(), &body(0, most));

    let mut small = fifo::Options::new().max_len(10).sender(&path).await.unwrap();
    let error = small.feed(body(0, 11)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("raise `max_len`"), "{error}");
}

/// What is queued is not yet written, and goes out in whole frames.
#[tokio::test]
async fn feeding_gathers_until_it_is_flushed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let mut sender = fifo::sender(&path).await.unwrap();
    for n in 0..1000 {
        sender.feed(body(n, 100)).await.unwrap();
    }
    assert!(receiver.next().now_or_never().is_none());
    sender.flush().await.unwrap();
    let mut messages = Vec::new();
    while messages.len() < 1000 {
        assert!(within(receiver.recv_many(&mut messages)).await.unwrap() > 0);
    }
    for (n, message) in messages.iter().enumerate() {
        same(message, &body(n as u64, 100));
    }
}
