//! Ends that die and leave their socket to a child: that they have died is all there is to notice.

// They say of their descriptors what children inherit.
#![allow(unsafe_code)]

use std::{
    fs,
    os::fd::BorrowedFd,
    process::{Command, Stdio},
};

use framewire::{
    ErrorKind,
    shm::broadcast::{self, Options, Slow},
    unix,
};
use futures::{SinkExt, StreamExt};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, Signal, kill_process},
};
use tokio::time::timeout;

use super::{
    common::{
        Process, numbered,
        process::{answer, next_order},
        role, within,
    },
    place,
    processes::start,
};

const A_WHILE: std::time::Duration = std::time::Duration::from_millis(200);

/// Has a child inherit all sockets of this process, and says who it is.
fn leave() {
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        if fs::read_link(&path).is_ok_and(|what| what.to_string_lossy().starts_with("socket:")) {
            let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            // SAFETY: it is open, and nobody closes a socket here before this process ends.
            let socket = unsafe { BorrowedFd::borrow_raw(number) };
            fcntl_setfd(socket, FdFlags::empty()).unwrap();
        }
    }
    let child = Command::new("sleep").arg("120").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    answer(&child.unwrap().id().to_string());
}

/// The part of a receiver that does not receive.
pub(crate) fn leaves_a_receiver() {
    role::block_on(async {
        let _receiver = broadcast::receiver(role::word()).await.unwrap();
        answer("receiving");
        next_order();
        leave();
        next_order();
    });
}

/// The part of a sender that does not send.
pub(crate) fn leaves_a_sender() {
    role::block_on(async {
        let _sender = broadcast::sender(role::word()).await.unwrap();
        answer("sending");
        tokio::task::spawn_blocking(next_order).await.unwrap();
        leave();
        tokio::task::spawn_blocking(next_order).await.unwrap();
    });
}

/// Killed when this is dropped.
struct Child(Pid);

impl Child {
    fn of(process: &mut Process) -> Self {
        process.order("leave");
        Self(Pid::from_raw(process.answer().parse().unwrap()).unwrap())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        kill_process(self.0, Signal::KILL).unwrap();
    }
}

/// Nobody waits for it yet: it is a zombie as long as nobody does.
fn kill(process: &Process) {
    kill_process(Pid::from_raw(process.id() as i32).unwrap(), Signal::KILL).unwrap();
}

async fn there_are_pidfds() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let _listener = unix::listen(&*path).await.unwrap();
    let connection = unix::Options::new().pidfd(true).connect(&*path).await.unwrap();
    let there = connection.peer().pidfd().is_some();
    if !there {
        eprintln!("!!! skipped: this kernel has no SO_PEERPIDFD");
    }
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_receiver_is_noticed() {
    if !there_are_pidfds().await {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let options = Options::new().slow(Slow::Wait).capacity(64 << 10);
    let mut sender = options.sender(&path).await.unwrap();
    let mut receiver = start("leaves a receiver", &path);
    let _child = Child::of(&mut receiver);
    let mut n = 0;
    while timeout(A_WHILE, sender.feed(numbered(n, 1000))).await.is_ok() {
        n += 1;
    }
    assert_eq!(sender.receivers(), 1);
    let killed = async {
        tokio::time::sleep(A_WHILE).await;
        kill(&receiver);
    };
    let (sent, ()) = tokio::join!(within(sender.send(numbered(n, 1000))), killed);
    sent.unwrap();
    assert_eq!(sender.receivers(), 0);
    receiver.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_sender_is_noticed() {
    if !there_are_pidfds().await {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = start("leaves a sender", &path);
    let mut receiver = broadcast::receiver(&path).await.unwrap();
    let _child = Child::of(&mut sender);
    let killed = async {
        tokio::time::sleep(A_WHILE).await;
        kill(&sender);
    };
    let (end, ()) = tokio::join!(within(receiver.next()), killed);
    let error = end.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    sender.kill();
}
