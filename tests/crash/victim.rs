//! The process that is killed: it sends, and says of each frame when it was told that it is sent.

use std::{fmt::Write as _, io};

use framewire::{BoxSender, Endpoint, pipe};
use futures::SinkExt;

use super::script::Script;
use crate::support::role;

const PART: &str = "FRAMEWIRE_TEST_VICTIM";
/// Stands where the address of a mechanism with names would.
pub(super) const PIPE: &str = "pipe";
/// The first number on the acknowledgement pipe: from here on, frames are sent.
pub(super) const BEGINS: u64 = u64::MAX;

/// What is wrong with a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// It acknowledges what it has queued, before it was flushed.
    Hasty,
}

/// A victim that sends over this, an address or [`PIPE`]. Its standard input is to be the write end
/// of the acknowledgement pipe: the one descriptor that every process knows the number of, and
/// that nothing else is printed to.
pub(super) fn command(seed: u64, bug: Bug, over: &str) -> std::process::Command {
    let mut part = String::new();
    write!(part, "{seed} {bug:?} {over}").unwrap();
    let mut command = role::command("crash::victim::plays", PART, &part);
    command.stdout(std::process::Stdio::null());
    command
}

/// The part of the victim. Passes at once in a process that nobody gave it to.
#[test]
fn plays() {
    let Some(part) = role::part(PART) else { return };
    let words: Vec<&str> = part.split(' ').collect();
    let [seed, bug, over] = words[..] else { panic!("a part of three words") };
    let script = Script::new(seed.parse().unwrap());
    // The noise that bodies are made of is there before the clock runs.
    script.body(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sender: BoxSender = match over {
            PIPE => Box::pin(pipe::inherited().unwrap()),
            address => Box::pin(address.parse::<Endpoint>().unwrap().connect().await.unwrap()),
        };
        send(sender, script, bug == "Hasty").await;
    });
}

/// Sends until it is killed.
async fn send(mut sender: BoxSender, script: Script, hasty: bool) {
    acknowledge([BEGINS]).unwrap();
    let mut next = 0;
    loop {
        let batch = next..next + script.batch(next);
        next = batch.end;
        if batch.end - batch.start == 1 && !hasty {
            sender.send(script.body(batch.start)).await.unwrap();
        } else {
            for number in batch.clone() {
                sender.feed(script.body(number)).await.unwrap();
            }
            if hasty {
                acknowledge(batch.clone()).unwrap();
            }
            sender.flush().await.unwrap();
        }
        if !hasty {
            acknowledge(batch).unwrap();
        }
    }
}

/// In one write, which a pipe takes whole or not at all.
fn acknowledge(numbers: impl IntoIterator<Item = u64>) -> io::Result<()> {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_be_bytes).collect();
    let written = rustix::io::write(rustix::stdio::stdin(), &bytes)?;
    assert_eq!(written, bytes.len());
    Ok(())
}
