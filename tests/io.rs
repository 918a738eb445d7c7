//! Messages as a byte stream.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use framewire::{Error, ErrorKind, Result, frame::Frames, io::ByteStream};
use futures::{Sink, Stream, StreamExt, channel::mpsc, stream};
use proptest::{collection::vec, prelude::*};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream,
        copy_bidirectional, duplex, split,
    },
    time::timeout,
};
use tokio_test::{assert_pending, assert_ready_ok, task};

const BOUND: Duration = Duration::from_secs(60);

fn pair(room: usize) -> (ByteStream<Frames<DuplexStream>>, ByteStream<Frames<DuplexStream>>) {
    let (ours, theirs) = duplex(room);
    (ByteStream::new(Frames::new(ours)), ByteStream::new(Frames::new(theirs)))
}

/// The bytes of these messages.
fn of(messages: Vec<Result<Bytes>>) -> ByteStream<impl Stream<Item = Result<Bytes>> + Unpin> {
    ByteStream::new(stream::iter(messages))
}

/// A sink whose messages come out of a stream, with room for as many.
fn channel(
    room: usize,
) -> (impl Sink<Bytes, Error = Error> + Unpin, impl Stream<Item = Bytes> + Unpin) {
    use futures::SinkExt;
    let (sink, stream) = mpsc::channel(room);
    (sink.sink_map_err(|gone| Error::new(ErrorKind::Closed, gone)), stream)
}

#[tokio::test]
async fn reads_across_boundaries_and_skips_empty_messages() {
    let messages = ["", "ab", "", "", "c", "def", ""].map(|body| Ok(Bytes::from(body)));
    let mut bytes = of(messages.into());
    let mut buffer = [0; 5];
    bytes.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"abcde");
    assert_eq!(bytes.read(&mut []).await.unwrap(), 0);
    assert_eq!(bytes.fill_buf().await.unwrap(), b"f");
    bytes.consume(1);
    for _ in 0..2 {
        assert_eq!(bytes.read(&mut buffer).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn nothing_is_read_behind_an_error() {
    let gap = Error::new(ErrorKind::Lagged, "3 messages were dropped");
    let mut bytes = of(vec![Ok("a".into()), Err(gap), Ok("behind the gap".into())]);
    let mut text = String::new();
    let error = Error::from(bytes.read_to_string(&mut text).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Lagged);
    assert_eq!(bytes.read_to_string(&mut text).await.unwrap(), 0);
}

#[tokio::test]
async fn gathers_until_flushed_or_full() {
    let (sink, mut messages) = channel(9);
    let mut bytes = ByteStream::new(sink).max_message(4);
    bytes.write_all(b"ab").await.unwrap();
    bytes.write_all(b"c").await.unwrap();
    assert!(futures::poll!(messages.next()).is_pending(), "sent without a flush");
    bytes.flush().await.unwrap();
    assert_eq!(messages.next().await.unwrap(), "abc");
    bytes.flush().await.unwrap();
    assert!(futures::poll!(messages.next()).is_pending(), "a flush of nothing is a message");

    let pieces = [b"de" as &[u8], b"", b"fgh"].map(IoSlice::new);
    assert!(bytes.is_write_vectored());
    assert_eq!(bytes.write_vectored(&pieces).await.unwrap(), 4);
    bytes.write_all(b"0123456789").await.unwrap();
    bytes.shutdown().await.unwrap();
    let rest: Vec<_> = messages.collect().await;
    assert_eq!(rest, ["defg", "0123", "4567", "89"]);
}

#[tokio::test]
async fn shutting_down_closes_our_direction_only() {
    let (mut ours, mut theirs) = pair(64);
    ours.write_all(b"last words").await.unwrap();
    for _ in 0..2 {
        ours.shutdown().await.unwrap();
    }
    let late = ours.write_all(b"!").await.unwrap_err();
    assert_eq!(late.kind(), io::ErrorKind::BrokenPipe);
    ours.flush().await.unwrap();

    let mut heard = String::new();
    theirs.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "last words");
    theirs.write_all(b"answer").await.unwrap();
    theirs.shutdown().await.unwrap();
    let mut heard = String::new();
    ours.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "answer");
}

#[test]
fn a_full_sink_holds_the_writer_back() {
    let (sink, mut messages) = channel(0);
    let mut bytes = task::spawn(ByteStream::new(sink).max_message(2));
    let mut accepted = 0;
    while let Poll::Ready(written) = bytes.enter(|cx, io| io.poll_write(cx, b"xyz")) {
        accepted += written.unwrap();
        assert!(accepted < 100, "there is no end to the room");
    }
    assert_pending!(bytes.enter(|cx, io| io.poll_flush(cx)));
    assert_pending!(bytes.enter(|cx, io| io.poll_shutdown(cx)));
    assert!(!bytes.is_woken());
    let mut drained = 0;
    while let Poll::Ready(message) = task::spawn(&mut messages).poll_next() {
        drained += message.unwrap().len();
        assert!(bytes.is_woken());
        let _ = bytes.enter(|cx, io| io.poll_flush(cx));
    }
    assert_eq!(drained, accepted);
    assert_ready_ok!(bytes.enter(|cx, io| io.poll_flush(cx)));
}

#[tokio::test]
async fn too_large_for_the_sink_says_what_to_change() {
    let mut bytes = ByteStream::new(Frames::new(Vec::new()).max_len(8)).max_message(9);
    bytes.write_all(b"too large").await.unwrap();
    let error = Error::from(bytes.flush().await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("max_message"), "{error}");
}

#[tokio::test]
async fn carries_a_copy_in_both_directions() {
    let (mut near, near_end) = pair(1000);
    let (far_end, far) = pair(1000);
    tokio::spawn(async move {
        let (mut a, mut b) = (near_end, far_end);
        copy_bidirectional(&mut a, &mut b).await
    });
    let echoing = tokio::spawn(async move {
        let (mut reader, mut writer) = split(far);
        tokio::io::copy(&mut reader, &mut writer).await?;
        writer.shutdown().await
    });
    let sent: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    let (mut reader, mut writer) = {
        let (reader, writer) = split(&mut near);
        (reader, writer)
    };
    let mut heard = Vec::new();
    let both = async {
        let write = async {
            writer.write_all(&sent).await?;
            writer.shutdown().await
        };
        tokio::try_join!(write, reader.read_to_end(&mut heard))
    };
    timeout(BOUND, both).await.unwrap().unwrap();
    echoing.await.unwrap().unwrap();
    assert!(heard == expected, "the echo differs");
}

#[test]
fn is_send_and_unpin() {
    fn check<T: AsyncRead + AsyncWrite + Send + Unpin>(_: &T) {}
    check(&pair(1).0);
    let boxed: framewire::BoxDuplex = Box::pin(Frames::new(duplex(1).0));
    check(&ByteStream::new(boxed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is written, in whatever pieces and with whatever flushes, is what is read.
    #[test]
    fn the_same_bytes_come_out(
        writes in vec((vec(any::<u8>(), 0..300), any::<bool>()), 0..40),
        max_message in 1usize..200,
        room in 1usize..300,
        reads in vec(1usize..64, 1..8),
    ) {
        let expected: Vec<u8> = writes.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let heard = runtime.block_on(async {
            let (ours, mut theirs) = pair(room);
            let mut ours = ours.max_message(max_message);
            let writing = async move {
                for (bytes, flush) in writes {
                    ours.write_all(&bytes).await?;
                    if flush {
                        ours.flush().await?;
                    }
                }
                ours.shutdown().await
            };
            let reading = async {
                let mut heard = Vec::new();
                for len in reads.iter().cycle() {
                    let mut buffer = vec![0; *len];
                    let read = theirs.read(&mut buffer).await?;
                    if read == 0 {
                        break;
                    }
                    heard.extend_from_slice(&buffer[..read]);
                }
                Ok(heard)
            };
            let (_, heard) = timeout(BOUND, async { tokio::try_join!(writing, reading) })
                .await
                .expect("it hangs")
                .expect("it failed");
            heard
        });
        prop_assert_eq!(heard, expected);
    }
}

#[tokio::test]
async fn flushing_can_be_dropped_at_every_poll() {
    let (ours, mut theirs) = pair(1);
    let mut ours = ours.max_message(8);
    let reading = tokio::spawn(async move {
        let mut heard = Vec::new();
        theirs.read_to_end(&mut heard).await.map(|_| heard)
    });
    let mut expected = Vec::new();
    for byte in 0..200 {
        while futures::poll!(Box::pin(ours.write(&[byte]))).is_pending() {
            tokio::task::yield_now().await;
        }
        expected.push(byte);
        let _ = futures::poll!(Box::pin(ours.flush()));
    }
    poll_fn(|cx| Pin::new(&mut ours).poll_shutdown(cx)).await.unwrap();
    assert_eq!(timeout(BOUND, reading).await.unwrap().unwrap().unwrap(), expected);
}
