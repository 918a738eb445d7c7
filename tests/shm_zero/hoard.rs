//! Who keeps messages stalls nobody.

use framewire::{shm, wait::Strategy};
use futures::{SinkExt, StreamExt};

use super::{
    common::{body, same, within},
    is_shared, next, send_all, trusting,
};

/// Large enough to be read in place, and a small part of a ring.
const LARGE: usize = 20_000;

#[tokio::test]
async fn one_who_keeps_all() {
    all(2000).await;
}

pub(crate) async fn all(count: u64) {
    let (mut ours, mut theirs) = trusting().pair().unwrap();
    let sending = async {
        for n in 0..count {
            ours.send(body(n, LARGE)).await.unwrap();
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        let mut all = Vec::new();
        while within(theirs.recv_many(&mut all)).await.unwrap() > 0 {}
        all
    };
    let ((), all) = tokio::join!(sending, receiving);
    assert_eq!(all.len() as u64, count);
    let shared = all.iter().filter(|message| is_shared(message)).count();
    assert_eq!(shared, (128 << 10) / LARGE, "as many as half of the ring holds");
    for (n, message) in all.iter().enumerate() {
        same(message, &body(n as u64, LARGE));
    }
}

#[tokio::test]
async fn one_who_keeps_every_hundredth() {
    let options = trusting().capacity(64 << 10);
    let (mut ours, mut theirs) = options.pair().unwrap();
    let sending = async {
        for n in 0..5000 {
            ours.feed(body(n, LARGE)).await.unwrap();
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        let mut kept = Vec::new();
        for n in 0..5000 {
            let message = next(&mut theirs).await;
            if n % 100 == 0 {
                kept.push((n, message));
            }
            // Later ones are read in place again once earlier ones are dropped.
            if n % 1000 == 999 {
                for (n, message) in kept.drain(..) {
                    same(&message, &body(n, LARGE));
                }
            }
            if n % 1000 == 0 {
                assert!(is_shared(&kept[0].1), "{n}");
            }
        }
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn one_small_part_of_the_ring_does_not_hold_the_rest() {
    let strategies = [Strategy::Park, Strategy::Adaptive, Strategy::Spin(std::time::Duration::MAX)];
    for strategy in strategies {
        // Two workers: one of them spins.
        let (mut ours, mut theirs) = trusting().strategy(strategy).pair().unwrap();
        send_all(&mut ours, [body(1, LARGE)]).await;
        let kept = next(&mut theirs).await;
        assert!(is_shared(&kept));
        // None of these fits beside what is kept, but for the first.
        let sending = async {
            for n in 0..20 {
                ours.send(body(n, (128 << 10) - 8)).await.unwrap();
            }
        };
        let receiving = async {
            for n in 0..20 {
                same(&next(&mut theirs).await, &body(n, (128 << 10) - 8));
            }
        };
        tokio::join!(sending, receiving);
        same(&kept, &body(1, LARGE));
    }
}

/// What a message's receiver has says how many sealed ones are on their way, too.
#[tokio::test]
async fn sealed_messages_go_on() {
    let (mut ours, mut theirs) = trusting().pair().unwrap();
    send_all(&mut ours, [body(1, LARGE)]).await;
    let kept = next(&mut theirs).await;
    let mut draft = shm::Draft::new(3).unwrap();
    draft.copy_from_slice(b"abc");
    let sealed = draft.seal().unwrap();
    let sending = async {
        for _ in 0..100 {
            ours.send_sealed(&sealed).await.unwrap();
        }
        ours.close().await.unwrap();
    };
    let receiving = async {
        for _ in 0..100 {
            assert_eq!(next(&mut theirs).await, "abc");
        }
        assert!(within(theirs.next()).await.is_none());
    };
    tokio::join!(sending, receiving);
    same(&kept, &body(1, LARGE));
}
