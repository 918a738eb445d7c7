//! Peers that do not keep to the framing, over byte streams.

use bytes::{BufMut, Bytes, BytesMut};
use framewire::{ErrorKind, Result};
use futures::StreamExt;
use tokio::io::AsyncWriteExt;

use super::super::{Subject, body, random, same};

const MAX_LEN: usize = 100_000;

/// A frame, made by hand.
pub(super) fn frame(body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_u32(body.len() as u32);
    frame.put_slice(body);
    frame
}

/// The peer ends in the middle of a frame, after some whole ones.
pub(super) async fn truncated(subject: &dyn Subject) {
    let whole = frame(&body(1, 1000));
    for kept in [1, 3, 4, 5, 500, 1003] {
        let (mut bare, mut end) = subject.bare(MAX_LEN).await.unwrap();
        bare.write_all(&whole).await.unwrap();
        bare.write_all(&whole[..kept]).await.unwrap();
        bare.shutdown().await.unwrap();
        drop(bare);
        same(&end.next().await.expect("a whole frame").unwrap(), &body(1, 1000));
        let error = end.next().await.expect("an error").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        assert!(error.to_string().contains(&format!("{kept} of ")), "it says how much: {error}");
        assert!(end.next().await.is_none(), "one error, then the end");
        assert!(end.next().await.is_none());
    }
}

/// What is announced and will not be taken is refused before it comes.
pub(super) async fn announced_too_large(subject: &dyn Subject) {
    for announced in [u32::MAX, MAX_LEN as u32 + 1] {
        let (mut bare, mut end) = subject.bare(MAX_LEN).await.unwrap();
        bare.write_all(&frame(b"hello")).await.unwrap();
        bare.write_all(&announced.to_be_bytes()).await.unwrap();
        bare.flush().await.unwrap();
        assert_eq!(end.next().await.expect("a whole frame").unwrap(), "hello");
        let error = end.next().await.expect("an error").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        assert!(end.next().await.is_none(), "one error, then the end");
        assert!(end.next().await.is_none());
    }
}

/// Bytes of something else: messages perhaps, one error at most, and the end.
pub(super) async fn garbage(subject: &dyn Subject) {
    let http = Bytes::from_static(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // Small first bytes, so that some of it looks like frames.
    let zeros = Bytes::from(random(99, 4096).iter().map(|byte| byte & 1).collect::<Vec<_>>());
    let random = (0..20).map(|seed| random(seed, 4096));
    for garbage in random.chain([http, zeros, Bytes::from(vec![0; 4096])]) {
        let (mut bare, end) = subject.bare(MAX_LEN).await.unwrap();
        bare.write_all(&garbage).await.unwrap();
        bare.shutdown().await.unwrap();
        drop(bare);
        let items: Vec<Result<Bytes>> = end.collect().await;
        let carried: usize = items.iter().flatten().map(|message| 4 + message.len()).sum();
        match items.split_last() {
            Some((Err(error), before)) => {
                assert!(matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::Truncated));
                assert!(before.iter().all(Result::is_ok), "one error, and it is the last");
            }
            _ => assert_eq!(carried, garbage.len()),
        }
    }
}

/// A peer that writes each byte by itself, and lets each be read by itself.
pub(super) async fn byte_by_byte(subject: &dyn Subject) {
    let (mut bare, mut end) = subject.bare(MAX_LEN).await.unwrap();
    let sizes = [0, 1, 2, 3, 200, 0];
    let writing = async {
        for (n, len) in sizes.into_iter().enumerate() {
            for byte in frame(&body(n as u64, len)) {
                bare.write_all(&[byte]).await.unwrap();
                bare.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        }
        drop(bare);
    };
    let reading = async {
        for (n, len) in sizes.into_iter().enumerate() {
            same(&end.next().await.expect("it was written").unwrap(), &body(n as u64, len));
        }
        assert!(end.next().await.is_none());
    };
    tokio::join!(writing, reading);
}
