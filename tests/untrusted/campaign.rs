//! Thousands of hostile things done to one process, and one that wants nothing of all that.

use std::{
    env,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use framewire::shm;
use futures::{SinkExt, StreamExt};
use tokio::{sync::oneshot, time::timeout};

use super::{
    attacker::Attacker,
    common::{
        Process, body, nobody,
        process::answer,
        role::{self, WORD},
        same,
    },
    mutation::Random,
    victim::BOUND,
};
use crate::support::{announce, process, random};

/// Of each connection at most; it ends sooner where the other has broken off.
const A_CONNECTION: u64 = 200;
/// What a victim may hold in the end that it did not before, and at most, in bytes.
const KEPT: u64 = 48 << 20;

/// The part of the hostile one: so many mutations over as many connections as it takes.
pub(crate) fn attacks() {
    let word = role::word();
    let words: Vec<&str> = word.splitn(4, ' ').collect();
    let [seed, mutations, stranger, path] = words[..] else { panic!("a word of four") };
    let mut random = Random(random::mix(seed.parse().unwrap()));
    let (mut left, stranger) = (mutations.parse::<u64>().unwrap(), stranger == "true");
    let mut connections = 0;
    while left > 0 {
        let capacity = 64 << 10 << random.below(3);
        let mut attacker = Attacker::connect(Path::new(path), capacity);
        connections += 1;
        let mut ours = A_CONNECTION.min(left);
        while ours > 0 {
            ours -= 1;
            left -= 1;
            attacker.mutate(&mut random, stranger);
            if attacker.is_left() {
                ours = ours.min(1);
            }
        }
        // Some say that they go.
        if random.below(4) == 0 {
            attacker.ours.store(super::memory::TX_STATE, random.below(4));
            attacker.ring();
        }
    }
    answer(&format!("{connections} connections"));
}

pub(crate) fn victim(directory: &Path, two: bool) -> Process {
    let mut command = role::command("serves");
    let path = directory.join("e.sock");
    let two = if two { "two " } else { "" };
    command.env(WORD, format!("{two}{}", path.display()));
    let mut victim = Process::start(command);
    assert_eq!(victim.answer(), "listening");
    victim
}

/// Calls until it is told to end; how often, and the longest wait for an answer.
pub(crate) async fn calls(path: &Path, mut end: oneshot::Receiver<()>) -> (u64, Duration) {
    let mut connection = shm::connect(path).await.unwrap();
    let (mut count, mut longest) = (0, Duration::ZERO);
    while end.try_recv().is_err() {
        count += 1;
        let len = [0, 1, 64, 5000, 1000, 200_000][count as usize % 6];
        let (said, begun) = (body(count, len), Instant::now());
        connection.send(said.clone()).await.unwrap();
        let heard = timeout(BOUND, connection.next()).await.expect("an answer in time");
        same(&heard.unwrap().unwrap(), &said);
        longest = longest.max(begun.elapsed());
        // It leaves a processor to the others.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    connection.close().await.unwrap();
    assert!(timeout(BOUND, connection.next()).await.unwrap().is_none());
    (count, longest)
}

/// So many mutations by a process that is started by this.
fn campaign(two: bool, mutations: u64, stranger: bool, hostile: impl Fn(&Path) -> Command) {
    let seed = random::seed();
    let who = if stranger { "another user" } else { "our user" };
    announce(&format!("hostile, {who}: CRASH_SEED={seed}"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let attack = |mutations: u64| {
        let mut command = hostile(directory.path());
        command.env(WORD, format!("{seed} {mutations} {stranger} {}", path.display()));
        let mut attacker = Process::start(command);
        let done = attacker.answer();
        assert!(attacker.wait().success());
        done
    };
    let mut victim = victim(directory.path(), two);
    // What a process keeps for good once it has used it.
    attack(500);
    victim.order("0");
    let told = victim.answer();
    assert!(told.starts_with("0 left"), "hang: {told}");
    let before = (process::descriptors(victim.id()), process::memory(victim.id()));

    let begun = Instant::now();
    let (end, ended) = oneshot::channel();
    let honest = std::thread::spawn({
        let path = path.clone();
        move || role::block_on(calls(&path, ended))
    });
    let done = attack(mutations);
    end.send(()).unwrap();
    let (calls, longest) = honest.join().expect("it is none of its business");
    victim.order("0");
    let told = victim.answer();
    let after = (process::descriptors(victim.id()), process::memory(victim.id()));
    announce(&format!("{who}: {mutations} mutations, {done}, {:?}: {told}", begun.elapsed()));
    announce(&format!(
        "an honest one: {calls} calls, {longest:?} at most; had {before:?}, has {after:?}"
    ));
    assert!(told.starts_with("0 left"), "hang: {told}");
    assert_eq!(after.0, before.0, "descriptors");
    assert!(after.1 < before.1 + KEPT, "memory: {before:?}, {after:?}");
    assert!(calls > 0);
    assert!(victim.wait().success());
}

fn mutations() -> u64 {
    env::var("FRAMEWIRE_MUTATIONS").map_or(40_000, |count| count.parse().expect("a number"))
}

#[test]
fn a_hostile_peer_ends_its_own_connections_alone_on_one_thread() {
    campaign(false, mutations(), false, |_| role::command("attacks"));
}

#[test]
fn a_hostile_peer_ends_its_own_connections_alone_on_two_workers() {
    campaign(true, mutations(), false, |_| role::command("attacks"));
}

#[test]
fn a_hostile_peer_of_another_user_cannot_even_block_us() {
    if !nobody::can_be() {
        return;
    }
    campaign(false, mutations() / 2, true, |directory| {
        let program = directory.join("program");
        if !program.exists() {
            nobody::for_everyone(directory);
        }
        nobody::command(&program, "attacks")
    });
}
