//! Many messages in one queue message.

use std::process::Command;

use bytes::Bytes;
use framewire::{ErrorKind, mq, mq::WaitBy};
use futures::{FutureExt, SinkExt, StreamExt};

use super::{
    common::{
        Process, id_of, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    ends::connected,
    subject::{Name, small},
};

const COUNT: u64 = 10_000;

fn packed() -> mq::Options {
    mq::Options::new().capacity(4).max_len(512).packed()
}

/// The part of one that sends all.
pub(crate) fn sends() {
    role::block_on(async {
        let mut sender = packed().sender(role::word()).await.unwrap();
        for n in 0..COUNT {
            sender.feed(numbered(n, 8 + n as usize % 60)).await.unwrap();
        }
        sender.flush().await.unwrap();
        answer("sent");
        next_order();
    });
}

#[test]
fn ten_thousand_come_in_order_from_another_process() {
    for wait_by in [WaitBy::Descriptor, WaitBy::Blocking] {
        role::block_on(async {
            let name = Name::new();
            let mut receiver = packed().wait_by(wait_by).receiver(&*name).await.unwrap();
            let mut command: Command = role::command("sends packed");
            command.env(WORD, &*name);
            let mut process = Process::start(command);
            for n in 0..COUNT {
                assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), n);
            }
            assert_eq!(process.answer(), "sent");
        });
    }
}

#[tokio::test]
async fn ten_thousand_go_both_ways_over_a_connection() {
    let name = Name::new();
    let (_listener, client, server) = connected(&packed(), &name).await;
    let (mut to_server, mut from_server) = client.split();
    let (mut to_client, from_client) = server.split();
    let sending = async {
        for n in 0..COUNT {
            to_server.feed(numbered(n, 64)).await.unwrap();
        }
        to_server.close().await.unwrap();
    };
    let echoing = async { from_client.forward(&mut to_client).await.unwrap() };
    let receiving = async {
        for n in 0..COUNT {
            assert_eq!(id_of(&from_server.next().await.unwrap().unwrap()), n);
        }
        assert!(from_server.next().await.is_none());
    };
    within(async { tokio::join!(sending, echoing, receiving) }).await;
}

#[tokio::test]
async fn a_queue_message_is_as_full_as_it_can_be() {
    for wait_by in [WaitBy::Descriptor, WaitBy::Blocking] {
        let (name, options) = (Name::new(), small().packed().wait_by(wait_by));
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.sender(&*name).await.unwrap();
        // Four of 12 and 4 bytes are 64.
        for n in 0..9 {
            sender.feed(numbered(n, 12)).await.unwrap();
        }
        assert_eq!(receiver.get_ref().waiting().unwrap(), 2);
        assert!(receiver.next().now_or_never().is_some());
        sender.flush().await.unwrap();
        assert_eq!(receiver.get_ref().waiting().unwrap(), 2);
        for n in 1..9 {
            assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), n);
        }
        let too_large = sender.send(numbered(0, 61)).await.unwrap_err();
        assert_eq!(too_large.kind(), ErrorKind::TooLarge, "{too_large}");
        sender.send(Bytes::from(vec![1; 60])).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap().len(), 60);
    }
}

#[tokio::test]
async fn what_was_gathered_waits_for_room() {
    for wait_by in [WaitBy::Descriptor, WaitBy::Blocking] {
        let (name, options) = (Name::new(), small().capacity(1).packed().wait_by(wait_by));
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.sender(&*name).await.unwrap();
        let sending = tokio::spawn(async move {
            for n in 0..500 {
                sender.feed(numbered(n, 8)).await.unwrap();
                if n % 7 == 0 {
                    sender.flush().await.unwrap();
                }
            }
            sender.close().await.unwrap();
        });
        for n in 0..500 {
            assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), n);
        }
        within(sending).await.unwrap();
    }
}

#[tokio::test]
async fn a_queue_without_room_for_an_envelope_is_refused() {
    let name = Name::new();
    let tiny = mq::Options::new().capacity(1).max_len(3).packed();
    let error = tiny.sender(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    tiny.receiver(&*name).await.unwrap();
}
