//! Senders and receivers of a name, killed one after the other, with one partner for all of them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Stdio},
    thread::sleep,
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use framewire::{
    ErrorKind,
    shm::named::{self, End},
};
use futures::{SinkExt, StreamExt};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

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

const PART: &str = "FRAMEWIRE_TEST_NAMED";
/// In front of each body: whose it is.
const WHOSE: usize = size_of::<u64>();
/// Nobody's: the last message of all.
const LAST: u64 = u64::MAX;
/// A victim lives for less than this from when it begins, in microseconds.
const LIFE: u64 = 1500;
/// What a ring holds.
const CAPACITY: usize = 256 << 10;
/// The longest body that is for receivers: far from what goes in pieces.
const MOST: usize = 32 << 10;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn body(script: Script, victim: u64, number: u64) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u64(victim);
    body.extend_from_slice(&script.body(number));
    body.freeze()
}

/// What this victim sends.
fn script(seed: u64, victim: u64) -> Script {
    Script::new(mix(seed ^ mix(victim)), "shm+named")
}

/// What is sent to all receivers.
fn to_receivers(seed: u64, number: u64) -> Bytes {
    body(Script::new(seed, "shm+named").at_most(MOST), number, number)
}

/// The part of the victim. Passes at once in a process that nobody gave it to.
#[test]
fn plays() {
    let Some(part) = role::part(PART) else { return };
    let words: Vec<&str> = part.split(' ').collect();
    let [does, seed, victim, name] = words[..] else { panic!("a part of four words") };
    let (seed, victim) = (seed.parse().unwrap(), victim.parse().unwrap());
    runtime().block_on(async {
        if does == "sends" {
            let sender = Box::pin(open(async || named::sender(name).await).await);
            let script = script(seed, victim);
            return send(sender, script, |number| body(script, victim, number), false).await;
        }
        let mut receiver = open(async || named::receiver(name).await).await;
        let mut begun = false;
        loop {
            let message = receiver.next().await.unwrap().unwrap();
            let number = u64::from_be_bytes(*message.first_chunk().unwrap());
            assert_eq!(message, to_receivers(seed, number));
            if !std::mem::replace(&mut begun, true) {
                acknowledge([BEGINS]).unwrap();
            }
            acknowledge([number]).unwrap();
        }
    });
}

/// Comes in as soon as the one before is gone.
async fn open<T>(mut attempt: impl AsyncFnMut() -> framewire::Result<T>) -> T {
    loop {
        match attempt().await {
            Ok(end) => return end,
            Err(error) if error.kind() == ErrorKind::InUse => {}
            Err(error) => panic!("{error}"),
        }
    }
}

struct Victim {
    number: u64,
    child: Child,
    acknowledgements: File,
}

impl Victim {
    fn start(does: &str, seed: u64, number: u64, name: &str) -> Self {
        let (read_end, write_end): (OwnedFd, OwnedFd) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let part = format!("{does} {seed} {number} {name}");
        let mut command = role::command("crash::named::plays", PART, &part);
        command.stdin(Stdio::from(write_end)).stdout(Stdio::null());
        Self { number, child: command.spawn().unwrap(), acknowledgements: read_end.into() }
    }

    fn begins(&mut self) {
        let mut begins = [0; size_of::<u64>()];
        self.acknowledgements.read_exact(&mut begins).expect("it begins");
        assert_eq!(u64::from_be_bytes(begins), BEGINS);
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

/// The one receiver: it lags now and then, and sleeps now and then.
fn receive_all(
    mut receiver: named::Receiver,
    seed: u64,
    runtime: &Runtime,
) -> (BTreeMap<u64, Delivery>, u64) {
    let (mut deliveries, mut cut) = (BTreeMap::new(), 0);
    runtime.block_on(async {
        for count in 0.. {
            if mix(seed ^ count) % 64 == 0 {
                sleep(Duration::from_micros(mix(count) % 3000));
            }
            let next = timeout(HANG, receiver.next()).await.expect("something comes");
            match next.expect("it never ends") {
                Ok(message) => {
                    let victim = u64::from_be_bytes(*message.first_chunk().unwrap());
                    if victim == LAST {
                        break;
                    }
                    let delivery = deliveries.entry(victim);
                    let of = || Delivery::new(script(seed, victim));
                    delivery.or_insert_with(of).came(&message[WHOSE..]);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
                    cut += 1;
                }
            }
        }
    });
    (deliveries, cut)
}

#[test]
fn a_killed_sender_loses_nothing_and_the_next_one_goes_on() {
    let (seed, cycles) = (seed(), kills());
    announce(&format!("shm+named, senders: CRASH_SEED={seed}"));
    let name = format!("crash-senders-{}-{seed}", std::process::id());
    let receiving = runtime();
    let options = named::Options::new().capacity(CAPACITY).end(End::Never);
    let receiver = receiving.block_on(options.receiver(&*name)).unwrap();
    let came = std::thread::spawn(move || receive_all(receiver, seed, &receiving));

    let mut acknowledged = Vec::new();
    let mut victim = Victim::start("sends", seed, 0, &name);
    for number in 1..=cycles {
        victim.begins();
        // It waits at the door.
        let next = Victim::start("sends", seed, number, &name);
        sleep(Duration::from_micros(mix(seed ^ number) % LIFE));
        acknowledged.push((victim.number, victim.kill()));
        victim = next;
    }
    victim.begins();
    acknowledged.push((victim.number, victim.kill()));
    runtime().block_on(async {
        let mut sender = open(async || named::sender(&*name).await).await;
        sender.send(LAST.to_be_bytes().to_vec().into()).await.unwrap();
        sender.close().await.unwrap();
    });
    let (mut deliveries, cut) = came.join().unwrap();

    let mut tally = Tally::default();
    for (victim, acknowledged) in &acknowledged {
        let nothing = || Delivery::new(script(seed, *victim));
        tally.add(&deliveries.remove(victim).unwrap_or_else(nothing), acknowledged);
    }
    tally.cut += cut;
    tally.unexpected += deliveries.len() as u64;
    announce(&format!("shm+named, senders: {tally}"));
    assert!(2 * tally.in_mid_stream >= tally.cycles, "kills that hit nothing: {tally}");
    assert!(tally.is_sound(), "{tally}");
}

/// What a killed receiver was done with does not come again, and nothing is left out.
#[test]
fn a_killed_receiver_has_a_successor_that_misses_nothing() {
    let (seed, cycles) = (seed(), kills());
    announce(&format!("shm+named, receivers: CRASH_SEED={seed}"));
    let name = format!("crash-receivers-{}-{seed}", std::process::id());
    let sending = runtime();
    let options = named::Options::new().capacity(CAPACITY);
    let mut sender = sending.block_on(options.sender(&*name)).unwrap();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let sent = std::thread::spawn(move || {
        sending.block_on(async {
            for number in 0.. {
                if stopped.try_recv().is_ok() {
                    sender.close().await.unwrap();
                    return number;
                }
                let message = to_receivers(seed, number);
                timeout(2 * HANG, sender.send(message)).await.expect("there is room").unwrap();
            }
            unreachable!("it is stopped before it has sent so many")
        })
    });

    let (mut next, mut again, mut most) = (0, 0, 0);
    let mut follows = |numbers: &[u64]| {
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return };
        assert!(*first <= next, "{} are missing", first - next);
        // What was handed out and not released, in the ring's bytes.
        let size = |number| to_receivers(seed, number).len() + 16;
        let window: usize = (*first..next).map(size).sum();
        assert!(window <= CAPACITY / 8 + 2 * MOST, "{window} bytes came again");
        (again, most) = (again + next - first, most.max(window));
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "out of order");
        next = next.max(last + 1);
    };
    let mut victim = Victim::start("receives", seed, 0, &name);
    for number in 1..=cycles {
        victim.begins();
        let waiting = Victim::start("receives", seed, number, &name);
        sleep(Duration::from_micros(mix(seed ^ number) % LIFE));
        follows(&victim.kill());
        victim = waiting;
    }
    victim.begins();
    follows(&victim.kill());
    let rest = std::thread::spawn({
        let name = name.clone();
        move || {
            runtime().block_on(async {
                let mut receiver = open(async || named::receiver(&*name).await).await;
                let mut rest = Vec::new();
                while let Some(message) = timeout(HANG, receiver.next()).await.expect("no end") {
                    let message = message.unwrap();
                    let number = u64::from_be_bytes(*message.first_chunk().unwrap());
                    assert_eq!(message, to_receivers(seed, number));
                    rest.push(number);
                }
                rest
            })
        }
    });
    stop.send(()).unwrap();
    let sent = sent.join().unwrap();
    follows(&rest.join().unwrap());
    assert_eq!(next, sent);
    announce(&format!(
        "shm+named, receivers: {cycles} kills, {sent} sent and received, {again} of them again, \
         {most} bytes at once at most"
    ));
}
