//! What a SIGKILL costs: at most the message that a receiver had just taken, and no part of one.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use framewire::mq;
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{
        id_of, numbered,
        role::{self, WORD},
        within,
    },
    subject::{BOTH, Name, small},
};

const KILLS: u64 = 12;
/// How long nothing comes from a queue that is empty.
const QUIET: std::time::Duration = std::time::Duration::from_millis(100);

fn parts() -> (mq::Options, String) {
    let word = role::word();
    let (wait_by, name) = word.split_once(' ').unwrap();
    (small().wait_by(BOTH[wait_by.parse::<usize>().unwrap()]), name.to_owned())
}

fn start(part: &str, way: usize, name: &Name) -> Child {
    let mut command = role::command(part);
    command.env(WORD, format!("{way} {}", &**name)).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn lens(n: u64) -> usize {
    8 + n as usize * 37 % 57
}

/// The part of a receiver that says what it has handled.
pub(crate) fn receives() {
    let (options, name) = parts();
    role::block_on(async {
        let mut receiver = options.receiver(name).await.unwrap();
        while let Some(message) = receiver.next().await {
            println!("\nhandled {}", id_of(&message.unwrap()));
        }
    });
}

/// The part of a sender that sends all the time.
pub(crate) fn sends() {
    let (options, name) = parts();
    role::block_on(async {
        let mut sender = options.sender(name).await.unwrap();
        for n in 0.. {
            sender.send(numbered(n, lens(n))).await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_killed_receiver_loses_one_message_at_most() {
    for (way, wait_by) in BOTH.into_iter().enumerate() {
        let name = Name::new();
        let mut sender = small().sender(&*name).await.unwrap();
        let sending = tokio::spawn(async move {
            let mut n = 0;
            // Until the name is gone, which the queue itself does not notice.
            loop {
                sender.send(numbered(n, lens(n))).await.unwrap();
                n += 1;
            }
        });
        let mut handled = BTreeSet::new();
        for round in 0..KILLS {
            let mut receiver = start("receives", way, &name);
            let lines = BufReader::new(receiver.stdout.take().unwrap()).lines();
            let name = name.to_string();
            let mine = tokio::task::spawn_blocking(move || {
                let mut mine = Vec::new();
                for line in lines {
                    if let Some(n) = line.unwrap().strip_prefix("handled ") {
                        mine.push(n.parse::<u64>().unwrap());
                    }
                    if mine.len() as u64 == 1 + round * 5 {
                        // What it says from here on is in the pipe already, or never said.
                        receiver.kill().unwrap();
                    }
                }
                receiver.wait().unwrap();
                drop(name);
                mine
            });
            for n in within(mine).await.unwrap() {
                assert!(handled.insert(n), "{n} came twice");
            }
        }
        sending.abort();
        let _ = sending.await;
        let mut rest = mq::Options::new().receiver(&*name).await.unwrap();
        while let Ok(message) = timeout(QUIET, rest.next()).await {
            assert!(handled.insert(id_of(&message.unwrap().unwrap())), "it came twice");
        }
        let sent = handled.last().unwrap() + 1;
        let lost = sent - handled.len() as u64;
        assert!(lost <= KILLS, "{lost} of {sent} lost by {KILLS} kills");
        eprintln!("{wait_by:?}: {lost} of {sent} lost by {KILLS} kills");
    }
}

/// Whatever comes is whole, in order, and without a gap.
#[tokio::test]
async fn a_killed_sender_s_messages_are_whole() {
    for (way, wait_by) in BOTH.into_iter().enumerate() {
        for round in 0..KILLS {
            let name = Name::new();
            let mut receiver = small().wait_by(wait_by).receiver(&*name).await.unwrap();
            let mut sender = start("sends", way, &name);
            let before = 1 + round * 17;
            let mut next = 0;
            while next < before {
                let message = within(receiver.next()).await.unwrap().unwrap();
                assert_eq!((id_of(&message), message.len()), (next, lens(next)));
                next += 1;
            }
            sender.kill().unwrap();
            sender.wait().unwrap();
            while let Ok(message) = timeout(QUIET, receiver.next()).await {
                let message = message.unwrap().unwrap();
                assert_eq!((id_of(&message), message.len()), (next, lens(next)));
                next += 1;
            }
        }
    }
}
