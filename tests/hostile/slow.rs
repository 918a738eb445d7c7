//! A reader that reads slowly, or not at all: who sends to it waits, and stores nothing up.

use std::{pin::pin, thread::sleep, time::Duration};

use bytes::Bytes;
use framewire::{pipe, unix};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    client::Raw,
    server::{Does, FLOW, Server, Setup, flow},
    wait_until,
};
use crate::support::{HANG, announce};

/// What a server may grow by: far less than what it would store up.
const FLAT: u64 = 4 << 20;

async fn waits_for_slow_readers(at: &str) {
    let server = Server::start(&Setup { does: Does::Flows, ..Setup::echo(at) });
    let mut slow = Raw::connect(&server);
    let mut stopped = Raw::connect(&server);
    let mut frame = vec![0; 4 + FLOW];
    stopped.read_exact(&mut frame);
    let mut before = 0;
    for number in 0..300 {
        slow.read_exact(&mut frame);
        assert_eq!(frame[..4], (FLOW as u32).to_be_bytes());
        assert!(frame[4..] == flow(number), "message {number} is another one");
        if number % 10 == 0 {
            sleep(Duration::from_millis(5));
        }
        if number == 100 {
            before = server.memory();
        }
    }
    let after = server.memory();
    announce(&format!("{at}: {before} bytes resident, {after} after 200 more messages"));
    assert!(after < before + FLAT, "its memory grows: {before} {after}");

    // Nobody reads now: it waits, for nothing, and does not spin.
    let load = server.load();
    assert!(load < 0.3, "it is busy with waiting: {load}");
    assert!(server.memory() < after + FLAT);
    // Who comes back finds everything in its place.
    for number in 1..50 {
        stopped.read_exact(&mut frame);
        assert!(frame[4..] == flow(number), "message {number} is another one");
    }
    drop((slow, stopped));
    wait_until("both are told to be gone", || server.events("serving ended").len() == 2);
    let served = server.end();
    assert!(served.contains("accepted: 2, refused: 0, failed: 2"), "{served}");
}

#[tokio::test]
async fn a_slow_reader_of_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    waits_for_slow_readers(&format!("unix://{}/e.sock", directory.path().display())).await;
}

#[tokio::test]
async fn a_slow_reader_over_tcp() {
    waits_for_slow_readers("tcp://127.0.0.1:0").await;
}

/// Sends until it cannot at once, and answers how many were sent; the last one is on its way.
async fn sends_until_pending<S>(sink: &mut S) -> u64
where
    S: SinkExt<Bytes, Error = framewire::Error> + Unpin,
{
    let mut sent = 0;
    // 100 MiB: no buffer of the kernel's is that large.
    while sent < 1600 {
        let mut sending = pin!(sink.send(flow(sent)));
        if timeout(Duration::from_millis(100), &mut sending).await.is_err() {
            assert!(sending.now_or_never().is_none());
            return sent;
        }
        sent += 1;
    }
    panic!("nobody reads, and everything is sent");
}

#[tokio::test]
async fn sending_to_nobody_waits_and_loses_nothing() {
    let (mut sender, mut receiver) = pipe::pair().unwrap();
    let sent = sends_until_pending(&mut sender).await;
    // The send that was given up is a message that was taken: it is sent with the next flush.
    let flushing = tokio::spawn(async move { sender.close().await.map(|()| sender) });
    for number in 0..=sent {
        let message = timeout(HANG, receiver.next()).await.expect("a message");
        assert!(message.unwrap().unwrap() == flow(number), "message {number}");
    }
    flushing.await.unwrap().unwrap();
    assert!(receiver.next().await.is_none());

    let (mut ours, mut theirs) = unix::pair().unwrap();
    let sent = sends_until_pending(&mut ours).await;
    // The other direction does not care.
    theirs.send("hello".into()).await.unwrap();
    assert_eq!(ours.next().await.unwrap().unwrap(), "hello");
    let flushing = tokio::spawn(async move { ours.flush().await.map(|()| ours) });
    for number in 0..=sent {
        let message = timeout(HANG, theirs.next()).await.expect("a message");
        assert!(message.unwrap().unwrap() == flow(number), "message {number}");
    }
    drop(flushing.await.unwrap().unwrap());
    assert!(theirs.next().await.is_none());
}
