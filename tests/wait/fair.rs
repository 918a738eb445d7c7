//! Whoever waits, or is never kept waiting, leaves others their turn.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use framewire::wait::{Io, Strategy};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
    task::{JoinHandle, LocalSet, spawn, unconstrained},
    time::sleep,
};

use crate::bounds::*;

/// Timers, ready tasks and I/O go on.
async fn others_go_on() {
    let counted = Arc::new(AtomicU32::new(0));
    let counter = spawn({
        let counted = Arc::clone(&counted);
        async move {
            loop {
                counted.fetch_add(1, SeqCst);
                tokio::task::yield_now().await;
            }
        }
    });
    let (mut ours, mut theirs) = tokio::net::UnixStream::pair().unwrap();
    bounded("others", async {
        for _ in 0..5 {
            sleep(Duration::from_millis(1)).await;
            theirs.write_all(b"x").await.unwrap();
            ours.read_u8().await.unwrap();
        }
    })
    .await;
    counter.abort();
    assert!(counted.load(SeqCst) > 5);
}

/// Spins for as long as the test takes.
async fn spin() {
    let (mut ours, _theirs) = socket(Strategy::Spin(Duration::MAX));
    ours.read_u8().await.unwrap();
}

#[test]
fn a_spin_without_end_leaves_others_their_turn() {
    for runtime in FLAVOURS {
        let all = async {
            let tasks = [spawn(spin()), spawn(spin()), spawn(unconstrained(spin()))];
            others_go_on().await;
            tokio::select! {
                () = spin() => unreachable!("nothing comes"),
                () = others_go_on() => {}
            }
            let spins = FuturesUnordered::new();
            spins.push(spin());
            spins.push(spin());
            let mut spins = spins;
            tokio::select! {
                _ = spins.next() => unreachable!("nothing comes"),
                () = others_go_on() => {}
            }
            tasks.iter().for_each(JoinHandle::abort);
        };
        let runtime: Runtime = runtime();
        runtime.block_on(all);
        LocalSet::new().block_on(&runtime, async {
            let spinning = tokio::task::spawn_local(spin());
            others_go_on().await;
            spinning.abort();
        });
    }
}

#[test]
fn a_stream_that_never_runs_dry_leaves_others_their_turn() {
    for strategy in STRATEGIES {
        current_thread().block_on(async {
            let (read_end, write_end) = pipe();
            let mut ours = Io::pipe(read_end).unwrap().strategy(strategy);
            let stop = Arc::new(AtomicBool::new(false));
            let writer = thread::spawn({
                let stop = Arc::clone(&stop);
                let mut pipe = std::fs::File::from(write_end);
                move || {
                    while !stop.load(SeqCst) && pipe.write_all(&[0; 4096]).is_ok() {}
                }
            });
            let turns = Arc::new(AtomicU32::new(0));
            let other = spawn({
                let turns = Arc::clone(&turns);
                async move {
                    loop {
                        turns.fetch_add(1, SeqCst);
                        tokio::task::yield_now().await;
                    }
                }
            });
            // Byte by byte, the pipe's content lasts for longer than filling it does. A task's turn
            // is a budget of 128.
            for _ in 0..100_000 {
                ours.read_u8().await.unwrap();
            }
            other.abort();
            stop.store(true, SeqCst);
            drop(ours);
            writer.join().unwrap();
            assert!(turns.load(SeqCst) > 500, "{}", turns.load(SeqCst));
        });
    }
}
