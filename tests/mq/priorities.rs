//! Priorities: beside the messages, and what they do to their order.

use framewire::{
    ErrorKind,
    mq::{Outgoing, Received},
};
use futures::{FutureExt, SinkExt, StreamExt};

use super::{
    common::within,
    subject::{BOTH, Name, small},
};

#[tokio::test]
async fn the_highest_comes_first_and_the_first_within_one() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().capacity(8).wait_by(wait_by);
        let mut sender = options.sender(&*name).await.unwrap().detailed();
        let sent = [("a", 0), ("b", 7), ("c", 32_767), ("d", 7), ("e", 0), ("f", 1)];
        for (body, priority) in sent {
            sender.send(Outgoing::new(body).priority(priority)).await.unwrap();
        }
        let mut receiver = options.receiver(&*name).await.unwrap().detailed();
        for (body, priority) in [("c", 32_767), ("b", 7), ("d", 7), ("f", 1), ("a", 0), ("e", 0)] {
            let received: Received = within(receiver.next()).await.unwrap().unwrap();
            assert_eq!((&received.body[..], received.priority()), (body.as_bytes(), priority));
        }
        assert!(receiver.next().now_or_never().is_none());
    }
}

/// Who does not ask for priorities gets the messages in their order all the same.
#[tokio::test]
async fn plain_ends_and_detailed_ones_go_together() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().wait_by(wait_by);
        let mut plain = options.sender(&*name).await.unwrap();
        let mut detailed = options.sender(&*name).await.unwrap().detailed();
        plain.send("later".into()).await.unwrap();
        detailed.send(Outgoing::new("now").priority(1)).await.unwrap();
        let mut receiver = options.receiver(&*name).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "now");
        let mut receiver = receiver.detailed();
        let later = within(receiver.next()).await.unwrap().unwrap();
        assert_eq!((&later.body[..], later.priority()), (&b"later"[..], 0));
        detailed.send(Outgoing::new("lent").priority(3)).await.unwrap();
        let lent = within(receiver.with_next(|body| body.to_vec())).await.unwrap();
        assert_eq!(lent.unwrap(), b"lent");
    }
}

#[tokio::test]
async fn one_above_the_highest_is_refused_by_name() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().wait_by(wait_by);
        let mut sender = options.sender(&*name).await.unwrap().detailed();
        for priority in [32_768, u32::MAX] {
            let error = sender.send(Outgoing::new("x").priority(priority)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let told = format!("priority {priority}, the highest is 32767");
            assert!(error.to_string().contains(&told), "{error}");
        }
        // Nothing of it stays, and the sink goes on.
        sender.send(Outgoing::new("y").priority(32_767)).await.unwrap();
        let mut receiver = options.receiver(&*name).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "y");
        assert!(receiver.next().now_or_never().is_none());
    }
}

/// A message that waits for room goes with its priority when there is some.
#[tokio::test]
async fn what_had_to_wait_keeps_its_priority() {
    for wait_by in BOTH {
        let name = Name::new();
        let options = small().capacity(1).wait_by(wait_by);
        let mut receiver = options.receiver(&*name).await.unwrap().detailed();
        let mut sender = options.sender(&*name).await.unwrap();
        sender.send("first".into()).await.unwrap();
        sender.feed("plain".into()).await.unwrap();
        let mut sender = sender.detailed();
        let sending = tokio::spawn(async move {
            sender.send(Outgoing::new("second").priority(9)).await.unwrap();
        });
        for (body, priority) in [("first", 0), ("plain", 0), ("second", 9)] {
            let received = within(receiver.next()).await.unwrap().unwrap();
            assert_eq!((&received.body[..], received.priority()), (body.as_bytes(), priority));
        }
        within(sending).await.unwrap();
    }
}
