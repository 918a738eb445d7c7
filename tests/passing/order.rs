//! Which message a descriptor belongs to, whatever goes before, behind and between.

use std::os::fd::{AsFd, OwnedFd};

use bytes::Bytes;
use framewire::unix::{self, Outgoing};
use futures::{FutureExt, SinkExt, StreamExt};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{
    common::{body, role, same, within},
    pair, raw,
};

fn clones(of: &[OwnedFd]) -> impl Iterator<Item = OwnedFd> + '_ {
    of.iter().map(|descriptor| descriptor.try_clone().unwrap())
}

/// How many descriptors message `i` has, and how long it is.
fn plan(i: usize) -> (usize, usize) {
    let descriptors = [0, 1, 0, 0, 3, 16, 0, 2][i % 8];
    let len = [0, 5, 100, 9_000, 0, 70_000, 8_191, 1][i / 3 % 8];
    (descriptors, len)
}

/// Sends all and receives all at the same time, each message with what it was sent with.
async fn crosses(mut ours: unix::Detailed, mut theirs: unix::Detailed, count: usize, each: bool) {
    let files = raw::memfds(16);
    let sending = async {
        for i in 0..count {
            let (descriptors, len) = plan(i);
            let message =
                Outgoing::new(body(i as u64, len)).with_all(clones(&files[..descriptors]));
            ours.feed(message).await.unwrap();
            if each {
                ours.flush().await.unwrap();
            }
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        for i in 0..count {
            let (descriptors, len) = plan(i);
            let received = theirs.next().await.expect("it was sent").unwrap();
            same(received.body(), &body(i as u64, len));
            let expected = raw::ids(&files[..descriptors]);
            assert_eq!(raw::ids(received.descriptors()), expected, "message {i}");
        }
        assert!(theirs.next().await.is_none());
    };
    within(async { tokio::join!(sending, receiving) }).await;
}

#[tokio::test]
async fn many_gathered() {
    let (ours, theirs) = pair();
    crosses(ours, theirs, 2_000, false).await;
}

#[tokio::test]
async fn each_flushed() {
    let (ours, theirs) = pair();
    crosses(ours, theirs, 500, true).await;
}

#[tokio::test]
async fn large_ones_arrive_in_parts_and_keep_theirs() {
    const LEN: usize = 1 << 20;

    let (mut ours, mut theirs) = pair();
    let files = raw::memfds(3);
    let sending = async {
        for file in &files {
            let file = file.try_clone().unwrap();
            ours.feed(Outgoing::new(body(1, LEN)).with(file)).await.unwrap();
            ours.feed(Outgoing::new(body(2, LEN))).await.unwrap();
        }
        ours.flush().await.unwrap();
    };
    let receiving = async {
        for file in &files {
            let (large, [arrived]) = theirs.next().await.unwrap().unwrap().exactly().unwrap();
            same(&large, &body(1, LEN));
            assert_eq!(raw::id(arrived), raw::id(file));
            let (large, []) = theirs.next().await.unwrap().unwrap().exactly().unwrap();
            same(&large, &body(2, LEN));
        }
    };
    within(async { tokio::join!(sending, receiving) }).await;
}

#[tokio::test]
async fn what_was_left_over_and_what_was_queued_goes_on() {
    let (mut ours, mut theirs) = unix::pair().unwrap();
    // Four arrive in one read, of which two are taken; the last is of the next read in part.
    for text in ["one", "two", "three", "four"] {
        theirs.feed(text.into()).await.unwrap();
    }
    theirs.flush().await.unwrap();
    assert_eq!(ours.next().await.unwrap().unwrap(), "one");
    assert_eq!(ours.next().await.unwrap().unwrap(), "two");
    theirs.feed("five".into()).await.unwrap();

    let (mut ours, mut theirs) = (ours.detailed().unwrap(), theirs.detailed().unwrap());
    let [file] = raw::memfds(1).try_into().unwrap();
    let id = raw::id(&file);
    theirs.feed(Outgoing::new("six").with(file)).await.unwrap();
    theirs.send(Outgoing::new("seven")).await.unwrap();
    for text in ["three", "four", "five", "six", "seven"] {
        let received = within(ours.next()).await.unwrap().unwrap();
        assert_eq!(received.body(), text);
        let expected = if text == "six" { vec![id] } else { vec![] };
        assert_eq!(raw::ids(received.descriptors()), expected, "{text}");
    }
}

#[tokio::test]
async fn halves_of_it_do_the_same() {
    let (ours, theirs) = pair();
    let (mut sender, _receiver) = ours.split();
    let (_sender, mut receiver) = theirs.split();
    let [file] = raw::memfds(1).try_into().unwrap();
    sender.send(Outgoing::new("a file").with(file)).await.unwrap();
    within(receiver.next()).await.unwrap().unwrap().exactly::<1>().unwrap();
}

/// What one call of a peer sends, that keeps to the rule in its own way: plain frames and parts of
/// them, and frames with descriptors that begin a call and end one.
#[derive(Clone, Debug)]
struct Sent {
    body: Vec<u8>,
    descriptors: usize,
    /// Where its bytes are cut into calls, in parts of its length.
    cuts: Vec<f64>,
    /// Whether the end under test looks for messages after it, and after each of its parts.
    look: bool,
}

#[test]
fn a_peer_in_any_language_cuts_its_bytes_as_it_likes() {
    let sent = (
        vec(any::<u8>(), 0..40),
        prop_oneof![2 => Just(0_usize), 3 => 1..5_usize],
        vec(0.0..1.0, 0..4),
        any::<bool>(),
    )
        .prop_map(|(body, descriptors, cuts, look)| Sent { body, descriptors, cuts, look });
    let mut runner = TestRunner::new(Config { cases: 500, ..Config::default() });
    let files = raw::memfds(5);
    let cross = |all: Vec<Sent>| {
        role::block_on(arrives(&files, &all));
        Ok(())
    };
    runner.run(&vec(sent, 1..12), cross).unwrap();
}

async fn arrives(files: &[OwnedFd], all: &[Sent]) {
    let (raw, mut ours) = raw::pair(&unix::Options::new());
    let mut received = Vec::new();
    let mut look = || {
        while let Some(Some(next)) = ours.next().now_or_never() {
            received.push(next.unwrap());
        }
    };
    let mut plain = Vec::new();
    for Sent { body, descriptors, cuts, look: looks } in all {
        let frame = raw::frame(body);
        let passed: Vec<_> = files[..*descriptors].iter().map(AsFd::as_fd).collect();
        if !passed.is_empty() {
            // It begins a call: what was gathered goes before.
            raw::send_all(&raw, &std::mem::take(&mut plain), &[]);
        }
        let mut cuts: Vec<usize> =
            cuts.iter().map(|at| (at * frame.len() as f64) as usize).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts.into_iter().filter(|to| *to > 0) {
            let with = if from == 0 { &passed[..] } else { &[] };
            plain.extend_from_slice(&frame[from..to]);
            raw::send_all(&raw, &std::mem::take(&mut plain), with);
            from = to;
            if *looks {
                look();
            }
        }
        plain.extend_from_slice(&frame[from..]);
        if from == 0 && !passed.is_empty() {
            raw::send_all(&raw, &std::mem::take(&mut plain), &passed);
        }
        if *looks {
            look();
        }
    }
    raw::send_all(&raw, &plain, &[]);
    drop(raw);
    while let Some(next) = within(ours.next()).await {
        received.push(next.unwrap());
    }
    assert_eq!(received.len(), all.len());
    for (received, sent) in received.iter().zip(all) {
        assert_eq!(received.body(), &Bytes::copy_from_slice(&sent.body));
        assert_eq!(raw::ids(received.descriptors()), raw::ids(&files[..sent.descriptors]));
    }
}
