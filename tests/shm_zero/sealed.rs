//! Messages in memory of their own.

use std::sync::LazyLock;

use bytes::Bytes;
use framewire::{ErrorKind, shm};
use futures::{FutureExt, SinkExt, StreamExt};

use super::{
    common::{Polls, body, random, role, same, within},
    is_shared, met, next, starter,
};

/// The largest one's bytes.
static HUGE: LazyLock<Bytes> = LazyLock::new(|| random(7, 64 << 20));
const SIZES: [usize; 7] = [0, 1, 4095, 4096, 4097, 1 << 20, 64 << 20];

fn sealed(bytes: &[u8]) -> shm::Sealed {
    let mut draft = shm::Draft::new(bytes.len()).unwrap();
    assert!(draft.iter().all(|byte| *byte == 0));
    draft.copy_from_slice(bytes);
    let sealed = draft.seal().unwrap();
    same(sealed.as_ref(), bytes);
    sealed
}

fn options() -> shm::Options {
    shm::Options::new().max_len(64 << 20)
}

#[tokio::test]
async fn another_process_has_them_for_good() {
    let (mut process, mut theirs, _names) = met("seals", &options()).await;
    let mut kept = Vec::new();
    for len in SIZES {
        kept.push(next(&mut theirs).await);
        assert_eq!(next(&mut theirs).await, len.to_string());
    }
    assert!(within(theirs.next()).await.is_none());
    assert!(process.wait().success());
    drop(theirs);
    for (message, len) in kept.iter().zip(SIZES) {
        assert!(len == 0 || is_shared(message), "{len}");
        same(message, &HUGE[..len]);
    }
}

pub(crate) fn sends_sealed() {
    role::block_on(async {
        let mut ours = starter(&options()).await;
        for len in SIZES {
            ours.send_sealed(&sealed(&HUGE[..len])).await.unwrap();
            ours.feed(len.to_string().into()).await.unwrap();
        }
        ours.close().await.unwrap();
    });
}

#[tokio::test]
async fn a_hundred_keep_their_order_among_others() {
    among_others(100).await;
}

pub(crate) async fn among_others(count: u64) {
    let (mut ours, mut theirs) = shm::pair().unwrap();
    let sending = async {
        for n in 0..count {
            for behind in 0..n % 4 {
                ours.feed(body(n + behind, 3000)).await.unwrap();
            }
            ours.send_sealed(&sealed(&body(n, n as usize * 100))).await.unwrap();
            let mut loan = ours.loan(9).await.unwrap();
            loan.copy_from_slice(&body(n, 9));
            loan.commit();
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        let mut kept = Vec::new();
        for n in 0..count {
            for behind in 0..n % 4 {
                same(&next(&mut theirs).await, &body(n + behind, 3000));
            }
            if n % 2 == 0 {
                kept.push((n, next(&mut theirs).await));
            } else {
                let seen = theirs.with_next(|message| same(message, &body(n, n as usize * 100)));
                within(seen).await.unwrap().unwrap();
            }
            same(&next(&mut theirs).await, &body(n, 9));
        }
        assert!(within(theirs.next()).await.is_none());
        for (n, message) in kept {
            same(&message, &body(n, n as usize * 100));
        }
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn one_goes_to_many() {
    let one = sealed(&body(3, 100_000));
    let mut ends = Vec::new();
    for _ in 0..20 {
        let (mut ours, theirs) = shm::pair().unwrap();
        ours.send_sealed(&one).await.unwrap();
        ours.send_sealed(&one.clone()).await.unwrap();
        ends.push((ours, theirs));
    }
    drop(one);
    for (ours, mut theirs) in ends {
        same(&next(&mut theirs).await, &body(3, 100_000));
        drop(ours);
        same(&next(&mut theirs).await, &body(3, 100_000));
    }
}

#[tokio::test]
async fn sixteen_are_on_their_way_at_most_and_nobody_who_stops_waiting_loses_any() {
    for polls in 0..4 {
        let (mut ours, mut theirs) = shm::pair().unwrap();
        let mut sent = 0_u64;
        while ours.send_sealed(&sealed(&sent.to_ne_bytes())).now_or_never().is_some() {
            sent += 1;
        }
        assert_eq!(sent, 16);
        for _ in 0..3 {
            let never = sealed(b"never");
            let sending = Box::pin(ours.send_sealed(&never));
            assert!(Polls::new(polls, sending).await.is_none());
        }
        // Other messages go on.
        ours.send("in between".into()).await.unwrap();
        let sending = async {
            for n in sent..100 {
                ours.send_sealed(&sealed(&n.to_ne_bytes())).await.unwrap();
            }
            ours.close().await.unwrap();
        };
        let receiving = async {
            for n in 0..100_u64 {
                if n == sent {
                    assert_eq!(next(&mut theirs).await, "in between");
                }
                assert_eq!(next(&mut theirs).await, n.to_ne_bytes()[..]);
            }
            assert!(within(theirs.next()).await.is_none());
        };
        tokio::join!(sending, receiving);
    }
}

#[tokio::test]
async fn they_wait_for_room_behind_messages_that_do() {
    let (mut ours, mut theirs) = shm::Options::new().capacity(64 << 10).pair().unwrap();
    let mut count = 0;
    while let Some(mut loan) = ours.try_loan(1000).unwrap() {
        loan.copy_from_slice(&body(count, 1000));
        loan.commit();
        count += 1;
    }
    ours.feed(body(1, 200_000)).now_or_never().unwrap().unwrap();
    let one = sealed(b"sealed");
    assert!(Polls::new(2, Box::pin(ours.send_sealed(&one))).await.is_none());
    let sending = async { ours.send_sealed(&one).await.unwrap() };
    let receiving = async {
        for n in 0..count {
            same(&next(&mut theirs).await, &body(n, 1000));
        }
        same(&next(&mut theirs).await, &body(1, 200_000));
        assert_eq!(next(&mut theirs).await, "sealed");
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn the_limit_is_that_of_any_message() {
    let (mut ours, mut theirs) = shm::Options::new().max_len(5).pair().unwrap();
    let error = ours.send_sealed(&sealed(b"123456")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("6 bytes, limit 5"), "{error}");
    ours.send_sealed(&sealed(b"12345")).await.unwrap();
    assert_eq!(next(&mut theirs).await, "12345");
    drop(theirs);
    let error = loop {
        match within(ours.send_sealed(&sealed(b"12345"))).await {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[test]
fn it_is_a_message_here_as_well() {
    let one = sealed(b"sealed");
    let bytes = Bytes::from(one.clone());
    drop(one);
    assert_eq!(bytes, "sealed");
    assert!(shm::Draft::new(usize::MAX).is_err());
}
