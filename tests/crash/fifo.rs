//! Writers of a FIFO, killed one after the other, with one reader for all of them: what one leaves
//! in it is never a part of what the next one sends.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use framewire::{BoxSender, ErrorKind, fifo};
use futures::{SinkExt, StreamExt};
use rustix::{
    fs::{FlockOperation, flock},
    pipe::{PipeFlags, pipe_with},
};
use tokio::time::timeout;

use super::{
    kills,
    script::Script,
    tally::{Delivery, Tally},
    victim::{BEGINS, acknowledge, send},
};
use crate::support::{
    HANG, announce,
    random::{mix, seed},
    role,
};

const PART: &str = "FRAMEWIRE_TEST_FIFO";
/// In front of each body: whose it is.
const WHOSE: usize = size_of::<u64>();
/// The longest body where many write.
const MOST: usize = rustix::pipe::PIPE_BUF - 4 - WHOSE;
/// Nobody's: the last message of all.
const LAST: u64 = u64::MAX;
/// A victim lives for less than this from when it begins to send, in microseconds.
const LIFE: u64 = 1500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Two at a time.
    Shared,
    /// One at a time, and the next one waits at the door.
    Exclusive,
}

impl Way {
    fn script(self, seed: u64, victim: u64) -> Script {
        // Who writes alone writes what a pipe takes.
        let script = Script::new(mix(seed ^ mix(victim)), "pipe");
        if self == Self::Shared { script.at_most(MOST) } else { script }
    }

    fn options(self) -> fifo::Options {
        fifo::Options::new().exclusive(self == Self::Exclusive)
    }
}

/// The body of this victim's frame.
fn body(script: Script, victim: u64, number: u64) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u64(victim);
    body.extend_from_slice(&script.body(number));
    body.freeze()
}

/// The part of the victim. Passes at once in a process that nobody gave it to.
#[test]
fn plays() {
    let Some(part) = role::part(PART) else { return };
    let words: Vec<&str> = part.splitn(5, ' ').collect();
    let [seed, victim, way, bug, path] = words[..] else { panic!("a part of five words") };
    let (seed, victim) = (seed.parse().unwrap(), victim.parse().unwrap());
    let way = if way == "Shared" { Way::Shared } else { Way::Exclusive };
    let script = way.script(seed, victim);
    if bug == "true" {
        return tears(way, script, victim, Path::new(path));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sender: BoxSender = loop {
            match way.options().sender(path).await {
                Ok(sender) => break Box::pin(sender),
                Err(error) if error.kind() == ErrorKind::InUse => {
                    sleep(Duration::from_micros(50));
                }
                Err(error) => panic!("{error}"),
            }
        };
        send(sender, script, |number| body(script, victim, number), false).await;
    });
}

/// What must not be done, done by hand: where many write, a frame in two writes; alone, as soon as
/// the lock is there, whatever the one before has left.
fn tears(way: Way, script: Script, victim: u64, path: &Path) {
    let lock = File::open(path.with_extension("fifo.writers")).unwrap();
    match way {
        Way::Shared => flock(&lock, FlockOperation::LockShared).unwrap(),
        Way::Exclusive => flock(&lock, FlockOperation::LockExclusive).unwrap(),
    }
    let mut fifo = File::options().write(true).open(path).unwrap();
    for number in 0.. {
        let body = body(script, victim, number);
        let mut frame = BytesMut::new();
        frame.put_u32(body.len() as u32);
        frame.extend_from_slice(&body);
        let (half, rest) = frame.split_at(frame.len() / 2);
        // When it has gone wrong, the reader may be the first to go.
        if fifo.write_all(half).is_err() {
            return;
        }
        if number == 0 {
            acknowledge([BEGINS]).unwrap();
        }
        if fifo.write_all(rest).is_err() {
            return;
        }
        acknowledge([number]).unwrap();
    }
}

struct Victim {
    number: u64,
    child: Child,
    acknowledgements: File,
}

impl Victim {
    fn start(number: u64, seed: u64, way: Way, bug: bool, path: &Path) -> Self {
        let (read_end, write_end): (OwnedFd, OwnedFd) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let part = format!("{seed} {number} {way:?} {bug} {}", path.display());
        let mut command = role::command("crash::fifo::plays", PART, &part);
        command.stdin(Stdio::from(write_end)).stdout(Stdio::null());
        if bug {
            command.stderr(Stdio::null());
        }
        let child = command.spawn().unwrap();
        Self { number, child, acknowledgements: read_end.into() }
    }

    /// Waits until it can send; `false` if it never will.
    fn begins(&mut self) -> bool {
        let mut begins = [0; size_of::<u64>()];
        let begun = self.acknowledgements.read_exact(&mut begins).is_ok();
        assert!(!begun || u64::from_be_bytes(begins) == BEGINS);
        begun
    }

    /// Kills it, and answers what it acknowledged until then.
    fn kill(&mut self) -> Vec<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut rest = Vec::new();
        self.acknowledgements.read_to_end(&mut rest).unwrap();
        let numbers = rest.chunks_exact(size_of::<u64>());
        let numbers = numbers.map(|n| u64::from_be_bytes(n.try_into().unwrap()));
        numbers.filter(|number| *number != BEGINS).collect()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What has come, of all victims.
#[derive(Default)]
struct Came {
    deliveries: BTreeMap<u64, Delivery>,
    cut: u64,
    torn: u64,
}

/// The one reader, on a thread of its own: it lags now and then, so that the next writer is there
/// before it has noticed the end of the one before. It sets `broken` where there is no going on.
fn receive(way: Way, seed: u64, path: PathBuf, broken: Arc<AtomicBool>) -> JoinHandle<Came> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // It is there when this returns.
    let mut receiver = runtime.block_on(fifo::receiver(path)).unwrap();
    let receive = move || {
        runtime.block_on(async {
            let mut came = Came::default();
            for count in 0.. {
                if mix(seed ^ count) % 64 == 0 {
                    sleep(Duration::from_micros(mix(count) % 3000));
                }
                match timeout(2 * HANG, receiver.next()).await.expect("something comes") {
                    Some(Ok(body)) => {
                        let victim = body.first_chunk().map(|whose| u64::from_be_bytes(*whose));
                        match victim {
                            Some(LAST) if body.len() == WHOSE => break,
                            // Far more than there are: some other bytes.
                            Some(victim) if victim < 1 << 32 => {
                                let of = way.script(seed, victim);
                                let delivery = came.deliveries.entry(victim);
                                delivery.or_insert_with(|| Delivery::new(of)).came(&body[WHOSE..]);
                            }
                            _ => came.torn += 1,
                        }
                    }
                    Some(Err(error)) if error.kind() == ErrorKind::Truncated => came.cut += 1,
                    // What is no frame at all was one, before it was torn.
                    _ => {
                        came.torn += 1;
                        // Relaxed: it orders nothing, it only has the others stop.
                        broken.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            }
            came
        })
    };
    thread::spawn(receive)
}

fn run(way: Way, cycles: u64, bug: bool) -> Tally {
    let seed = seed();
    announce(&format!("fifo, {way:?}, bug: {bug}: CRASH_SEED={seed}"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.fifo");
    let broken = Arc::new(AtomicBool::new(false));
    let came = receive(way, seed, path.clone(), Arc::clone(&broken));
    let start = |number| Victim::start(number, seed, way, bug, &path);

    let mut acknowledged = Vec::new();
    let mut victim = start(0);
    // Relaxed: see above.
    while victim.number < cycles && !broken.load(Ordering::Relaxed) && victim.begins() {
        let next = start(victim.number + 1);
        sleep(Duration::from_micros(mix(seed ^ victim.number) % LIFE));
        acknowledged.push((victim.number, victim.kill()));
        victim = next;
    }
    acknowledged.push((victim.number, victim.kill()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Where something is torn, the first can pass for a part of it.
    while !came.is_finished() {
        // There may be nobody any more to send it to.
        let _ = runtime.block_on(async {
            let options = way.options().deadline(Duration::from_millis(500));
            options.sender(&path).await?.send(LAST.to_be_bytes().to_vec().into()).await
        });
        sleep(Duration::from_millis(10));
    }
    let mut came = came.join().unwrap();

    let mut tally = Tally::default();
    for (victim, acknowledged) in &acknowledged {
        let nothing = || Delivery::new(way.script(seed, *victim));
        tally.add(&came.deliveries.remove(victim).unwrap_or_else(nothing), acknowledged);
    }
    tally.torn += came.torn;
    tally.cut += came.cut;
    tally.unexpected += came.deliveries.len() as u64;
    announce(&format!("fifo, {way:?}, bug: {bug}: {tally}"));
    tally
}

fn loses_nothing(way: Way) {
    let tally = run(way, kills(), false);
    assert!(2 * tally.in_mid_stream >= tally.cycles, "kills that hit nothing: {tally}");
    assert!(tally.is_sound(), "{tally}");
}

/// The loop that finds no fault finds one where there is one, and finds it by what is torn.
fn catches_who_tears(way: Way) {
    for _ in 0..25 {
        if run(way, 40, true).torn > 0 {
            return;
        }
    }
    panic!("frames were torn, and it was not seen");
}

#[test]
fn a_killed_writer_among_others_loses_and_tears_nothing() {
    loses_nothing(Way::Shared);
}

#[test]
fn a_killed_writer_alone_loses_nothing_and_nothing_passes_for_its_rest() {
    loses_nothing(Way::Exclusive);
}

#[test]
fn a_writer_of_halves_is_caught() {
    catches_who_tears(Way::Shared);
}

#[test]
fn a_writer_that_does_not_wait_for_the_end_of_the_one_before_is_caught() {
    catches_who_tears(Way::Exclusive);
}
