//! The process that is killed: it sends, and says of each frame when it was told that it is sent.

use std::{fmt::Write as _, io, pin::pin, task::Poll};

use bytes::Bytes;
use framewire::{BoxSender, Endpoint, Result, pipe};
use futures::{SinkExt, poll};

use super::script::Script;
use crate::support::role;

const PART: &str = "FRAMEWIRE_TEST_VICTIM";
/// Stands where the address of a mechanism with names would.
pub(super) const PIPE: &str = "pipe";
/// The first number on the acknowledgement pipe: the first bytes are with the kernel. Not earlier:
/// on a busy machine, whoever is told is often faster than what comes next.
pub(super) const BEGINS: u64 = u64::MAX;

/// What is wrong with a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// It acknowledges what it has begun to send, without waiting until it is sent.
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
    let script = Script::new(seed.parse().unwrap(), over.split(':').next().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sender: BoxSender = match over {
            PIPE => Box::pin(pipe::inherited().unwrap()),
            address => Box::pin(address.parse::<Endpoint>().unwrap().connect().await.unwrap()),
        };
        send(sender, script, |number| script.body(number), bug == "Hasty").await;
    });
}

/// Sends the bodies of these numbers, in the script's batches, until it is killed.
pub(super) async fn send(
    mut sender: BoxSender,
    script: Script,
    body: impl Fn(u64) -> Bytes,
    hasty: bool,
) {
    let mut next = 0;
    loop {
        let batch = next..next + script.batch(next);
        next = batch.end;
        let bodies = batch.clone().map(&body).collect();
        let mut sending = pin!(send_batch(&mut sender, bodies));
        let begun = poll!(&mut sending);
        if batch.start == 0 {
            acknowledge([BEGINS]).unwrap();
        }
        if hasty {
            acknowledge(batch.clone()).unwrap();
        }
        match begun {
            Poll::Ready(sent) => sent.unwrap(),
            Poll::Pending => sending.await.unwrap(),
        }
        if !hasty {
            acknowledge(batch).unwrap();
        }
    }
}

/// One by `send`, more of them by `feed` and one `flush`.
async fn send_batch(sender: &mut BoxSender, mut bodies: Vec<Bytes>) -> Result<()> {
    match bodies.pop() {
        Some(only) if bodies.is_empty() => return sender.send(only).await,
        last => bodies.extend(last),
    }
    for body in bodies {
        sender.feed(body).await?;
    }
    sender.flush().await
}

/// In one write, which a pipe takes whole or not at all.
pub(super) fn acknowledge(numbers: impl IntoIterator<Item = u64>) -> io::Result<()> {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_be_bytes).collect();
    let written = rustix::io::write(rustix::stdio::stdin(), &bytes)?;
    assert_eq!(written, bytes.len());
    Ok(())
}
