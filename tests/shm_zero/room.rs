//! Waiting for room to write in.

use framewire::{ErrorKind, shm, wait::Strategy};
use futures::{FutureExt, SinkExt, StreamExt};

use super::{
    common::{Polls, body, same, within},
    lease::MOST,
    met, next,
};

/// Commits messages until there is no room for more; how many.
fn fill(ours: &mut shm::Connection, len: usize) -> u64 {
    let mut count = 0;
    while let Some(mut loan) = ours.try_loan(len).unwrap() {
        loan.copy_from_slice(&body(count, len));
        loan.commit();
        count += 1;
    }
    count
}

#[tokio::test]
async fn it_is_waited_for_and_nobody_who_stops_waiting_loses_anything() {
    for strategy in [Strategy::Park, Strategy::Adaptive] {
        for polls in 0..5 {
            let options = shm::Options::new().capacity(64 << 10).strategy(strategy);
            let (mut ours, mut theirs) = options.pair().unwrap();
            let count = fill(&mut ours, 1000);
            assert!(count >= 64);
            for len in [1000, 5000, (32 << 10) - 8] {
                assert!(Polls::new(polls, Box::pin(ours.loan(len))).await.is_none());
                assert!(ours.try_loan(1000).unwrap().is_none());
            }
            let waiting = async {
                let mut loan = within(ours.loan((32 << 10) - 8)).await.unwrap();
                loan.copy_from_slice(&body(7, (32 << 10) - 8));
                loan.commit();
                ours.close().await.unwrap();
            };
            let receiving = async {
                for n in 0..count {
                    same(&next(&mut theirs).await, &body(n, 1000));
                    tokio::task::yield_now().await;
                }
                same(&next(&mut theirs).await, &body(7, (32 << 10) - 8));
                assert!(within(theirs.next()).await.is_none());
            };
            tokio::join!(waiting, receiving);
        }
    }
}

#[tokio::test]
async fn messages_that_wait_for_room_go_first() {
    let options = shm::Options::new().capacity(64 << 10);
    let (mut ours, mut theirs) = options.pair().unwrap();
    let count = fill(&mut ours, 1000);
    // Accepted, in parts, and there is no room for any of them.
    let large = body(9, 200_000);
    ours.feed(large.clone()).now_or_never().unwrap().unwrap();
    assert!(ours.try_loan(1).unwrap().is_none());
    assert!(Polls::new(2, Box::pin(ours.loan(1))).await.is_none());
    let sending = async {
        within(ours.loan(1)).await.unwrap().commit();
        ours.flush().await.unwrap();
    };
    let receiving = async {
        for n in 0..count {
            same(&next(&mut theirs).await, &body(n, 1000));
        }
        same(&next(&mut theirs).await, &large);
        assert_eq!(next(&mut theirs).await.len(), 1);
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn who_waits_hears_of_a_killed_peer() {
    let (mut process, mut ours, _names) = met("sends many", &shm::Options::new()).await;
    same(&next(&mut ours).await, &body(0, MOST));
    fill(&mut ours, 1000);
    let waiting = async { ours.loan(1000).await.map(|_| ()).unwrap_err() };
    let (error, ()) = tokio::join!(within(waiting), async { process.kill() });
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let error = ours.try_loan(1000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn who_only_tries_hears_of_a_killed_peer() {
    let (mut process, mut ours, _names) = met("sends many", &shm::Options::new()).await;
    same(&next(&mut ours).await, &body(0, MOST));
    fill(&mut ours, 1000);
    process.kill();
    let tried = async {
        loop {
            match ours.try_loan(1000) {
                Ok(None) => tokio::task::yield_now().await,
                Ok(Some(_)) => panic!("there is no room"),
                Err(error) => return error,
            }
        }
    };
    assert_eq!(within(tried).await.kind(), ErrorKind::Closed);
}

/// What was begun for a peer that went is no part of what is sent next.
#[tokio::test]
async fn a_message_that_was_begun_for_a_peer_that_went_is_given_up() {
    for fed in [false, true] {
        let options = shm::Options::new().capacity(64 << 10);
        let (mut ours, theirs) = options.pair().unwrap();
        if fed {
            ours.feed(body(1, 200_000)).now_or_never().unwrap().unwrap();
        } else {
            assert!(Polls::new(2, Box::pin(ours.send(body(1, 200_000)))).await.is_none());
        }
        drop(theirs);
        for _ in 0..2 {
            let error = within(ours.send(body(2, 200_000))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
            let error = within(ours.send(body(3, 10))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        }
    }
}

/// Who receives a long message does not keep its thread from others until it has all of it.
#[tokio::test]
async fn others_have_their_turns_while_a_long_message_comes() {
    for strategy in [Strategy::Park, Strategy::Adaptive] {
        let options = shm::Options::new().capacity(8 << 20).strategy(strategy);
        let (mut ours, mut theirs) = options.pair().unwrap();
        let long = body(5, 7 << 20);
        ours.send(long.clone()).now_or_never().unwrap().unwrap();
        assert!(Polls::new(2, Box::pin(theirs.next())).await.is_none());
        same(&next(&mut theirs).await, &long);
        assert!(theirs.next().now_or_never().is_none());
    }
}
