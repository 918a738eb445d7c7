//! Waits that are given up take no permit.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use framewire::{
    semaphore::{self, Semaphore},
    wait::Strategy,
};
use tokio::{task::yield_now, time::timeout};

use super::{
    common::{
        Flavour, HANG, Polls, Process,
        process::{answer, next_order},
        role::{self, WORD},
    },
    subject::Name,
    support::{
        announce,
        random::{mix, seed},
    },
};

/// In all: half of them by each of two processes, half of those with each strategy.
const CANCELS: u32 = 100_000;
const TASKS: u32 = 4;
/// Fewer than there are tasks in either process, so that it has to wait though the other is done.
const PERMITS: u32 = 2;
const STRATEGIES: [Strategy; 2] = [Strategy::Park, Strategy::Adaptive];

static HELD: AtomicU32 = AtomicU32::new(0);
static CANCELLED: AtomicU32 = AtomicU32::new(0);

/// Takes permits and gives up waiting for some, until all tasks have given up so often.
async fn cancel(gate: Semaphore, cancels: u32, mut state: u64) {
    let mut random = move |bound: u64| {
        state = mix(state);
        state % bound
    };
    while CANCELLED.load(Ordering::SeqCst) < cancels {
        // Mostly after a number of polls, now and then after a time.
        let got = match random(50) {
            0 => timeout(Duration::from_micros(random(3000)), gate.acquire()).await.ok(),
            _ => Polls::new(random(8) as usize, Box::pin(gate.acquire())).await,
        };
        let Some(permit) = got else {
            CANCELLED.fetch_add(1, Ordering::SeqCst);
            continue;
        };
        let permit = permit.unwrap();
        let others = HELD.fetch_add(1, Ordering::SeqCst);
        assert!(others < PERMITS, "{others} are held besides this one");
        for _ in 0..random(4) {
            yield_now().await;
        }
        HELD.fetch_sub(1, Ordering::SeqCst);
        match random(3) {
            0 => {
                permit.forget();
                gate.post().unwrap();
            }
            _ => drop(permit),
        }
    }
}

/// What each of the two processes does.
fn play(flavour: Flavour, name: &str, seed: u64) {
    for (n, strategy) in (0..).zip(STRATEGIES) {
        let open = || semaphore::Options::new().strategy(strategy).open(name).unwrap();
        let shared = open();
        // Some stand in one line, and some in one each, which is empty when they leave.
        let gates: Vec<_> =
            (0..TASKS).map(|task| if task < 2 { shared.clone() } else { open() }).collect();
        let cancels = (n + 1) * CANCELS / 2 / STRATEGIES.len() as u32;
        flavour.run(async move {
            let tasks: Vec<_> = (0..TASKS)
                .zip(gates)
                .map(|(task, gate)| {
                    let state = mix(seed ^ u64::from(n * TASKS + task));
                    tokio::spawn(cancel(gate, cancels, state))
                })
                .collect();
            for task in tasks {
                timeout(HANG, task).await.expect("it hangs").unwrap();
            }
        });
    }
    assert_eq!(HELD.load(Ordering::SeqCst), 0);
}

/// The part of the other process.
pub(crate) fn cancels() {
    let word = role::word();
    let (name, seed) = word.split_once(' ').unwrap();
    play(Flavour::TwoWorkers, name, seed.parse().unwrap());
    // What a thread still has for one that gave up goes back before this process ends.
    answer("done");
    next_order();
}

#[test]
fn random_cancels_keep_the_sum_of_permits() {
    let seed = seed();
    announce(&format!("CRASH_SEED={seed}"));
    let name = Name::new();
    let gate = semaphore::Options::new().initial(PERMITS).open(&name).unwrap();
    let mut command = role::command("cancels");
    command.env(WORD, format!("{} {}", name.as_ref(), mix(seed)));
    let mut other = Process::start(command);
    play(Flavour::CurrentThread, name.as_ref(), seed);
    assert_eq!(other.answer(), "done");
    // Longer than any call goes on for somebody who has left.
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    while gate.value().unwrap() < PERMITS {
        assert!(begun.elapsed() < HANG / 10, "{} of {PERMITS} are left", gate.value().unwrap());
    }
    assert_eq!(gate.value().unwrap(), PERMITS);
    let all: Vec<_> = (0..PERMITS).map(|_| gate.try_acquire().unwrap().unwrap()).collect();
    assert!(gate.try_acquire().unwrap().is_none());
    drop(all);
    assert!(other.wait().success());
    assert_eq!(gate.value().unwrap(), PERMITS);
}
