//! Whatever comes in whatever pieces and at whatever pace, all of it arrives.

use std::time::Duration;

use framewire::wait::Io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::spawn,
};

use crate::bounds::*;

/// Lengths below a bound, from a seed that is printed.
fn random() -> impl FnMut(usize) -> usize {
    let mut random = crate::run::random();
    move |bound| random(bound as u64) as usize
}

/// A pause that the other end spins through, or not.
async fn pause(random: &mut impl FnMut(usize) -> usize) {
    match random(20) {
        0 => tokio::time::sleep(Duration::from_millis(1)).await,
        1..=3 => std::thread::sleep(Duration::from_micros(random(120) as u64)),
        4..=6 => tokio::task::yield_now().await,
        _ => {}
    }
}

async fn through(mut from: Io, mut to: Io, rounds: usize) {
    let reader = spawn(async move {
        let mut random = random();
        let mut expected = 0_u8;
        let mut buf = vec![0; 70_000];
        loop {
            let n = 1 + random(buf.len());
            let most = if random(2) == 0 { n } else { 1 + n % 100 };
            let n = from.read(&mut buf[..most]).await.unwrap();
            if n == 0 {
                return expected;
            }
            for byte in &buf[..n] {
                assert_eq!(*byte, expected);
                expected = expected.wrapping_add(1);
            }
            pause(&mut random).await;
        }
    });
    let writer = spawn(async move {
        let mut random = random();
        let mut next = 0_u8;
        for _ in 0..rounds {
            let most = if random(4) == 0 { 300_000 } else { 100 };
            let len = 1 + random(most);
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    next = next.wrapping_add(1);
                    next.wrapping_sub(1)
                })
                .collect();
            to.write_all(&bytes).await.unwrap();
            pause(&mut random).await;
        }
        to.shutdown().await.unwrap();
        (to, next)
    });
    let (_to, sent) = bounded("the writer", writer).await.unwrap();
    assert_eq!(bounded("the reader", reader).await.unwrap(), sent);
}

#[test]
fn all_of_it_arrives() {
    for runtime in FLAVOURS {
        for strategy in STRATEGIES {
            runtime().block_on(async {
                let (ours, theirs) = socket(strategy);
                through(ours, Io::socket(theirs.into()).unwrap().strategy(strategy), 60).await;
                let (read_end, write_end) = pipe();
                let read_end = Io::pipe(read_end).unwrap().strategy(strategy);
                through(read_end, Io::pipe(write_end).unwrap().strategy(strategy), 60).await;
            });
        }
    }
}
