//! What the killed leave, and who comes after them.

use std::time::Duration;

use bytes::Bytes;
use framewire::{
    ErrorKind,
    shm::named::{self, End},
};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::{
    common::{
        Process, body, id_of, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        same, within,
    },
    subject::Names,
};

/// Long enough to have gone to sleep.
pub(super) const A_WHILE: Duration = Duration::from_millis(50);
/// What the small rings here hold.
const SMALL: usize = 64 << 10;

pub(super) fn small() -> named::Options {
    named::Options::new().capacity(SMALL)
}

/// The part of a sender: an order is how many messages of 1000 bytes to send, or "part" for a
/// message that the ring does not hold.
pub(crate) fn sends() {
    role::block_on(async {
        let mut sender = small().sender(role::word()).await.unwrap();
        answer("sending");
        let mut n = 0;
        while let Some(order) = next_order() {
            match order.parse::<u64>() {
                Ok(count) => {
                    for _ in 0..count {
                        sender.send(numbered(n, 1000)).await.unwrap();
                        n += 1;
                    }
                }
                Err(_) => {
                    let large = body(0, 10 * SMALL);
                    assert!(timeout(A_WHILE, sender.send(large)).await.is_err());
                }
            }
            answer("sent");
        }
    });
}

/// The part of a receiver: an order is how many messages to receive; the answer is the last one's
/// number. Or "part" for the first bytes of one.
pub(crate) fn receives() {
    role::block_on(async {
        let mut receiver = small().receiver(role::word()).await.unwrap();
        answer("receiving");
        while let Some(order) = next_order() {
            let Ok(count) = order.parse::<u64>() else {
                assert!(timeout(A_WHILE, receiver.next()).await.is_err());
                answer("a part");
                continue;
            };
            let mut last = 0;
            for _ in 0..count {
                last = id_of(&receiver.next().await.unwrap().unwrap());
            }
            answer(&last.to_string());
        }
    });
}

/// The part of a client, that of a listener where the word begins with "listen ".
pub(crate) fn connects() {
    role::block_on(async {
        let word = role::word();
        if let Some(name) = word.strip_prefix("listen ") {
            let _listener = named::listen(name).await.unwrap();
            answer("listening");
            next_order();
            return;
        }
        let mut client = named::connect(word).await.unwrap();
        for n in 0..3 {
            client.send(numbered(n, 1000)).await.unwrap();
        }
        answer("sent");
        next_order();
    });
}

pub(crate) fn start(role: &str, name: &str, first: &str) -> Process {
    let mut command = role::command(role);
    command.env(WORD, name);
    let mut process = Process::start(command);
    assert_eq!(process.answer(), first);
    process
}

pub(super) fn told(process: &mut Process, order: &str) -> String {
    process.order(order);
    process.answer()
}

pub(super) async fn next(receiver: &mut named::Receiver) -> framewire::Result<Bytes> {
    within(receiver.next()).await.expect("it has not ended")
}

#[tokio::test]
async fn what_a_killed_sender_had_flushed_is_there_and_the_next_one_goes_on() {
    let names = Names::new();
    let name = names.next();
    let mut receiver = small().receiver(&*name).await.unwrap();
    for round in 0..3 {
        let mut killed = start("sends", &name, "sending");
        let error = named::sender(&*name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
        assert!(error.to_string().contains(&killed.id().to_string()), "by whom: {error}");
        // One time it sleeps meanwhile.
        if round == 1 {
            assert!(timeout(A_WHILE, receiver.next()).await.is_err());
        }
        assert_eq!(told(&mut killed, "10"), "sent");
        killed.kill();
        for n in 0..10 {
            assert_eq!(id_of(&next(&mut receiver).await.unwrap()), n);
        }
        assert!(timeout(A_WHILE, receiver.next()).await.is_err(), "it waits for the next");
    }
    let mut last = named::sender(&*name).await.unwrap();
    last.send("from the last".into()).await.unwrap();
    last.close().await.unwrap();
    assert_eq!(next(&mut receiver).await.unwrap(), "from the last");
    assert!(within(receiver.next()).await.is_none());
    drop((receiver, last));
    assert!(names.there().is_empty());
}

#[tokio::test]
async fn what_a_killed_sender_left_waits_for_a_receiver() {
    let names = Names::new();
    let name = names.next();
    let mut killed = start("sends", &name, "sending");
    assert_eq!(told(&mut killed, "10"), "sent");
    killed.kill();
    let mut receiver = named::Options::new().end(End::WithSender).receiver(&*name).await.unwrap();
    for n in 0..10 {
        assert_eq!(id_of(&next(&mut receiver).await.unwrap()), n);
    }
    let error = next(&mut receiver).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(within(receiver.next()).await.is_none());
    drop(receiver);
    assert!(names.there().is_empty());
}

#[tokio::test]
async fn the_rest_of_a_message_never_passes_for_another() {
    let names = Names::new();
    for ends in [false, true] {
        let name = names.next();
        let mut receiver = small().receiver(&*name).await.unwrap();
        let mut killed = start("sends", &name, "sending");
        assert_eq!(told(&mut killed, "2"), "sent");
        assert_eq!(told(&mut killed, "part"), "sent");
        killed.kill();
        let mut sender = small().sender(&*name).await.unwrap();
        let sending = async {
            if !ends {
                sender.send(body(7, 3 * SMALL)).await.unwrap();
            }
            sender.close().await.unwrap();
        };
        let receiving = async {
            for n in 0..2 {
                assert_eq!(id_of(&next(&mut receiver).await.unwrap()), n);
            }
            let error = next(&mut receiver).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
            if !ends {
                same(&next(&mut receiver).await.unwrap(), &body(7, 3 * SMALL));
            }
            assert!(within(receiver.next()).await.is_none());
        };
        tokio::join!(sending, receiving);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_receiver_begins_where_the_killed_one_may_not_have_been_done() {
    const COUNT: u64 = 500;
    let names = Names::new();
    let name = names.next();
    let mut sender = small().sender(&*name).await.unwrap();
    let sending = tokio::spawn(async move {
        for n in 0..COUNT {
            sender.send(numbered(n, 1000)).await.unwrap();
        }
        sender.close().await.unwrap();
    });
    let mut from = 0;
    for count in [1, 100, 37] {
        let mut killed = start("receives", &name, "receiving");
        let last: u64 =
            tokio::task::block_in_place(|| told(&mut killed, &count.to_string())).parse().unwrap();
        killed.kill();
        // It began where the one before it was not done, at the latest where that had ended.
        assert!(last + 1 - count <= from, "{} after {from}", last + 1 - count);
        from = last + 1;
    }
    let mut receiver = small().receiver(&*name).await.unwrap();
    let first = id_of(&next(&mut receiver).await.unwrap());
    // An eighth of the ring, and the message that it asked for then.
    let window = (SMALL / 8 / 1000 + 1) as u64;
    assert!(first <= from && first + window >= from, "{first} after {from}");
    for n in first + 1..COUNT {
        assert_eq!(id_of(&next(&mut receiver).await.unwrap()), n);
    }
    assert!(within(receiver.next()).await.is_none());
    sending.await.unwrap();
}

#[tokio::test]
async fn a_message_in_pieces_that_a_killed_receiver_was_in_is_told() {
    let names = Names::new();
    let name = names.next();
    let mut killed = start("receives", &name, "receiving");
    let mut sender = small().sender(&*name).await.unwrap();
    let large = body(0, 10 * SMALL);
    let mut sending = Box::pin(async {
        sender.send(large).await.unwrap();
        sender.send("whole".into()).await.unwrap();
    });
    assert!((&mut sending).now_or_never().is_none());
    killed.order("part");
    // It has the beginning, and waits for what we do not send as we are not polled.
    assert_eq!(killed.answer(), "a part");
    killed.kill();
    let mut receiver = small().receiver(&*name).await.unwrap();
    let receiving = async {
        let error = next(&mut receiver).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        assert_eq!(next(&mut receiver).await.unwrap(), "whole");
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn who_waits_for_room_goes_on_with_the_next_receiver() {
    let names = Names::new();
    let name = names.next();
    let mut killed = start("receives", &name, "receiving");
    let mut sender = small().sender(&*name).await.unwrap();
    let mut sent = 0;
    while timeout(A_WHILE, sender.send(numbered(sent, 1000))).await.is_ok() {
        sent += 1;
    }
    let waiting = tokio::spawn(async move { sender.flush().await });
    sleep(A_WHILE).await;
    killed.kill();
    sleep(A_WHILE).await;
    assert!(!waiting.is_finished());
    let mut receiver = small().receiver(&*name).await.unwrap();
    for n in 0..=sent {
        assert_eq!(id_of(&next(&mut receiver).await.unwrap()), n);
    }
    within(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_with_one_that_is_killed_ends_with_one_error() {
    let names = Names::new();
    for sleeps in [false, true] {
        let name = names.next();
        let mut listener = named::listen(&*name).await.unwrap();
        let mut killed = start("connects", &name, "sent");
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(server.peer().pid(), Some(killed.id()));
        let kill = async {
            if sleeps {
                sleep(A_WHILE).await;
            }
            killed.kill();
        };
        let receive = async {
            for n in 0..3 {
                assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), n);
            }
            let error = within(server.next()).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
            assert!(within(server.next()).await.is_none());
            let error = server.send("to nobody".into()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        };
        tokio::join!(receive, kill);
    }
}

/// It only sends, and nobody tells it but the lookout.
#[tokio::test]
async fn who_waits_for_room_with_one_that_is_killed_is_told() {
    let names = Names::new();
    let name = names.next();
    let mut listener = named::Options::new().capacity(SMALL).listen(&*name).await.unwrap();
    let mut killed = start("connects", &name, "sent");
    let mut server = within(listener.next()).await.unwrap().unwrap();
    while timeout(A_WHILE, server.send(numbered(0, 1000))).await.is_ok() {}
    killed.kill();
    let error = within(server.flush()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn the_name_of_a_killed_listener_is_free() {
    let names = Names::new();
    let name = names.next();
    for _ in 0..2 {
        let mut killed = start("connects", &format!("listen {name}"), "listening");
        let error = named::listen(&*name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
        assert!(error.to_string().contains(&killed.id().to_string()), "by whom: {error}");
        killed.kill();
        let error = named::connect(&*name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let mut listener = named::listen(&*name).await.unwrap();
    let (client, server) = tokio::join!(named::connect(&*name), within(listener.next()));
    drop((client.unwrap(), server.unwrap().unwrap(), listener));
    assert!(names.there().is_empty());
}

/// However the next one ends: what the one before began is told once, and then how it ended.
#[tokio::test]
async fn a_message_that_was_begun_is_told_once_and_then_the_end_of_the_next_sender() {
    for (end, closes) in [(End::WithClose, true), (End::WithSender, true), (End::WithSender, false)]
    {
        let names = Names::new();
        let name = names.next();
        let mut receiver = small().end(end).receiver(&*name).await.unwrap();
        let mut killed = start("sends", &name, "sending");
        assert!(timeout(A_WHILE, receiver.next()).await.is_err());
        assert_eq!(told(&mut killed, "part"), "sent");
        killed.kill();
        let mut next_one = None;
        if closes {
            let mut sender = small().sender(&*name).await.unwrap();
            next_one = Some(sender.close().await);
        }
        let error = next(&mut receiver).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        match (within(receiver.next()).await, closes) {
            (None, true) => next_one.unwrap().unwrap(),
            (Some(Err(error)), false) => assert_eq!(error.kind(), ErrorKind::Closed, "{error}"),
            other => panic!("{end:?}: {other:?}"),
        }
        assert!(names.there().is_empty());
    }
}
