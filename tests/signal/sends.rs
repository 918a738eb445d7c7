//! Processes that send signals.

use std::process::Command;

use framewire::{
    ErrorKind,
    signal::{self, Options, WhenFull},
};
use futures::SinkExt;

use super::common::{
    Process,
    process::{answer, next_order},
    role::{self, WORD},
};

/// Starts a process that sends to this one, `RTMIN+n` and how: `count` of them, waiting for room,
/// or a `flood` of so many milliseconds.
pub(crate) fn sender(signal: &str, how: &str) -> Process {
    let mut command = role::command("sends");
    command.env(WORD, format!("{signal}@{} {how}", std::process::id()));
    Process::start(command)
}

/// The part of such a process: it waits for an order first and answers `accepted full` last.
pub(crate) fn sends() {
    let word = role::word();
    let [name, how, number] = word.split(' ').collect::<Vec<_>>()[..] else { panic!("{word}") };
    let number: i32 = number.parse().unwrap();
    role::block_on(async {
        let wait = how == "count";
        let when_full = if wait { WhenFull::Wait } else { WhenFull::Fail };
        let mut sender = Options::new().when_full(when_full).sender(name).await.unwrap();
        answer("ready");
        next_order().unwrap();
        if wait {
            for value in 0..number {
                sender.feed(value.into()).await.unwrap();
            }
            sender.close().await.unwrap();
            return answer(&format!("{number} {}", sender.times_full()));
        }
        let begun = std::time::Instant::now();
        let (mut accepted, mut refused) = (0, 0_u64);
        while begun.elapsed().as_millis() < number as u128 {
            match sender.send(accepted.into()).await {
                Ok(()) => accepted += 1,
                Err(error) if error.kind() == ErrorKind::Exhausted => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(refused, sender.times_full());
        answer(&format!("{accepted} {refused}"));
    });
}

/// What a sender answers last: how many were accepted, and how often the queue was full.
pub(crate) fn sent(process: &mut Process) -> (i32, u64) {
    let answer = process.answer();
    let (accepted, full) = answer.split_once(' ').unwrap();
    (accepted.parse().unwrap(), full.parse().unwrap())
}

/// Runs something whose signals are blocked from its start, in all of its threads: this one starts
/// it, and its mask is the child's.
pub(crate) fn with_blocked(signal: &'static str, run: impl FnOnce() + Send + 'static) {
    let ran = std::thread::spawn(move || {
        signal::block([signal]).unwrap();
        run();
    });
    if let Err(panic) = ran.join() {
        std::panic::resume_unwind(panic);
    }
}

/// What a child of this process has blocked: proc_pid_status(5).
pub(crate) fn blocked_in(change: impl FnOnce(&mut Command)) -> u64 {
    let mut command = Command::new("cat");
    command.arg("/proc/self/status");
    change(&mut command);
    mask(&String::from_utf8(command.output().unwrap().stdout).unwrap())
}

/// The mask that a status has.
pub(crate) fn mask(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}
