//! Writers that leave, and what comes then.

use std::{
    fs::File,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use framewire::{
    ErrorKind,
    fifo::{self, End},
};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio_util::codec::{FramedRead, LinesCodec};

use super::{
    common::{body, same, within},
    names::{entries, make},
};

fn open(path: &Path) -> File {
    File::options().write(true).open(path).unwrap()
}

/// Between frames nothing is told, inside of one it is, once; and the stream goes on.
#[tokio::test]
async fn by_itself_a_receiver_goes_on_with_the_next_writer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    for n in 0..30 {
        let mut writer = open(&path);
        writer.write_all(b"\0\0\0\x05hello").unwrap();
        let cut = [0, 1, 4, 7][n % 4];
        writer.write_all(&b"\0\0\0\x09a part"[..cut]).unwrap();
        drop(writer);
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
        if cut > 0 {
            let error = within(receiver.next()).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
            assert!(error.to_string().contains(&format!("{cut} of ")), "{error}");
        }
        if n % 3 == 0 {
            // One that comes for nothing.
            drop(open(&path));
            assert!(receiver.next().now_or_never().is_none());
        }
        let mut sender = fifo::sender(&path).await.unwrap();
        sender.send(body(n as u64, 100)).await.unwrap();
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(n as u64, 100));
    }
}

/// The other two ways of receiving.
#[tokio::test]
async fn many_at_once_and_lent_ones_go_on_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let mut many = Vec::new();
    for _ in 0..3 {
        open(&path).write_all(b"\0\0\0\x01a\0\0\0\x01b\0\0").unwrap();
        assert_eq!(within(receiver.recv_many(&mut many)).await.unwrap(), 2);
        let error = within(receiver.recv_many(&mut many)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated);
        open(&path).write_all(b"\0\0\0\x01c\0").unwrap();
        assert_eq!(within(receiver.with_next(<[u8]>::to_vec)).await.unwrap().unwrap(), b"c");
        let error = within(receiver.with_next(<[u8]>::to_vec)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated);
    }
    // Behind bytes that are no frames nothing can be told apart.
    open(&path).write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let error = within(receiver.recv_many(&mut many)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(within(receiver.recv_many(&mut many)).await.unwrap(), 0);
    assert_eq!(within(receiver.with_next(<[u8]>::len)).await.unwrap(), None);
    assert!(within(receiver.next()).await.is_none());
}

#[tokio::test]
async fn a_receiver_can_end_with_the_last_writer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let options = fifo::Options::new().end(End::WithLastWriter);
    for cut in [0, 3] {
        let mut receiver = options.receiver(&path).await.unwrap();
        assert!(receiver.next().now_or_never().is_none(), "it waits for the first");
        let (mut one, mut other) = (open(&path), open(&path));
        one.write_all(b"\0\0\0\x03one").unwrap();
        drop(one);
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "one");
        assert!(receiver.next().now_or_never().is_none(), "the other is still there");
        other.write_all(b"\0\0\0\x05other").unwrap();
        other.write_all(&b"\0\0\0\x09a part"[..cut]).unwrap();
        drop(other);
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "other");
        if cut > 0 {
            let error = within(receiver.next()).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        }
        assert!(within(receiver.next()).await.is_none());
        assert!(within(receiver.next()).await.is_none());
        // Who comes now waits for the next receiver.
        assert_eq!(entries(directory.path()), [""; 0]);
    }
    // One that wrote nothing was a writer too.
    let mut receiver = options.receiver(&path).await.unwrap();
    drop(open(&path));
    assert!(within(receiver.next()).await.is_none());
}

/// What a shell does with a FIFO.
#[tokio::test]
async fn a_shell_can_write_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    // It is there before us, and waits.
    let echo = |word: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo \"$1\" > \"$0\""]).arg(&path).arg(word).stdin(Stdio::null());
        shell.spawn().unwrap()
    };
    let mut first = echo("hello");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (reader, leftover) = fifo::receiver(&path).await.unwrap().into_io();
    let mut lines = FramedRead::new(leftover.chain(reader), LinesCodec::new());
    assert_eq!(within(lines.next()).await.unwrap().unwrap(), "hello");
    assert!(first.wait().unwrap().success());
    for n in 0..10 {
        let mut shell = echo(&format!("line {n}"));
        assert_eq!(within(lines.next()).await.unwrap().unwrap(), format!("line {n}"));
        assert!(shell.wait().unwrap().success());
    }
}

#[tokio::test]
async fn bare_bytes_end_with_the_last_writer_if_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let options = fifo::Options::new().end(End::WithLastWriter);
    let (mut reader, leftover) = options.receiver(&path).await.unwrap().into_io();
    assert!(leftover.is_empty());
    open(&path).write_all(b"some text").unwrap();
    let mut text = String::new();
    within(reader.read_to_string(&mut text)).await.unwrap();
    assert_eq!(text, "some text");
    assert_eq!(entries(directory.path()), [""; 0]);
}
