//! Processes killed at either end of shared memory: what was sent before is there to be read, who
//! is left is told, and nothing of the memory stays.
//!
//! Each loop runs in a process of its own, which can be counted: what it has after its victims is
//! what it had before them.

use std::{collections::HashSet, fs, os::fd::OwnedFd, process::Stdio, thread, time::Duration};

use framewire::{Error, ErrorKind, shm};
use futures::{SinkExt, StreamExt, future::join};
use rustix::{
    pipe::{PipeFlags, pipe_with},
    process::Pid,
};
use tokio::{process::Command, time::timeout};

use super::{
    kills, loop_over,
    script::Script,
    supervisor::{LIFE, Over, kill},
    tally::Tally,
    victim::{BEGINS, Bug, acknowledge},
};
use crate::support::{
    HANG, announce,
    random::{mix, seed},
    role,
};

const LOOP: &str = "FRAMEWIRE_TEST_SHM_LOOP";
const PART: &str = "FRAMEWIRE_TEST_SHM_RECEIVER";
/// What a receiver says of a message that is not the next one.
const TORN: u64 = u64::MAX - 1;
/// How far in front a hasty receiver is with what it says.
const HASTE: u64 = 8;

/// The part of a loop. Passes at once in a process that nobody gave it to.
#[test]
fn loops() {
    let Some(part) = role::part(LOOP) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bug = if part.ends_with("hasty") { Bug::Hasty } else { Bug::None };
        // A few to begin with: a runtime and its signals are set up with the first child.
        let few = run(&part, 3, bug).await;
        assert_eq!(few.cycles, 3);
        let before = Things::count();
        for _ in 0..25 {
            let cycles = if bug == Bug::None { kills() } else { 40 };
            let tally = run(&part, cycles, bug).await;
            Things::come_to_be(&before);
            if bug == Bug::None {
                assert!(2 * tally.in_mid_stream >= cycles, "kills that hit nothing: {tally}");
                assert!(tally.is_sound(), "{tally}");
                return;
            }
            if tally.lost > 0 {
                return;
            }
        }
        panic!("acknowledged before it was so, and not caught");
    });
}

async fn run(part: &str, cycles: u64, bug: Bug) -> Tally {
    if part.starts_with("senders") {
        return loop_over(&mut Over::new("shm").await, cycles, bug).await;
    }
    kill_receivers(cycles, bug).await
}

/// What a process has that a connection could leave behind.
#[derive(Debug, PartialEq, Eq)]
struct Things {
    descriptors: usize,
    threads: usize,
    /// Of files, and which of memory that is shared.
    mappings: usize,
    shared: Vec<String>,
}

impl Things {
    fn count() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let named = maps.lines().filter(|line| line.contains('/'));
        let shared = maps.lines().filter(|line| line.contains("memfd:")).map(str::to_owned);
        Self {
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            threads: fs::read_dir("/proc/self/task").unwrap().count(),
            mappings: named.count(),
            shared: shared.collect(),
        }
    }

    /// Those that end may take a moment.
    fn come_to_be(before: &Self) {
        assert!(before.shared.is_empty(), "{before:?}");
        for _ in 0..500 {
            if Self::count() == *before {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("before: {before:?}\nafter: {:?}", Self::count());
    }
}

/// The part of a receiver that is killed. Passes at once in a process that nobody gave it to.
#[test]
fn receives() {
    let Some(part) = role::part(PART) else { return };
    let words: Vec<&str> = part.splitn(4, ' ').collect();
    let [seed, from, bug, path] = words[..] else { panic!("a part of four words") };
    let script = Script::new(seed.parse().unwrap(), "shm");
    let haste = if bug == "Hasty" { HASTE } else { 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = shm::connect(path).await.unwrap();
        let mut number: u64 = from.parse().unwrap();
        let mut begun = vec![BEGINS];
        while let Some(body) = connection.next().await {
            let right = script.is(number, &body.unwrap());
            let said = if right { number } else { TORN };
            acknowledge(begun.drain(..).chain([said])).unwrap();
            let done = (number + haste).to_be_bytes();
            connection.send(done.to_vec().into()).await.unwrap();
            number += 1;
        }
    });
}

/// What came of one receiver.
struct Session {
    /// What it took, as it told by a pipe; and what it told over the connection that it is done
    /// with, the same or less.
    taken: Vec<u64>,
    done: Vec<u64>,
    /// How far it was sent.
    sent: u64,
}

/// Kills so many receivers; each goes on behind what the last one was done with.
async fn kill_receivers(cycles: u64, bug: Bug) -> Tally {
    let seed = seed();
    announce(&format!("shm, receivers, bug: {bug:?}: CRASH_SEED={seed}"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = shm::listen(&*path).await.unwrap();
    let mut tally = Tally::default();
    let (mut from, mut all_taken) = (0, HashSet::new());
    for cycle in 0..cycles {
        let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let part = format!("{seed} {from} {bug:?} {}", path.display());
        let mut command: Command = role::command("crash::shm::receives", PART, &part).into();
        command.stdin(Stdio::from(write_end)).stdout(Stdio::null()).kill_on_drop(true);
        let mut victim = command.spawn().unwrap();
        drop(command);
        let pid = Pid::from_raw(victim.id().unwrap() as i32).unwrap();
        let life = Duration::from_micros(mix(seed ^ mix(cycle)) % LIFE);
        let session = session(&mut listener, Script::new(seed, "shm"), from, pid, life, read_end);
        let session = timeout(2 * HANG, session).await.expect("it is told that its peer is gone");
        assert!(victim.wait().await.unwrap().code().is_none(), "it was killed");
        tally.cycles += 1;
        tally.in_mid_stream += u64::from(!session.taken.is_empty());
        tally.acknowledged += session.done.len() as u64;
        tally.delivered += session.taken.len() as u64;
        // What it was told is sent, which it was of each before it took the next, has come.
        let told = session.taken.len().saturating_sub(1);
        tally.lost += told.saturating_sub(session.done.len()) as u64;
        for (expected, &number) in (from..).zip(&session.taken) {
            match number {
                TORN => tally.torn += 1,
                _ if number < expected => tally.duplicated += 1,
                _ if number > expected => tally.reordered += 1,
                _ => {}
            }
        }
        all_taken.extend(session.taken);
        let haste = if bug == Bug::Hasty { HASTE } else { 0 };
        tally.reordered +=
            (from + haste..).zip(&session.done).filter(|(e, d)| e != *d).count() as u64;
        tally.unexpected +=
            session.done.iter().filter(|done| **done >= session.sent + haste).count() as u64;
        from = session.done.last().map_or(from, |last| last + 1);
    }
    tally.lost += (0..from).filter(|number| !all_taken.contains(number)).count() as u64;
    announce(&format!("shm, receivers, bug: {bug:?}: {tally}"));
    tally
}

/// Sends to one receiver until it is dead, and hears what it is done with.
async fn session(
    listener: &mut shm::Listener,
    script: Script,
    from: u64,
    victim: Pid,
    life: Duration,
    log: OwnedFd,
) -> Session {
    let killer = thread::spawn(move || kill(victim, life, log));
    let connection = listener.next().await.expect("a listener never ends").unwrap();
    let (mut sink, mut stream) = connection.split();
    let mut sent = from;
    let send = async {
        loop {
            for _ in 0..script.batch(sent) {
                sent += 1;
                sink.feed(script.body(sent - 1)).await?;
            }
            sink.flush().await?;
        }
    };
    let mut done = Vec::new();
    let receive = async {
        while let Some(body) = stream.next().await {
            let body = body?;
            done.push(u64::from_be_bytes(body[..].try_into().expect("a number")));
        }
        panic!("a receiver that was killed has not ended in order");
    };
    let ended: (Result<(), Error>, Result<(), Error>) = join(send, receive).await;
    for error in [ended.0.unwrap_err(), ended.1.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    Session { taken: killer.join().unwrap(), done, sent }
}

fn passes(part: &str) {
    let mut command = role::command("crash::shm::loops", LOOP, part);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{part}: {status}");
}

#[test]
fn a_killed_sender_loses_nothing_and_leaves_nothing() {
    passes("senders");
}

#[test]
fn a_killed_receiver_loses_nothing_and_leaves_nothing() {
    passes("receivers");
}

#[test]
fn a_hasty_sender_is_caught() {
    passes("senders, hasty");
}

#[test]
fn a_hasty_receiver_is_caught() {
    passes("receivers, hasty");
}
