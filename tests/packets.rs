//! Whole messages over sockets of the kernel's that keep boundaries.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.

use std::{io, os::fd::OwnedFd, task::Poll, time::Duration};

use bytes::Bytes;
use framewire::{
    ErrorKind,
    message::{Messages, TryRecv, TrySend},
    wait::{Fd, Strategy},
};
use futures::{SinkExt, StreamExt, poll};
use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, recv, send,
        shutdown, socketpair,
    },
};
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(60);

/// Packets of 1 to 4096 bytes: an empty one cannot be told from the end here.
#[derive(Debug)]
struct Packets(OwnedFd);

impl TryRecv for Packets {
    type Received = Bytes;

    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        let mut buffer = vec![0; 4096];
        let (len, _) = recv(&self.0, &mut buffer[..], RecvFlags::DONTWAIT)?;
        buffer.truncate(len);
        Ok((len > 0).then(|| buffer.into()))
    }
}

impl TrySend for Packets {
    type Outgoing = Bytes;

    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        send(&self.0, message, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
        Ok(())
    }

    fn try_close(&mut self) -> io::Result<()> {
        match shutdown(&self.0, Shutdown::Write) {
            Err(Errno::NOTCONN) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn max_len(&self) -> usize {
        4096
    }
}

fn pair(strategy: Strategy) -> [Messages<Packets, Fd>; 2] {
    let kind = SocketType::SEQPACKET;
    let (a, b) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    [a, b].map(|end| {
        fcntl_setfl(&end, OFlags::NONBLOCK).unwrap();
        let wait = Fd::new(end.try_clone().unwrap()).unwrap().strategy(strategy);
        Messages::new(Packets(end), wait)
    })
}

fn numbered(number: u32) -> Bytes {
    let mut body = number.to_be_bytes().to_vec();
    body.resize(4 + number as usize % 1000, number as u8);
    body.into()
}

/// 5,000 messages there and back, the sender far ahead of the receiver.
async fn echo(strategy: Strategy) {
    const COUNT: u32 = 5_000;
    let [ours, theirs] = pair(strategy);
    let echoing = tokio::spawn(async move {
        let (sink, stream) = theirs.split();
        stream.forward(sink).await
    });
    let (mut sink, mut stream) = ours.split();
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            sink.feed(numbered(number)).await?;
        }
        sink.close().await
    });
    for number in 0..COUNT {
        assert_eq!(stream.next().await.unwrap().unwrap(), numbered(number));
    }
    assert!(stream.next().await.is_none());
    sending.await.unwrap().unwrap();
    echoing.await.unwrap().unwrap();
}

#[tokio::test]
async fn echoes_on_one_thread() {
    timeout(BOUND, echo(Strategy::Adaptive)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn echoes_on_two_threads() {
    timeout(BOUND, echo(Strategy::Adaptive)).await.unwrap();
}

#[tokio::test]
async fn echoes_parked() {
    timeout(BOUND, echo(Strategy::Park)).await.unwrap();
}

#[tokio::test]
async fn a_full_socket_makes_send_wait_and_reading_frees_it() {
    let [mut ours, mut theirs] = pair(Strategy::default());
    let mut accepted = 0;
    let blocked = loop {
        match poll!(ours.feed(numbered(accepted))) {
            Poll::Ready(fed) => fed.unwrap(),
            Poll::Pending => break accepted,
        }
        accepted += 1;
        assert!(accepted < 1_000_000, "there is no end to the room");
    };
    for number in 0..blocked {
        let next = timeout(BOUND, theirs.next()).await.unwrap();
        assert_eq!(next.unwrap().unwrap(), numbered(number));
        timeout(BOUND, ours.flush()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_dropped_peer_ends_both_directions() {
    let [mut ours, theirs] = pair(Strategy::default());
    drop(theirs);
    assert!(timeout(BOUND, ours.next()).await.unwrap().is_none());
    let error = ours.send(numbered(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let (packets, wait) = ours.into_parts();
    drop((packets, wait.into_inner().unwrap()));
}
