//! Futures that are dropped before they are ready.

use futures::{SinkExt, StreamExt};
use tokio::{io::AsyncWriteExt, sync::Notify};

use super::{
    super::{Polls, Subject, body, id_of, numbered, same},
    flow,
    hostile::frame,
};

/// `next()` is dropped after each number of polls, while a peer sends: nothing is lost.
pub(super) async fn receive(subject: &dyn Subject) {
    const COUNT: u64 = 300;
    let max_len = subject.max_len();
    let nth = |n: u64| body(n, (n as usize * 97 % 5000).min(max_len));
    for polls in 0..5 {
        let (mut near, mut far) = subject.open().await.unwrap();
        let window = flow::window(subject);
        let sending = async {
            for n in 0..COUNT {
                flow::enter(&window).await;
                near.send(nth(n)).await.unwrap();
            }
            drop(near);
        };
        let receiving = async {
            let mut n = 0;
            let (mut tries, mut dropped) = (0, 0);
            while n < COUNT {
                tries += 1;
                match Polls::new(polls, far.next()).await {
                    Some(Some(message)) => same(&message.unwrap(), &nth(n)),
                    Some(None) => panic!("{n} came, {dropped} of {tries} were dropped"),
                    None => {
                        dropped += 1;
                        tokio::task::yield_now().await;
                        continue;
                    }
                }
                window.add_permits(1);
                n += 1;
            }
            flow::ends(subject, &mut far).await;
        };
        tokio::join!(sending, receiving);
    }
}

/// The same with a peer whose frames come in pieces, each before the next try.
pub(super) async fn receive_in_pieces(subject: &dyn Subject) {
    let sizes = [0, 1, 5, 0, 17, 40, 3];
    let mut wire = Vec::new();
    for (n, len) in sizes.into_iter().enumerate() {
        wire.extend_from_slice(&frame(&body(n as u64, len)));
    }
    for polls in 0..9 {
        let (mut bare, mut end) = subject.bare(1000).await.unwrap();
        let mut got = Vec::new();
        for piece in wire.chunks(3) {
            bare.write_all(piece).await.unwrap();
            bare.flush().await.unwrap();
            if let Some(item) = Polls::new(polls, end.next()).await {
                got.push(item.expect("the peer is there").unwrap());
            }
        }
        drop(bare);
        while let Some(item) = end.next().await {
            got.push(item.unwrap());
        }
        assert_eq!(got.len(), sizes.len(), "dropped after {polls} polls");
        for (n, len) in sizes.into_iter().enumerate() {
            same(&got[n], &body(n as u64, len));
        }
    }
}

/// `send()` is dropped after each number of polls: its message goes out whole or not at all, what
/// was sent to the end gets there, and all of it in order.
pub(super) async fn send(subject: &dyn Subject) {
    const COUNT: u64 = 60;
    let len = subject.max_len().min(100_000);
    for polls in 0..5 {
        let (mut near, mut far) = subject.open().await.unwrap();
        let half = Notify::new();
        let sending = async {
            let mut sent = Vec::new();
            for n in 0..COUNT {
                if n == COUNT / 2 {
                    // Up to here it has filled up, from here on it is emptied.
                    half.notify_one();
                }
                let fed = n % 3 == 0;
                if fed {
                    // What is fed and dropped may be queued all the same.
                    Polls::new(polls, near.feed(numbered(n, len))).await;
                } else if let Some(done) = Polls::new(polls, near.send(numbered(n, len))).await {
                    done.unwrap();
                    sent.push(n);
                }
                Polls::new(polls, near.flush()).await.transpose().unwrap();
                tokio::task::yield_now().await;
            }
            flow::finish(subject, &mut near).await;
            sent
        };
        let receiving = async {
            half.notified().await;
            let mut got = Vec::new();
            while let Some(message) = flow::next(subject, &mut far).await {
                got.push(id_of(&message));
            }
            got
        };
        let (sent, got) = tokio::join!(sending, receiving);
        assert!(got.is_sorted_by(|one, next| one < next), "out of order or twice: {got:?}");
        let lost: Vec<_> = sent.iter().filter(|n| !got.contains(n)).collect();
        assert!(lost.is_empty(), "{lost:?} of {sent:?} are lost, dropped after {polls} polls");
    }
}
