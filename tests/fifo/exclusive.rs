//! Senders that are alone, and what is left of one that was killed.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use framewire::{ErrorKind, Result, fifo};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::{io::AsyncWriteExt, time::sleep};

use super::common::{
    Process, body,
    process::{answer, next_order},
    role::{self, WORD},
    same, within,
};
use super::names::make;

const A_WHILE: Duration = Duration::from_millis(30);
/// More than a pipe holds.
const LARGE: usize = 1 << 20;

fn alone() -> fifo::Options {
    fifo::Options::new().exclusive(true)
}

/// The part of a sender that is killed in the middle of a frame.
pub(crate) fn sends_a_part() {
    role::block_on(async {
        let mut sender = alone().sender(role::word()).await.unwrap();
        sender.send("whole".into()).await.unwrap();
        sender.feed(body(1, LARGE)).await.unwrap();
        let part = tokio::time::timeout(Duration::from_millis(100), sender.flush()).await;
        assert!(part.is_err(), "it does not fit");
        answer("in the middle");
        next_order();
    });
}

fn killed_in_the_middle(path: &Path) {
    let mut command = role::command("sends a part");
    command.env(WORD, path);
    let mut sender = Process::start(command);
    assert_eq!(sender.answer(), "in the middle");
    sender.kill();
}

fn opening(options: fifo::Options, path: &Path) -> tokio::task::JoinHandle<Result<fifo::Sender>> {
    let path = PathBuf::from(path);
    tokio::spawn(async move { options.sender(path).await })
}

#[tokio::test]
async fn who_is_alone_keeps_all_others_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let mut sender = alone().sender(&path).await.unwrap();
    for options in [alone(), fifo::Options::new()] {
        let error = within(options.sender(&path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    }
    let (sent, received) = tokio::join!(sender.send(body(1, LARGE)), within(receiver.next()));
    sent.unwrap();
    same(&received.unwrap().unwrap(), &body(1, LARGE));
    drop(sender);

    // Others are in its way as well.
    let one = fifo::sender(&path).await.unwrap();
    let other = fifo::sender(&path).await.unwrap();
    drop(one);
    let error = within(alone().sender(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains("others write to"), "{error}");
    drop(other);
    within(alone().sender(&path)).await.unwrap();
}

/// They have no lock on the file of a receiver that came after them.
#[tokio::test]
async fn senders_to_another_program_are_not_forgotten_when_a_receiver_comes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
    let other = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).unwrap();
    let one = within(fifo::sender(&path)).await.unwrap();
    let two = within(fifo::sender(&path)).await.unwrap();
    let mut receiver = fifo::receiver(&path).await.unwrap();
    drop((other, one));
    let error = within(alone().sender(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    drop(two);
    let mut sender = within(alone().sender(&path)).await.unwrap();
    sender.send("hello".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
}

/// Who waits takes the lock to look, and that is no reason to turn another away.
#[tokio::test]
async fn a_lock_of_a_moment_is_in_nobodys_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let _receiver = fifo::receiver(&path).await.unwrap();
    let file = File::open(directory.path().join("f.writers")).unwrap();
    for options in [alone(), fifo::Options::new()] {
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
        let next = opening(options, &path);
        sleep(Duration::from_millis(15)).await;
        assert!(!next.is_finished());
        rustix::fs::flock(&file, rustix::fs::FlockOperation::Unlock).unwrap();
        within(next).await.unwrap().unwrap();
    }
}

/// An end between two frames needs nobody to see it.
#[tokio::test]
async fn after_an_end_in_order_the_next_can_begin_though_nobody_reads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    for n in 0..20 {
        let mut sender = alone().sender(&path).await.unwrap();
        sender.send(body(n, 1000)).await.unwrap();
        match n % 3 {
            0 => sender.close().await.unwrap(),
            // What was never written is no part of a frame.
            1 => sender.feed("dropped".into()).await.unwrap(),
            _ => {}
        }
        drop(sender);
        if n % 4 == 0 {
            within(fifo::sender(&path)).await.unwrap().close().await.unwrap();
        }
    }
    for n in 0..20 {
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(n, 1000));
    }
    assert!(receiver.next().now_or_never().is_none());
}

/// Until the receiver knows that the rest of a frame will not come, nobody writes what would pass
/// for it.
#[tokio::test]
async fn the_rest_of_a_killed_senders_frame_is_nobody_elses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    for next in [alone(), fifo::Options::new()] {
        killed_in_the_middle(&path);
        let next = opening(next, &path);
        sleep(A_WHILE).await;
        assert!(!next.is_finished(), "nobody has read the part yet");

        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "whole");
        let error = within(receiver.next()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        let mut next = within(next).await.unwrap().unwrap();
        next.send("next".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "next");
    }
}

#[tokio::test]
async fn what_a_next_sender_waits_for_is_told_when_it_is_too_late() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let _receiver = fifo::receiver(&path).await.unwrap();
    killed_in_the_middle(&path);
    let error = within(alone().deadline(A_WHILE).sender(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("end of a killed sender"), "{error}");
}

/// Another receiver has nothing of what was before it.
#[tokio::test]
async fn a_new_receiver_is_not_waited_for_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let receiver = fifo::receiver(&path).await.unwrap();
    killed_in_the_middle(&path);
    let next = opening(alone(), &path);
    sleep(A_WHILE).await;
    assert!(!next.is_finished());
    drop(receiver);
    let mut receiver = fifo::receiver(&path).await.unwrap();
    within(next).await.unwrap().unwrap().send("next".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "next");
}

/// One that was killed before its first byte, and left nothing to be read.
#[tokio::test]
async fn a_sender_that_wrote_nothing_is_noticed_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    for _ in 0..5 {
        let mut writer = alone().sender(&path).await.unwrap().into_io();
        // Begun, and not one byte of it written.
        let none = writer.write(&[]).await.unwrap();
        assert_eq!(none, 0);
        drop(writer);
        let next = opening(alone(), &path);
        let nothing = tokio::time::timeout(A_WHILE, receiver.next()).await;
        assert!(nothing.is_err());
        within(next).await.unwrap().unwrap().send("next".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "next");
    }
}

/// Bytes without frames: what is flushed is whole.
#[tokio::test]
async fn bare_bytes_are_whole_when_they_are_flushed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let mut writer = alone().sender(&path).await.unwrap().into_io();
    writer.write_all(b"\0\0\0\x05hello").await.unwrap();
    writer.flush().await.unwrap();
    drop(writer);
    let mut writer = within(alone().sender(&path)).await.unwrap().into_io();
    writer.write_all(b"\0\0\0\x05hel").await.unwrap();
    drop(writer);
    let next = opening(alone(), &path);
    sleep(A_WHILE).await;
    assert!(!next.is_finished(), "it may not be whole");
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
    let error = within(receiver.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    within(next).await.unwrap().unwrap();
}

/// Whoever may write to the file beside the FIFO can damage it: that holds senders up, until the
/// receiver has written it anew, and does no more.
#[tokio::test]
async fn a_damaged_file_is_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let file = File::options().write(true).open(directory.path().join("f.writers")).unwrap();
    file.set_len(5).unwrap();
    let next = opening(alone(), &path);
    sleep(A_WHILE).await;
    assert!(!next.is_finished());
    // Somebody comes and leaves.
    let mut writer = File::options().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut writer, b"\0\0\0\x05hello").unwrap();
    drop(writer);
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
    let nothing_more = tokio::time::timeout(A_WHILE, receiver.next()).await;
    assert!(nothing_more.is_err());
    within(next).await.unwrap().unwrap();
}
