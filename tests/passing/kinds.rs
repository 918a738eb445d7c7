//! What can be passed, and that it is what arrives.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
    time::Duration,
};

use framewire::unix::Outgoing;
use futures::{SinkExt, StreamExt};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::{FdFlags, fcntl_getfd},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{common::within, pair, raw};

/// Passes one, and gives what arrives.
async fn passed(descriptor: impl Into<OwnedFd>) -> OwnedFd {
    let descriptor = descriptor.into();
    let id = raw::id(&descriptor);
    let (mut ours, mut theirs) = pair();
    within(ours.send(Outgoing::new("here").with(descriptor))).await.unwrap();
    // What has been sent outlives its sender.
    drop(ours);
    let received = within(theirs.next()).await.expect("it was sent").unwrap();
    let (body, [descriptor]) = received.exactly().unwrap();
    assert_eq!(body, "here");
    assert_eq!(raw::id(&descriptor), id);
    assert!(fcntl_getfd(&descriptor).unwrap().contains(FdFlags::CLOEXEC));
    assert!(within(theirs.next()).await.is_none());
    descriptor
}

#[tokio::test]
async fn a_file_with_its_offset() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"skipped, read").unwrap();
    file.seek(SeekFrom::Start(9)).unwrap();
    let mut text = String::new();
    File::from(passed(file).await).read_to_string(&mut text).unwrap();
    assert_eq!(text, "read");
}

#[tokio::test]
async fn a_socket() {
    let (mut near, far) = UnixStream::pair().unwrap();
    near.write_all(b"hello").unwrap();
    drop(near);
    let mut text = String::new();
    UnixStream::from(passed(far).await).read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[tokio::test]
async fn a_pipe_whose_reader_learns_that_no_copy_is_left_open() {
    let (read_end, write_end) = rustix::pipe::pipe().unwrap();
    drop(passed(write_end).await);
    // With a copy of the write end left anywhere in this process, this would not end.
    let mut ended = [PollFd::new(&read_end, PollFlags::IN)];
    assert_eq!(poll(&mut ended, Some(&Timespec { tv_sec: 30, tv_nsec: 0 })).unwrap(), 1);
    assert_eq!(File::from(read_end).read(&mut [0]).unwrap(), 0);
}

#[tokio::test]
async fn a_memfd() {
    let [memfd] = raw::memfds(1).try_into().unwrap();
    rustix::io::pwrite(&memfd, b"shared", 0).unwrap();
    let arrived = passed(memfd).await;
    let mut text = [0; 6];
    rustix::io::pread(&arrived, &mut text, 0).unwrap();
    assert_eq!(&text, b"shared");
}

#[tokio::test]
async fn an_eventfd() {
    let ours = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let theirs = passed(ours.try_clone().unwrap()).await;
    rustix::io::write(&theirs, &7_u64.to_ne_bytes()).unwrap();
    let mut count = [0; 8];
    rustix::io::read(&ours, &mut count).unwrap();
    assert_eq!(u64::from_ne_bytes(count), 7);
}

#[tokio::test]
async fn a_pidfd() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let pidfd = passed(pidfd_open(pid, PidfdFlags::empty()).unwrap()).await;
    let ends = |wait: Duration| {
        let mut polled = [PollFd::new(&pidfd, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec::try_from(wait).unwrap())).unwrap() == 1
    };
    assert!(!ends(Duration::from_millis(20)));
    drop(child.stdin.take());
    assert!(ends(Duration::from_secs(30)));
    child.wait().unwrap();
}

#[tokio::test]
async fn the_end_of_a_connection_that_goes_on_elsewhere() {
    let (near, far) = framewire::unix::pair().unwrap();
    let far = passed(raw::by_hand(far)).await;
    let mut near = near.detailed().unwrap();
    raw::send_all(&far, &raw::frame(b"from elsewhere"), &[]);
    assert_eq!(near.next().await.unwrap().unwrap().body(), "from elsewhere");
}
