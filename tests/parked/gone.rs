//! A peer that dies and leaves its socket to a child: that it has died is all there is to notice.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use framewire::{ErrorKind, shm};
use futures::{SinkExt, StreamExt};
use rustix::{
    io::FdFlags,
    process::{Pid, Signal, kill_process},
};

use super::{
    attacker::Attacker,
    common::{
        Flavour, Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
};

/// By then whoever waits is parked.
const A_WHILE: Duration = Duration::from_millis(200);

/// The part of the peer: it reads nothing, and its child knows of nothing.
pub(crate) fn leaves_its_socket_to_a_child() {
    let attacker = Attacker::connect(Path::new(&role::word()), 64 << 10);
    rustix::io::fcntl_setfd(&attacker.socket, FdFlags::empty()).unwrap();
    let child = Command::new("sleep").arg("120").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    answer(&child.unwrap().id().to_string());
    while next_order().is_some() {}
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number as i32).unwrap()
}

/// Killed when this is dropped.
struct Child(Pid);

impl Drop for Child {
    fn drop(&mut self) {
        kill_process(self.0, Signal::KILL).unwrap();
    }
}

async fn is_noticed(receives: bool, sends: bool) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = shm::listen(&*path).await.unwrap();
    let mut command = role::command("leaves its socket to a child");
    command.env(WORD, &path);
    let mut peer = Process::start(command);
    let connection = within(listener.next()).await.unwrap().unwrap();
    if connection.peer().pidfd().is_none() {
        eprintln!("!!! skipped: this kernel has no SO_PEERPIDFD");
        return;
    }
    let child = Child(pid(peer.answer().parse().unwrap()));
    let (mut sink, mut stream) = connection.split();
    let sending = tokio::spawn(async move {
        let mut sent = Ok(());
        while sends && sent.is_ok() {
            sent = sink.send(vec![0; 4000].into()).await;
        }
        (sent.err(), sink)
    });
    let receiving = tokio::spawn(async move {
        let next = if receives { Some(stream.next().await.unwrap().unwrap_err()) } else { None };
        (next, stream)
    });
    tokio::time::sleep(A_WHILE).await;
    assert_eq!((sending.is_finished(), receiving.is_finished()), (!sends, !receives));
    // Nobody waits for it yet: it is a zombie as long as nobody does.
    kill_process(pid(peer.id()), Signal::KILL).unwrap();
    let ((sent, _sink), (received, _stream)) = within(async {
        let (sent, received) = tokio::join!(sending, receiving);
        (sent.unwrap(), received.unwrap())
    })
    .await;
    assert_eq!((sent.is_some(), received.is_some()), (sends, receives));
    for error in sent.into_iter().chain(received) {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    drop(child);
    peer.kill();
}

#[test]
fn who_waits_for_a_message_notices() {
    Flavour::CurrentThread.run(is_noticed(true, false));
}

#[test]
fn who_waits_for_room_notices() {
    Flavour::CurrentThread.run(is_noticed(false, true));
}

#[test]
fn two_tasks_notice() {
    Flavour::TwoWorkers.run(is_noticed(true, true));
}
