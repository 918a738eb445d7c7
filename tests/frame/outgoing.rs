//! Messages in, bytes out.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use framewire::{ErrorKind, frame::Frames};
use futures::{SinkExt, StreamExt, sink::Sink};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio_test::{assert_pending, assert_ready, io::Builder, task::spawn};

use super::frame;

/// Takes so many bytes a call, and none at every other call.
struct Narrow {
    taken: Vec<u8>,
    width: usize,
    open: bool,
    shut: bool,
}

impl Narrow {
    fn new(width: usize) -> Self {
        Self { taken: Vec::new(), width, open: true, shut: false }
    }
}

impl AsyncWrite for Narrow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        assert!(!self.shut, "written to after its end");
        assert!(!buf.is_empty(), "there is nothing to write");
        self.open = !self.open;
        if self.open {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let len = buf.len().min(self.width);
        self.taken.extend_from_slice(&buf[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut = true;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_is_fed_goes_out_with_the_flush_in_one_piece() {
    let mock = Builder::new().write(b"\0\0\0\x01a\0\0\0\0\0\0\0\x02bc").build();
    let mut frames = Frames::new(mock);
    for message in ["a", "", "bc"] {
        frames.feed(message.into()).await.unwrap();
    }
    frames.flush().await.unwrap();
    // Nothing is left to go out.
    frames.flush().await.unwrap();
}

#[tokio::test]
async fn a_write_that_takes_a_byte_at_a_time_changes_nothing() {
    let bodies: Vec<_> =
        [0, 1, 5, 9000, 0, 20_000, 3].map(|len| Bytes::from(vec![len as u8; len])).into();
    let expected: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
    for width in [1, 3, 4, 8191, 1 << 20] {
        let mut frames = Frames::new(Narrow::new(width));
        for body in &bodies {
            frames.feed(body.clone()).await.unwrap();
        }
        frames.close().await.unwrap();
        assert!(frames.get_ref().shut);
        assert!(frames.get_ref().taken == expected, "{width} bytes at a time");
    }
}

#[tokio::test]
async fn a_flush_that_has_to_wait_is_woken_and_goes_on_where_it_was() {
    let (ours, mut theirs) = tokio::io::duplex(3);
    let mut frames = Frames::new(ours);
    let mut sending = spawn(frames.send("hello".into()));
    for piece in [&b"\0\0\0"[..], b"\x05he", b"llo"] {
        // The last piece fits, and with it the flush is done.
        assert_eq!(sending.poll().is_ready(), piece == b"llo", "before {piece:?} was read");
        assert!(!sending.is_woken());
        let mut read = [0; 3];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(read, piece);
        assert_eq!(sending.is_woken(), piece != b"llo", "after {piece:?} was read");
    }
}

/// However often and wherever it is given up, what was begun is ended.
#[tokio::test]
async fn sends_that_are_given_up_leave_whole_frames() {
    for polls in 0..12 {
        let mut frames = Frames::new(Narrow::new(3));
        let mut queued = Vec::new();
        for n in 0..10_u8 {
            let body = Bytes::from(vec![n; 3 * n as usize]);
            let mut sending = spawn(frames.send(body.clone()));
            for _ in 0..=polls {
                if sending.poll().is_ready() {
                    break;
                }
            }
            // There is room for it at once, so that only the flush can have been given up.
            queued.extend_from_slice(&frame(&body));
        }
        frames.close().await.unwrap();
        assert!(frames.get_ref().taken == queued, "given up after {polls} polls");
    }
}

#[tokio::test]
async fn a_full_queue_is_written_before_it_takes_more() {
    let body = Bytes::from(vec![7; 100_000]);
    let mut frames = spawn(Frames::new(Narrow::new(1 << 20)));
    let mut fed = 0;
    frames.enter(|cx, mut frames| {
        // Narrow takes the first attempt and holds the second back.
        while frames.as_mut().poll_ready(cx).is_ready() {
            frames.as_mut().start_send(body.clone()).unwrap();
            fed += 1;
            assert!(fed < 100, "the queue has no end");
        }
    });
    assert!(fed >= 2, "a batch is more than a message");
    let mut frames = frames.into_inner();
    poll_fn(|cx| frames.poll_ready_unpin(cx)).await.unwrap();
}

#[tokio::test]
async fn what_is_too_large_to_send_leaves_nothing_behind() {
    let mock = Builder::new().write(b"\0\0\0\x03one\0\0\0\x03two").build();
    let mut frames = Frames::new(mock).max_len(3);
    frames.feed("one".into()).await.unwrap();
    let error = frames.feed("four".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        "send: message of 4 bytes, limit 3 (raise `max_len` at both ends, or send it in parts)"
    );
    frames.feed("two".into()).await.unwrap();
    frames.flush().await.unwrap();
}

#[tokio::test]
async fn an_error_of_writing_is_told_with_its_kind() {
    let broken = io::Error::from(io::ErrorKind::BrokenPipe);
    let mut frames = Frames::new(Builder::new().write_error(broken).build());
    let error = frames.send("hello".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    // A byte stream that takes nothing would be asked for ever.
    let mut frames = Frames::new(Narrow::new(0));
    let error = frames.send("hello".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

#[tokio::test]
async fn finish_sends_ends_and_drops_what_still_comes() {
    let mock = Builder::new().write(b"\0\0\0\x03bye").read(b"\0\0\0\x02no\0\0").build();
    let mut frames = Frames::new(mock);
    frames.feed("bye".into()).await.unwrap();
    frames.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn finish_waits_a_second_for_a_peer_that_does_not_end() {
    let (ours, theirs) = tokio::io::duplex(1000);
    let begun = tokio::time::Instant::now();
    let mut finishing = spawn(Frames::new(ours).finish());
    assert_pending!(finishing.poll());
    finishing.await.unwrap();
    assert!((1000..1100).contains(&begun.elapsed().as_millis()));
    let mut theirs = Frames::new(theirs);
    assert!(assert_ready!(spawn(theirs.next()).poll()).is_none());
}
