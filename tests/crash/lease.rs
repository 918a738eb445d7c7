//! Holders of permits, killed: what they had comes back, and nobody ever has what another one has.

use std::{
    fs::File,
    io::Read,
    os::{
        fd::OwnedFd,
        unix::fs::{FileExt, OpenOptionsExt},
    },
    path::Path,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use framewire::semaphore::lease::{self, Leases};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::{runtime::Builder, time::timeout};

use super::{
    kills,
    victim::{BEGINS, Bug, acknowledge},
};
use crate::support::{
    HANG, announce,
    random::{mix, seed},
    role,
};

const PART: &str = "FRAMEWIRE_TEST_LEASE";
const PERMITS: usize = 3;
/// More than there are permits: some wait.
const VICTIMS: u64 = 5;
/// A victim lives for less than this from when all have begun, in microseconds.
const LIFE: u64 = 1500;
/// A victim that has no permit any more.
const RELEASED: u64 = u64::MAX - 1;
/// A victim that met another holder of its permit.
const FAULT: u64 = u64::MAX - 2;
/// What the witness has of each permit: the holder's number, and when it began.
const RECORD: usize = 2 * size_of::<u64>();

/// What the system says of a process: when it began, unless it has begun to end. From then on its
/// locks may go.
fn alive(pid: u64) -> Option<u64> {
    const PF_EXITING: u64 = 4;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Its name, in brackets, can hold anything; behind it the fields are numbered from 3.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |number: usize| fields[number - 3].parse::<u64>().unwrap();
    (field(9) & PF_EXITING == 0 && !"ZX".contains(fields[0])).then(|| field(22))
}

/// Who has which permit, as the holders themselves say: a file beside, which nothing is locked by.
struct Witness(File);

impl Witness {
    fn open(path: &Path) -> Self {
        let mut options = File::options();
        options.read(true).write(true).create(true).mode(0o600);
        Self(options.open(path.with_extension("witness")).unwrap())
    }

    fn read(&self, index: usize) -> (u64, u64) {
        let mut record = [0; RECORD];
        let at = (index * RECORD) as u64;
        if self.0.read_at(&mut record, at).unwrap() < RECORD {
            return (0, 0);
        }
        let (pid, began) = record.split_at(size_of::<u64>());
        (u64::from_ne_bytes(pid.try_into().unwrap()), u64::from_ne_bytes(began.try_into().unwrap()))
    }

    fn write(&self, index: usize, (pid, began): (u64, u64)) {
        let mut record = [0; RECORD];
        record[..size_of::<u64>()].copy_from_slice(&pid.to_ne_bytes());
        record[size_of::<u64>()..].copy_from_slice(&began.to_ne_bytes());
        self.0.write_all_at(&record, (index * RECORD) as u64).unwrap();
    }

    /// Whether another one says that it has this permit, and is alive.
    fn has_other(&self, index: usize, ours: (u64, u64)) -> bool {
        let (pid, began) = self.read(index);
        (pid, began) != (0, 0) && (pid, began) != ours && alive(pid) == Some(began)
    }
}

/// The part of the victim. Passes at once in a process that nobody gave it to.
#[test]
fn plays() {
    let Some(part) = role::part(PART) else { return };
    let words: Vec<&str> = part.split(' ').collect();
    let [seed, bug, path] = words[..] else { panic!("a part of three words") };
    let (seed, path): (u64, &Path) = (seed.parse().unwrap(), path.as_ref());
    let pid = u64::from(std::process::id());
    let ours = (pid, alive(pid).unwrap());
    let witness = Witness::open(path);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let leases = lease::open(path, PERMITS).await.unwrap();
        for n in 0.. {
            let lease = leases.acquire().await.unwrap();
            let index = lease.index();
            // One that is hasty gives back what it goes on using.
            let lease = Some(lease).filter(|_| bug != "Hasty");
            if n == 0 {
                acknowledge([BEGINS]).unwrap();
            }
            let mut fault = witness.has_other(index, ours);
            witness.write(index, ours);
            acknowledge([index as u64]).unwrap();
            sleep(Duration::from_micros(mix(seed ^ n) % 300));
            tokio::task::yield_now().await;
            fault |= witness.read(index) != ours;
            witness.write(index, (0, 0));
            acknowledge([RELEASED]).unwrap();
            if fault {
                acknowledge([FAULT]).unwrap();
            }
            drop(lease);
        }
    });
}

struct Victim {
    child: Child,
    acknowledgements: File,
}

impl Victim {
    fn start(seed: u64, bug: Bug, path: &Path) -> Self {
        let (read_end, write_end): (OwnedFd, OwnedFd) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let part = format!("{seed} {bug:?} {}", path.display());
        let mut command = role::command("crash::lease::plays", PART, &part);
        command.stdin(Stdio::from(write_end)).stdout(Stdio::null());
        Self { child: command.spawn().unwrap(), acknowledgements: read_end.into() }
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
        numbers.map(|n| u64::from_be_bytes(n.try_into().unwrap())).collect()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sum over all the cycles.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    /// Kills of one that had a permit.
    holding: u64,
    acquired: u64,
    /// Two had one permit.
    faults: u64,
    /// The longest time after which all permits were free.
    longest: Duration,
}

/// Waits until all are free: soon after the last one has ended.
fn all_come_back(leases: &Leases) -> Duration {
    let begun = Instant::now();
    loop {
        let free = leases.free().unwrap();
        if free == PERMITS {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < HANG, "{free} of {PERMITS} came back");
        sleep(Duration::from_millis(1));
    }
}

fn run(seed: u64, kills: u64, bug: Bug) -> Tally {
    announce(&format!("lease, bug: {bug:?}: CRASH_SEED={seed}"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("permits");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let leases = runtime.block_on(lease::open(&*path, PERMITS)).unwrap();
    let mut tally = Tally::default();
    while tally.kills < kills {
        let start = |number| Victim::start(mix(seed ^ mix(tally.kills + number)), bug, &path);
        let mut victims: Vec<_> = (0..VICTIMS).map(start).collect();
        victims.iter_mut().for_each(Victim::begins);
        for mut victim in victims {
            sleep(Duration::from_micros(mix(seed ^ tally.kills) % LIFE));
            let told = victim.kill();
            let is_permit = |told: &&u64| **told < PERMITS as u64;
            tally.kills += 1;
            tally.holding += u64::from(
                told.iter().rfind(|told| **told != FAULT).is_some_and(|last| *last != RELEASED),
            );
            tally.acquired += told.iter().filter(is_permit).count() as u64;
            tally.faults += told.iter().filter(|told| **told == FAULT).count() as u64;
        }
        tally.longest = tally.longest.max(all_come_back(&leases));
        // And they can be had: all at once, and no more.
        runtime.block_on(async {
            let mut all = Vec::new();
            for _ in 0..PERMITS {
                let lease = timeout(HANG, leases.acquire()).await.expect("one is free");
                all.push(lease.unwrap());
            }
            assert!(leases.try_acquire().unwrap().is_none());
        });
    }
    announce(&format!("lease, bug: {bug:?}: {tally:?}"));
    assert_eq!(leases.free().unwrap(), PERMITS);
    tally
}

#[test]
fn permits_of_the_killed_come_back_and_have_one_holder_each() {
    let tally = run(seed(), kills(), Bug::None);
    assert_eq!(tally.faults, 0, "{tally:?}");
    assert!(4 * tally.holding >= tally.kills, "kills that hit nothing: {tally:?}");
}

/// The witness that finds nothing finds one that gives its permit back too early.
#[test]
fn a_holder_that_gives_back_too_early_is_caught() {
    for round in 0..25 {
        if run(mix(seed() ^ round), 40, Bug::Hasty).faults > 0 {
            return;
        }
    }
    panic!("two had one permit, and nobody noticed");
}
