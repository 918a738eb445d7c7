//! Permits between processes, and what becomes of those of the killed.

use std::{thread::sleep, time::Duration};

use framewire::{semaphore, wait::Strategy};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    subject::Name,
};

/// Longer than a call goes on for those who have left.
const A_SLICE: Duration = Duration::from_millis(150);

fn strategy(word: &str) -> Strategy {
    if word == "park" { Strategy::Park } else { Strategy::Adaptive }
}

/// The part of one that gives each token back.
pub(crate) fn hands_back() {
    let word = role::word();
    let [there, back, how, rounds] = word.split(' ').collect::<Vec<_>>()[..] else { panic!() };
    let options = semaphore::Options::new().strategy(strategy(how)).create(false);
    role::block_on(async {
        let (there, back) = (options.open(there).unwrap(), options.open(back).unwrap());
        for _ in 0..rounds.parse::<u32>().unwrap() {
            within(there.acquire()).await.unwrap().forget();
            back.post().unwrap();
        }
    });
}

/// Hands a token to another process and takes it back.
fn hands_over(how: &str, rounds: u32) {
    let (there, back) = (Name::new(), Name::new());
    let options = semaphore::Options::new().strategy(strategy(how));
    let (to, from) = (options.open(&there).unwrap(), options.open(&back).unwrap());
    let mut command = role::command("hands back");
    command.env(WORD, format!("{} {} {how} {rounds}", there.as_ref(), back.as_ref()));
    let mut other = Process::start(command);
    role::block_on(async {
        for round in 0..rounds {
            to.post().unwrap();
            within(from.acquire()).await.unwrap().forget();
            assert_eq!(from.value().unwrap(), 0, "round {round}: there is one token");
        }
    });
    assert!(other.wait().success());
    assert_eq!((to.value().unwrap(), from.value().unwrap()), (0, 0));
}

#[test]
fn a_token_goes_back_and_forth() {
    hands_over("adaptive", 10_000);
}

#[test]
fn a_token_goes_back_and_forth_between_those_who_park() {
    hands_over("park", 10_000);
}

/// The part of one that does what it is told.
pub(crate) fn obeys() {
    let options = semaphore::Options::new().strategy(Strategy::Park);
    let gate = options.open(role::word()).unwrap();
    let mut held = Vec::new();
    answer("ready");
    while let Some(order) = next_order() {
        match &*order {
            "take" => held.push(role::block_on(within(gate.acquire())).unwrap()),
            "wait" => {
                let gate = gate.clone();
                std::thread::spawn(move || role::block_on(gate.acquire()).unwrap().forget());
                sleep(A_SLICE);
            }
            _ => panic!("{order:?}"),
        }
        answer(&order);
    }
}

fn obedient(name: &Name) -> Process {
    let mut command = role::command("obeys");
    command.env(WORD, name.as_ref());
    let mut process = Process::start(command);
    assert_eq!(process.answer(), "ready");
    process
}

fn must(process: &mut Process, order: &str) {
    process.order(order);
    assert_eq!(process.answer(), order);
}

#[test]
fn the_killed_give_nothing_back_and_take_nothing() {
    let name = Name::new();
    let gate = semaphore::Options::new().initial(2).open(&name).unwrap();
    let mut holder = obedient(&name);
    must(&mut holder, "take");
    assert_eq!(gate.value().unwrap(), 1);
    holder.kill();
    sleep(A_SLICE);
    // As it is documented: nobody knows whose it was.
    assert_eq!(gate.value().unwrap(), 1);
    gate.post().unwrap();

    // One that waits, parked in the kernel, has no permit to lose, and is no longer in the way.
    let all: Vec<_> = (0..2).map(|_| gate.try_acquire().unwrap().unwrap()).collect();
    let mut waiter = obedient(&name);
    must(&mut waiter, "wait");
    waiter.kill();
    drop(all);
    sleep(A_SLICE);
    assert_eq!(gate.value().unwrap(), 2);
    role::block_on(async {
        let held = [gate.acquire().await.unwrap(), gate.acquire().await.unwrap()];
        let next = gate.acquire();
        let back = async { drop(held) };
        let (next, ()) = within(async { tokio::join!(next, back) }).await;
        drop(next.unwrap());
    });
}

#[test]
fn who_ends_in_order_gives_back_what_it_held() {
    let name = Name::new();
    let gate = semaphore::Options::new().initial(1).open(&name).unwrap();
    let mut holder = obedient(&name);
    must(&mut holder, "take");
    assert!(gate.try_acquire().unwrap().is_none());
    assert!(holder.wait().success());
    assert_eq!(gate.value().unwrap(), 1);
}
