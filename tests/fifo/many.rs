//! Many writers at once.

use std::{
    collections::BTreeMap,
    env,
    process::{Child, Command, Stdio},
};

use bytes::{BufMut, Bytes, BytesMut};
use framewire::fifo;
use futures::{SinkExt, StreamExt};

use super::common::{
    body,
    role::{self, WORD},
    same, within,
};

const WRITERS: u64 = 8;

/// How many frames each of the writers sends; `FRAMEWIRE_FRAMES` is how many all of them do.
fn frames() -> u64 {
    env::var("FRAMEWIRE_FRAMES").map_or(1_000_000, |n| n.parse::<u64>().expect("a number"))
        / WRITERS
}

/// Each is known from the writer and its number alone: most are small, some as long as can be.
fn frame(writer: u64, number: u64) -> Bytes {
    let most = rustix::pipe::PIPE_BUF - 4;
    let len = if number % 997 == 0 { most } else { 16 + number as usize % 32 };
    let mut frame = BytesMut::with_capacity(len);
    frame.put_u64(writer);
    frame.put_u64(number);
    frame.extend_from_slice(&body(number * WRITERS + writer, len - 16));
    frame.freeze()
}

/// The part of a writer.
pub(crate) fn writes() {
    let word = role::word();
    let (writer, path) = word.split_once(' ').unwrap();
    let writer: u64 = writer.parse().unwrap();
    role::block_on(async {
        let mut sender = fifo::sender(path).await.unwrap();
        for number in 0..frames() {
            sender.feed(frame(writer, number)).await.unwrap();
            if number % 50 == writer {
                sender.flush().await.unwrap();
            }
        }
        sender.close().await.unwrap();
    });
}

fn start(path: &std::path::Path, writer: u64) -> Child {
    let mut command: Command = role::command("writes many");
    command.env(WORD, format!("{writer} {}", path.display()));
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// None is mixed with another, none is lost, and each writer's come in their order.
#[tokio::test]
async fn eight_processes_frames_do_not_mix() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let options = fifo::Options::new().end(fifo::End::WithLastWriter);
    let mut receiver = options.receiver(&path).await.unwrap();
    // The end is when the last has left, and none is to be the last before all are there.
    let held = fifo::sender(&path).await.unwrap();
    let mut writers: Vec<_> = (0..WRITERS).map(|writer| start(&path, writer)).collect();

    let mut next = BTreeMap::new();
    let mut count = 0;
    let mut messages = Vec::new();
    while count < WRITERS * frames() {
        let many = within(receiver.recv_many(&mut messages)).await.unwrap();
        assert!(many > 0, "{count} came");
        for message in messages.drain(..) {
            let writer = u64::from_be_bytes(*message.first_chunk().expect("a writer's number"));
            assert!(writer < WRITERS, "mixed");
            let number: &mut u64 = next.entry(writer).or_default();
            same(&message, &frame(writer, *number));
            *number += 1;
            count += 1;
        }
    }
    drop(held);
    assert!(within(receiver.next()).await.is_none());
    assert_eq!(next.len() as u64, WRITERS);
    assert!(next.values().all(|came| *came == frames()), "{next:?}");
    for writer in &mut writers {
        assert!(writer.wait().unwrap().success());
    }
}
