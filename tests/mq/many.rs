//! Many receivers share the work, and many senders one queue.

use std::collections::BTreeSet;

use futures::{SinkExt, StreamExt, future::join_all};

use super::{
    common::{
        Process, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    subject::{BOTH, Name, small},
};

const MESSAGES: u64 = 400;
const READERS: usize = 4;
/// What tells a reader to stop.
const STOP: u64 = u64::MAX;

fn number(body: &[u8]) -> u64 {
    u64::from_be_bytes(*body.first_chunk().unwrap())
}

/// Each message comes to one, and none to nobody: in one process …
#[tokio::test]
async fn tasks_share_the_work() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().wait_by(wait_by);
        let readers = (0..READERS).map(|_| {
            let (options, name) = (options.clone(), name.to_string());
            tokio::spawn(async move {
                let mut receiver = options.receiver(name).await.unwrap();
                let mut mine = Vec::new();
                loop {
                    match number(&receiver.next().await.unwrap().unwrap()) {
                        STOP => return mine,
                        n => mine.push(n),
                    }
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        let senders = (0..2).map(|sender| {
            let (options, name) = (options.clone(), name.to_string());
            tokio::spawn(async move {
                let mut sink = options.sender(name).await.unwrap();
                for n in (sender..MESSAGES).step_by(2) {
                    sink.send(numbered(n, 8 + n as usize % 50)).await.unwrap();
                }
            })
        });
        for sender in within(join_all(senders)).await {
            sender.unwrap();
        }
        let mut sender = options.sender(&*name).await.unwrap();
        for _ in 0..READERS {
            sender.send(numbered(STOP, 8)).await.unwrap();
        }
        let mut all = BTreeSet::new();
        for mine in within(join_all(readers)).await {
            let mine = mine.unwrap();
            // Each sender's in their order, as far as they are ours.
            for parity in [0, 1] {
                let of_one = mine.iter().filter(|n| *n % 2 == parity);
                assert!(of_one.is_sorted(), "{mine:?}");
            }
            for n in mine {
                assert!(all.insert(n), "{n} came twice");
            }
        }
        assert!(all.into_iter().eq(0..MESSAGES), "not all came");
    }
}

/// The part of one of several processes.
pub(crate) fn shares() {
    let word = role::word();
    let (wait_by, name) = word.split_once(' ').unwrap();
    let wait_by = BOTH[wait_by.parse::<usize>().unwrap()];
    role::block_on(async {
        let mut receiver = small().wait_by(wait_by).receiver(name).await.unwrap();
        answer("ready");
        loop {
            match number(&receiver.next().await.unwrap().unwrap()) {
                STOP => break,
                n => answer(&n.to_string()),
            }
        }
        answer("done");
        next_order();
    });
}

/// … and in several.
#[tokio::test]
async fn processes_share_the_work() {
    for way in 0..BOTH.len() {
        let name = Name::new();
        let mut readers: Vec<_> = (0..3)
            .map(|_| {
                let mut command = role::command("shares");
                command.env(WORD, format!("{way} {}", &*name));
                let mut reader = Process::start(command);
                assert_eq!(reader.answer(), "ready");
                reader
            })
            .collect();
        let mut sender = small().sender(&*name).await.unwrap();
        for n in 0..MESSAGES {
            within(sender.send(numbered(n, 8))).await.unwrap();
        }
        for _ in &readers {
            within(sender.send(numbered(STOP, 8))).await.unwrap();
        }
        let mut all = BTreeSet::new();
        for reader in &mut readers {
            loop {
                match &*reader.answer() {
                    "done" => break,
                    n => assert!(all.insert(n.parse::<u64>().unwrap()), "{n} came twice"),
                }
            }
            assert!(reader.wait().success());
        }
        assert!(all.into_iter().eq(0..MESSAGES), "not all came");
    }
}
