//! Connections whose two directions are two tasks', and what one of them finds out.

use std::{path::Path, time::Duration};

use framewire::{ErrorKind, shm, unix};
use futures::{SinkExt, StreamExt};
use rustix::fs::SealFlags;

use super::{
    attacker::{Attacker, send},
    common::{
        Flavour, Process, nobody,
        process::answer,
        role::{self, WORD},
        within,
    },
    memory::{HEAD, TAIL, TX_STATE, WANT_DATA, file},
};

const SAID: u64 = 1000;

/// A reader where it cannot be is found by who sends; who receives is parked meanwhile, and learns
/// that what it has is not all. The peer does nothing more that would wake anybody.
async fn both_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = shm::Options::new().capacity(64 << 10).listen(&*path).await.unwrap();
    let connecting = tokio::task::spawn_blocking(move || Attacker::connect(&path, 64 << 10));
    let connection = within(listener.next()).await.unwrap().unwrap();
    let attacker = within(connecting).await.unwrap();
    let (mut sink, mut stream) = connection.split();
    let receiving = tokio::spawn(async move { (stream.next().await, stream.next().await) });
    let sending = tokio::spawn(async move {
        loop {
            if let Err(error) = sink.send(vec![0; 4000].into()).await {
                return (error, sink.send("late".into()).await);
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!sending.is_finished() && !receiving.is_finished(), "both are parked");
    attacker.ours.store(HEAD, attacker.theirs.load(TAIL) + 8);
    attacker.ring();
    let (error, late) = within(sending).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    late.unwrap_err();
    let (error, end) = within(receiving).await.unwrap();
    assert_eq!(error.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert!(end.is_none());
    assert!(attacker.is_left());
}

#[test]
fn what_who_sends_finds_out_is_told_to_who_receives() {
    Flavour::CurrentThread.run(both_are_told());
    Flavour::TwoWorkers.run(both_are_told());
}

/// The part of one who sends a message in memory of its own and leaves, with wakes unread.
pub(crate) fn leaves_with_wakes_unread() {
    let mut attacker = Attacker::connect(Path::new(&role::word()), 64 << 10);
    attacker.ours.store(WANT_DATA, attacker.theirs.load(TAIL));
    answer("connected");
    while attacker.theirs.load(TAIL) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    // The wake comes behind what it is for.
    std::thread::sleep(Duration::from_millis(50));
    let memory = file(SAID);
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals).unwrap();
    assert!(send(&attacker.socket, &[1], &[std::os::fd::AsFd::as_fd(&memory)]));
    assert!(attacker.record(4, &SAID.to_le_bytes()));
    attacker.ours.store(TX_STATE, 1);
    answer("gone");
}

#[test]
fn a_reset_hides_nothing_that_was_sent_before() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    role::block_on(async {
        let options = shm::Options::new().mode(0o666).allow(unix::Allow::anyone());
        let mut listener = options.listen(&*path).await.unwrap();
        let program = nobody::for_everyone(directory.path());
        let mut command = nobody::command(&program, "leaves with wakes unread");
        command.env(WORD, &path);
        let mut peer = Process::start(command);
        let mut connection = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(peer.answer(), "connected");
        connection.send("hello".into()).await.unwrap();
        assert_eq!(peer.answer(), "gone");
        assert!(peer.wait().success());
        let message = within(connection.next()).await.unwrap().unwrap();
        assert_eq!(message, vec![0; SAID as usize]);
        assert!(within(connection.next()).await.is_none());
    });
}
