//! How streams end, and what is there for those who come later.

use std::time::Duration;

use framewire::{
    ErrorKind,
    shm::named::{self, End},
};
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{body, same, within},
    subject::Names,
};

const A_WHILE: Duration = Duration::from_millis(50);

async fn takes(receiver: &mut named::Receiver, message: &str) {
    assert_eq!(within(receiver.next()).await.expect("it was sent").unwrap(), message);
}

#[tokio::test]
async fn after_an_end_both_are_opened_anew_at_once() {
    let names = Names::new();
    let name = names.next();
    let mut ended = named::receiver(&*name).await.unwrap();
    for n in 0..20 {
        let mut sender = named::sender(&*name).await.unwrap();
        sender.send(format!("{n}").into()).await.unwrap();
        if n % 2 == 0 {
            sender.close().await.unwrap()
        } else {
            drop(sender)
        }
        takes(&mut ended, &format!("{n}")).await;
        assert!(within(ended.next()).await.is_none());
        // The one that has ended need not be gone.
        let next = named::receiver(&*name).await.unwrap();
        ended = next;
    }
    drop(ended);
    assert!(names.there().is_empty());
}

#[tokio::test]
async fn the_end_waits_for_a_receiver_behind_what_was_sent() {
    let names = Names::new();
    let name = names.next();
    let mut sender = named::sender(&*name).await.unwrap();
    sender.send("kept".into()).await.unwrap();
    sender.close().await.unwrap();
    drop(sender);
    assert_eq!(names.there().len(), 1);
    let mut receiver = named::receiver(&*name).await.unwrap();
    takes(&mut receiver, "kept").await;
    assert!(within(receiver.next()).await.is_none());
    assert!(names.there().is_empty());
}

#[tokio::test]
async fn a_sender_that_comes_before_the_end_was_seen_puts_it_off() {
    let names = Names::new();
    let name = names.next();
    let mut one = named::sender(&*name).await.unwrap();
    one.send("one".into()).await.unwrap();
    one.close().await.unwrap();
    let mut next = named::sender(&*name).await.unwrap();
    let mut receiver = named::receiver(&*name).await.unwrap();
    takes(&mut receiver, "one").await;
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    next.send("next".into()).await.unwrap();
    takes(&mut receiver, "next").await;
    next.close().await.unwrap();
    assert!(within(receiver.next()).await.is_none());
}

#[tokio::test]
async fn a_receiver_that_never_ends_has_all_senders() {
    let names = Names::new();
    let name = names.next();
    let options = named::Options::new().end(End::Never);
    let mut receiver = options.receiver(&*name).await.unwrap();
    for n in 0..20 {
        let mut sender = named::sender(&*name).await.unwrap();
        sender.send(format!("{n}").into()).await.unwrap();
        if n % 3 == 0 {
            drop(sender);
        } else {
            sender.close().await.unwrap();
        }
        takes(&mut receiver, &format!("{n}")).await;
        assert!(n % 7 != 0 || timeout(A_WHILE, receiver.next()).await.is_err());
    }
}

/// What was not flushed may be lost, and then it is no end in order.
#[tokio::test]
async fn a_sender_that_gives_up_has_not_closed() {
    let names = Names::new();
    for end in [End::WithClose, End::WithSender] {
        let name = names.next();
        let mut receiver = named::Options::new().end(end).receiver(&*name).await.unwrap();
        let mut sender = named::sender(&*name).await.unwrap();
        sender.send("whole".into()).await.unwrap();
        sender.feed("never flushed".into()).await.unwrap();
        drop(sender);
        takes(&mut receiver, "whole").await;
        if end == End::WithSender {
            let error = within(receiver.next()).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
            assert!(within(receiver.next()).await.is_none());
        } else {
            assert!(timeout(A_WHILE, receiver.next()).await.is_err());
        }
    }
}

#[tokio::test]
async fn a_sender_whose_receiver_left_is_told_until_the_next_one_comes() {
    let names = Names::new();
    let name = names.next();
    let receiver = named::receiver(&*name).await.unwrap();
    let mut sender = named::sender(&*name).await.unwrap();
    drop(receiver);
    for message in ["one", "two"] {
        let error = sender.send(message.into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    // What was sent to one who had left is there for the next.
    let mut receiver = named::receiver(&*name).await.unwrap();
    sender.send("three".into()).await.unwrap();
    for message in ["one", "two", "three"] {
        takes(&mut receiver, message).await;
    }
    drop((receiver, sender));
    // To come when nobody is there is another matter.
    let mut sender = named::sender(&*name).await.unwrap();
    sender.send("waits".into()).await.unwrap();
    drop(sender);
    takes(&mut named::receiver(&*name).await.unwrap(), "waits").await;
}

/// The one who left in the middle of a message gets no other for the rest of it.
#[tokio::test]
async fn a_receiver_that_left_in_mid_message_is_followed_by_one_that_is_told() {
    let names = Names::new();
    let name = names.next();
    let small = named::Options::new().capacity(64 << 10);
    let mut receiver = small.receiver(&*name).await.unwrap();
    let mut sender = small.sender(&*name).await.unwrap();
    let sending = tokio::spawn(async move {
        let error = sender.send(body(0, 1 << 20)).await.unwrap_err();
        (sender, error)
    });
    assert!(timeout(Duration::from_micros(50), receiver.next()).await.is_err());
    drop(receiver);
    let (mut sender, error) = within(sending).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let mut receiver = small.receiver(&*name).await.unwrap();
    let sending = async {
        sender.send(body(1, 1 << 20)).await.unwrap();
    };
    let receiving = async {
        let mut message = within(receiver.next()).await.unwrap();
        if let Err(error) = &message {
            assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
            message = within(receiver.next()).await.unwrap();
        }
        same(&message.unwrap(), &body(1, 1 << 20));
    };
    tokio::join!(sending, receiving);
}

/// What it had in its hands is there again.
#[tokio::test]
async fn to_panic_is_to_be_killed() {
    let names = Names::new();
    let name = names.next();
    let mut sender = named::sender(&*name).await.unwrap();
    for message in ["one", "two"] {
        sender.send(message.into()).await.unwrap();
    }
    let mut receiver = named::receiver(&*name).await.unwrap();
    let panicked = tokio::spawn(async move {
        takes(&mut receiver, "one").await;
        panic!("on purpose: it is not done with \"one\"");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    sender.send("three".into()).await.expect("nobody has left");
    let mut receiver = named::receiver(&*name).await.unwrap();
    for message in ["one", "two", "three"] {
        takes(&mut receiver, message).await;
    }
}
