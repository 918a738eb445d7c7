//! Peers of another user: they are woken over the socket, since an eventfd of theirs could be made
//! to block whoever rings it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use framewire::{ErrorKind, shm, unix, wait::Strategy};
use futures::{SinkExt, StreamExt};
use rustix::{io::Errno, net::RecvFlags};

use super::{
    attacker::{Attacker, make_blocking, saturate},
    campaign::{calls, victim},
    common::{
        Process, body, nobody,
        process::answer,
        role::{self, WORD},
        within,
    },
    memory::{HEAD, TAIL, WANT_DATA},
    victim::BOUND,
};

const MESSAGES: u64 = 1_000_000;
/// More than there may be wakes for nothing.
const CALLS: u64 = 15_000;
const LEN: usize = 500;

fn as_nobody(directory: &Path, role: &str, path: PathBuf) -> Command {
    let mut command = nobody::command(&nobody::for_everyone(directory), role);
    command.env(WORD, path);
    command
}

fn options() -> shm::Options {
    let options = shm::Options::new().capacity(64 << 10).strategy(Strategy::Park);
    options.mode(0o666).allow(unix::Allow::anyone())
}

/// The part of one who is honest and has much to say: it calls, then sends.
pub(crate) fn talks() {
    role::block_on(async {
        let mut connection = options().connect(&*role::word()).await.unwrap();
        for number in 0..CALLS {
            connection.send(body(number, 8)).await.unwrap();
            assert_eq!(within(connection.next()).await.unwrap().unwrap(), body(number, 8));
        }
        for number in 0..MESSAGES {
            connection.send(body(number, LEN)).await.unwrap();
        }
        connection.close().await.unwrap();
        assert!(within(connection.next()).await.is_none());
        answer("done");
    });
}

#[test]
fn a_busy_peer_of_another_user_is_no_flood() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    role::block_on(async {
        let mut listener = options().listen(&*path).await.unwrap();
        let mut peer = Process::start(as_nobody(directory.path(), "talks", path.clone()));
        let mut connection = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(connection.peer().uid(), Some(nobody::NOBODY));
        for number in 0..CALLS {
            let called = within(connection.next()).await.unwrap().unwrap();
            assert_eq!(called, body(number, 8));
            connection.send(called).await.unwrap();
        }
        for number in 0..MESSAGES {
            assert_eq!(within(connection.next()).await.unwrap().unwrap(), body(number, LEN));
        }
        assert!(within(connection.next()).await.is_none());
        connection.close().await.unwrap();
        assert_eq!(peer.answer(), "done");
        assert!(peer.wait().success());
    });
}

/// Whoever may write to the socket may do that.
#[test]
fn wakes_for_nothing_are_an_error_after_ten_thousand() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    role::block_on(async {
        let mut listener = shm::listen(&*path).await.unwrap();
        let wakes = |attacker: &Attacker, many: u32| {
            (0..many).all(|_| {
                let begun = Instant::now();
                while !attacker.nudge() {
                    if attacker.is_left() {
                        return false;
                    }
                    assert!(begun.elapsed() < BOUND, "nobody looks");
                    thread::yield_now();
                }
                true
            })
        };
        let hostile = thread::spawn(move || {
            let mut attacker = Attacker::connect(&path, 64 << 10);
            for _ in 0..3 {
                assert!(wakes(&attacker, 9_000), "there was progress in between");
                attacker.record(1, b"progress");
                attacker.nudge();
                let begun = Instant::now();
                while attacker.theirs.load(HEAD) < attacker.tail {
                    assert!(begun.elapsed() < BOUND, "nobody reads");
                    thread::yield_now();
                }
            }
            assert!(!wakes(&attacker, 20_000), "that was for nothing");
        });
        let mut connection = within(listener.next()).await.unwrap().unwrap();
        for _ in 0..3 {
            assert_eq!(within(connection.next()).await.unwrap().unwrap(), "progress");
        }
        let error = within(connection.next()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(within(connection.next()).await.is_none());
        connection.send("late".into()).await.unwrap_err();
        hostile.join().unwrap();
    });
}

/// The part of one who would have us block in its bell, and in ours.
pub(crate) fn blocks_bells() {
    let mut attacker = Attacker::connect(Path::new(&role::word()), 64 << 10);
    for bell in attacker.our_bell.iter().chain(&attacker.their_bell) {
        saturate(bell);
        make_blocking(bell);
    }
    answer("blocked");
    let mut nudged = 0;
    for number in 0..100_u64 {
        let read = attacker.theirs.load(TAIL);
        attacker.ours.store(HEAD, read);
        attacker.ours.store(WANT_DATA, read);
        assert!(attacker.record(1, &number.to_le_bytes()));
        attacker.nudge();
        let begun = Instant::now();
        while attacker.theirs.load(TAIL) == read {
            assert!(begun.elapsed() < BOUND, "no answer to {number}");
            thread::sleep(Duration::from_micros(100));
        }
        while recv(&attacker).is_ok() {
            nudged += 1;
        }
        assert_eq!(attacker.theirs.load(super::memory::FRONT + (read + 8) % (64 << 10)), number);
    }
    answer(&format!("woken: {}", nudged > 0));
}

fn recv(attacker: &Attacker) -> Result<usize, Errno> {
    let mut bytes = [0_u8; 8];
    rustix::net::recv(&attacker.socket, &mut bytes, RecvFlags::DONTWAIT).map(|(len, _)| len)
}

#[test]
fn bells_of_another_user_block_nobody() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut victim = victim(directory.path(), false);
    let (end, ended) = tokio::sync::oneshot::channel();
    let honest = thread::spawn({
        let path = path.clone();
        move || role::block_on(calls(&path, ended))
    });
    let mut hostile = Process::start(as_nobody(directory.path(), "blocks bells", path));
    assert_eq!(hostile.answer(), "blocked");
    assert_eq!(hostile.answer(), "woken: true");
    assert!(hostile.wait().success());
    end.send(()).unwrap();
    let (calls, _) = honest.join().unwrap();
    assert!(calls > 0);
    victim.order("0");
    assert!(victim.answer().starts_with("0 left"));
    assert!(victim.wait().success());
}
