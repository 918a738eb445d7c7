//! Locks that say who is there, where the process's number says nothing or a child has a copy.

#![allow(unsafe_code)]

use std::process::Command;

use framewire::{
    ErrorKind,
    shm::named::{self, End},
};
use futures::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tokio::time::timeout;

use super::{
    common::{
        HANG, Process, id_of, is_installed, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    killed::{A_WHILE, next, small, told},
    subject::Names,
};

/// The part of a sender with a child of its own, that was forked and executes nothing: the answer
/// is its number.
pub(crate) fn forks() {
    role::block_on(async {
        let mut sender = small().sender(role::word()).await.unwrap();
        sender.send(numbered(0, 1000)).await.unwrap();
        // SAFETY: the child does nothing but sleep, which is allowed after a fork of a process with
        // threads.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: it takes a number.
            unsafe { libc::sleep(60) };
            // SAFETY: it takes a number, and runs nothing of ours.
            unsafe { libc::_exit(0) };
        }
        assert!(child > 0, "it was forked");
        answer(&child.to_string());
        next_order();
    });
}

/// Where its number says nothing, the lock is looked at.
#[tokio::test]
async fn the_death_of_one_whose_process_cannot_be_seen_is_noticed() {
    if !geteuid().is_root() || !is_installed("unshare") {
        eprintln!("!!! skipped: only root can start a process with numbers of its own");
        return;
    }
    let names = Names::new();
    let name = names.next();
    let mut receiver = named::Options::new().end(End::WithSender).receiver(&*name).await.unwrap();
    let there = role::command("sends");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(there.get_program());
    command.args(there.get_args()).env(WORD, &name);
    for (key, value) in there.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    let mut killed = Process::start(command);
    assert_eq!(killed.answer(), "sending");
    assert_eq!(told(&mut killed, "1"), "sent");
    assert_eq!(id_of(&next(&mut receiver).await.unwrap()), 0);
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    killed.kill();
    let error = timeout(HANG, receiver.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

/// The child has a copy of the descriptor that the lock belongs to.
#[tokio::test]
async fn a_part_is_free_when_no_child_has_it_any_more() {
    let names = Names::new();
    let name = names.next();
    let options = named::Options::new().end(End::WithSender);
    let mut receiver = options.receiver(&*name).await.unwrap();
    let mut command = role::command("forks");
    command.env(WORD, &name);
    let mut killed = Process::start(command);
    let child = killed.answer().parse().ok().and_then(Pid::from_raw).unwrap();
    assert_eq!(id_of(&next(&mut receiver).await.unwrap()), 0);
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    killed.kill();
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    let error = named::sender(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    kill_process(child, Signal::KILL).unwrap();
    let error = within(receiver.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    drop(receiver);
    named::sender(&*name).await.unwrap();
}
