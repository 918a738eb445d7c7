//! Bytes in, messages out.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use framewire::{
    Error, ErrorKind,
    frame::{Frames, MAX_LEN},
};
use futures::StreamExt;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_test::{assert_pending, assert_ready, assert_ready_eq, io::Builder, task::spawn};

use super::frame;

#[tokio::test]
async fn a_message_is_ready_with_its_last_byte_and_not_before() {
    let (mock, mut peer) = Builder::new().build_with_handle();
    let mut frames = spawn(Frames::new(mock));
    assert_pending!(frames.poll_next());
    for piece in [&b"\0\0"[..], b"\0\x05", b"hell"] {
        peer.read(piece);
        assert!(frames.is_woken(), "by {piece:?}");
        assert_pending!(frames.poll_next());
        assert!(!frames.is_woken(), "there is nothing more to do");
    }
    peer.read(b"o\0\0\0\0\0\0\0\x01!\0\0");
    assert_eq!(assert_ready!(frames.poll_next()).unwrap().unwrap(), "hello");
    // What arrived in the same piece is there without another read.
    assert_eq!(assert_ready!(frames.poll_next()).unwrap().unwrap(), "");
    assert_eq!(assert_ready!(frames.poll_next()).unwrap().unwrap(), "!");
    assert_pending!(frames.poll_next());
    drop(peer);
    let error = assert_ready!(frames.poll_next()).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert!(assert_ready!(frames.poll_next()).is_none());
    assert!(assert_ready!(frames.poll_next()).is_none());
}

#[tokio::test]
async fn an_error_of_the_byte_stream_comes_once_and_after_what_had_arrived() {
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    let mock = Builder::new().read(b"\0\0\0\x01a\0\0\0\x01b\0\0").read_error(reset).build();
    let mut frames =
        Frames::new(mock).on("tcp://10.0.0.1:7".parse::<framewire::Endpoint>().unwrap());
    assert_eq!(frames.next().await.unwrap().unwrap(), "a");
    assert_eq!(frames.next().await.unwrap().unwrap(), "b");
    let error = frames.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().starts_with("receive tcp://10.0.0.1:7: "), "{error}");
    assert!(frames.next().await.is_none());
}

#[tokio::test]
async fn one_of_our_errors_comes_through_a_byte_stream_as_it_was() {
    let ours = Error::new(ErrorKind::Lagged, "too slow").remedy("read faster");
    let mock = Builder::new().read_error(ours.into()).build();
    let error = Frames::new(mock).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lagged);
    assert_eq!(error.to_string(), "receive: too slow (read faster)");
}

#[tokio::test]
async fn the_limit_is_the_largest_that_is_taken() {
    for (limit, len, taken) in [(0, 0, true), (0, 1, false), (5, 5, true), (5, 6, false)] {
        let wire = frame(&vec![7; len]);
        let mut frames = Frames::new(&wire[..]).max_len(limit);
        let first = frames.next().await.unwrap();
        assert_eq!(first.is_ok(), taken, "{len} bytes, limit {limit}");
        if let Err(error) = first {
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            assert!(error.to_string().contains("raise `max_len`"), "what to do: {error}");
        }
        assert!(frames.next().await.is_none());
    }
    let prefix = (MAX_LEN as u32 + 1).to_be_bytes();
    let error = Frames::new(&prefix[..]).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "the default is 8 MiB");
}

#[tokio::test]
async fn many_are_taken_at_once_and_errors_wait_for_their_turn() {
    let mut wire = Vec::new();
    for n in 0..100_u8 {
        wire.extend_from_slice(&frame(&[n]));
    }
    wire.extend_from_slice(&u32::MAX.to_be_bytes());
    let mut frames = Frames::new(&wire[..]);
    let mut messages = Vec::new();
    assert_eq!(frames.recv_many(&mut messages).await.unwrap(), 64, "a bounded run");
    assert_eq!(frames.recv_many(&mut messages).await.unwrap(), 36);
    for (n, message) in messages.iter().enumerate() {
        assert_eq!(message[..], [n as u8]);
    }
    let error = frames.recv_many(&mut messages).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(frames.recv_many(&mut messages).await.unwrap(), 0);
    assert_eq!(messages.len(), 100);
}

#[tokio::test]
async fn a_message_can_be_lent() {
    let (mock, mut peer) = Builder::new().build_with_handle();
    let mut frames = Frames::new(mock);
    let mut lent = spawn(async {
        let mut seen = Vec::new();
        while let Some(()) = frames.with_next(|body| seen.push(body.to_vec())).await.unwrap() {}
        seen
    });
    assert_pending!(lent.poll());
    peer.read(b"\0\0\0\x02a");
    assert_pending!(lent.poll());
    peer.read(b"b\0\0\0\0");
    assert_pending!(lent.poll());
    drop(peer);
    assert_ready_eq!(lent.poll(), vec![b"ab".to_vec(), Vec::new()]);
}

#[tokio::test]
async fn what_was_not_handed_out_is_left_over() {
    let wire = b"\0\0\0\x01a\0\0\0\x05hel";
    let (mock, peer) = Builder::new().read(wire).build_with_handle();
    let mut frames = Frames::new(mock);
    assert_eq!(frames.next().await.unwrap().unwrap(), "a");
    let (_, leftover) = frames.into_io();
    assert_eq!(leftover, &wire[5..]);
    drop(peer);
}

/// A peer that always has more.
struct Endless(Bytes);

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = buf.remaining() / self.0.len() * self.0.len();
        while buf.filled().len() < len {
            buf.put_slice(&self.0);
        }
        Poll::Ready(Ok(()))
    }
}

/// It takes part in Tokio's cooperation: others get their turn.
#[tokio::test]
async fn a_peer_that_never_stops_does_not_keep_the_thread() {
    let mut frames = Frames::new(Endless(Bytes::from_static(b"\0\0\0\x04spam")));
    let mut received = 0_u64;
    let greedy = async {
        while let Some(message) = frames.next().await {
            assert_eq!(message.unwrap(), "spam");
            received += 1;
        }
    };
    let others = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    };
    // In tasks of their own order: `select!` polls the greedy one first, each time.
    tokio::select! {
        biased;
        () = greedy => unreachable!("it has no end"),
        () = others => {}
    }
    assert!(received > 100, "a run is more than a message: {received}");
}
