//! Anonymous pipes, and the children at their other ends.
#![cfg(unix)]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "pipe/children.rs"]
mod children;
mod common;
#[path = "pipe/standard.rs"]
mod standard;
#[path = "pipe/subject.rs"]
mod subject;

use common::{Flavour, conformance, role, within};
use framewire::{ErrorKind, pipe};
use futures::{SinkExt, StreamExt};
use subject::Pipes;
use tokio::process::Command;

#[test]
fn pairs_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Pipes);
}

#[test]
fn pairs_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Pipes);
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
        ("leaves nothing", || conformance::leaves_nothing(|| Pipes)),
        ("echoes", children::echoes),
        ("leaves a grandchild", children::leaves_a_grandchild),
        ("takes standard input and output", standard::takes),
        ("has standard input and output", standard::has),
        ("has no pipes", standard::has_none),
    ]);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<pipe::Sender>();
    conformance::is_channel::<pipe::Receiver>();
    conformance::is_channel::<pipe::Connection>();
    role::block_on(async {
        let (mut sender, mut receiver) = pipe::pair().unwrap();
        conformance::is_task(sender.send("hello".into()));
        conformance::is_task(receiver.next());
        let mut child = pipe::Options::new().stdio(true).spawn(Command::new("cat")).unwrap();
        conformance::is_task(child.wait());
        conformance::is_task(child.kill());
        conformance::is_task(child.finish());
    });
}

/// Whoever writes to nobody gets an error. This program, like every Rust program, ignores SIGPIPE.
#[tokio::test]
async fn a_pipe_without_a_reader_is_an_error() {
    let (mut sender, receiver) = pipe::pair().unwrap();
    drop(receiver);
    for _ in 0..3 {
        let error = sender.send("hello".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::PIPE.raw_os_error()));
    }
}

/// A reader that goes while a writer waits for it wakes the writer.
#[tokio::test]
async fn a_writer_that_waits_learns_that_the_reader_is_gone() {
    let (mut sender, receiver) = pipe::pair().unwrap();
    let sending = tokio::spawn(async move {
        loop {
            if let Err(error) = sender.send(common::body(0, 60_000)).await {
                return error;
            }
        }
    });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!sending.is_finished());
    drop(receiver);
    assert_eq!(within(sending).await.unwrap().kind(), ErrorKind::Closed);
}

/// The limit of a user's pipe pages can be used up: then it goes slower, and goes.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_pipe_of_one_page_carries_everything() {
    let (sender, mut receiver) = pipe::pair().unwrap();
    let (writer, _) = sender.into_io();
    let io = writer.into_inner();
    rustix::pipe::fcntl_setpipe_size(io.fd().unwrap(), 4096).unwrap();
    let mut sender = framewire::frame::Frames::new(io);
    let sending = async {
        for n in 0..20 {
            sender.send(common::body(n, 50_000)).await.unwrap();
        }
        sender.close().await.unwrap();
    };
    let receiving = async {
        for n in 0..20 {
            common::same(&receiver.next().await.unwrap().unwrap(), &common::body(n, 50_000));
        }
        assert!(receiver.next().await.is_none());
    };
    within(async { tokio::join!(sending, receiving) }).await;
}
