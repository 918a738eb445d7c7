//! Sleeping, and being let go of while one does.

use std::{
    fs,
    time::{Duration, Instant},
};

use framewire::{shm::named, wait::Strategy};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::{
    common::{Flavour, Polls, id_of, numbered, role, within},
    subject::Names,
};

const A_WHILE: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_secs(2);

/// How many threads of this process sleep on a bell, beside those of other tests.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    tasks
        .filter_map(|task| name(task.unwrap()).ok())
        .filter(|name| name == "framewire-shm\n")
        .count()
}

#[test]
fn a_runtime_that_is_dropped_waits_for_nobody() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let names = Names::new();
        let (one, two) = (names.next(), names.next());
        let runtime = flavour.runtime();
        runtime.block_on(async {
            // For messages, for room, for a client, for a peer.
            let mut receiver = named::receiver(&*one).await.unwrap();
            tokio::spawn(async move { receiver.next().await });
            let mut sender = named::sender(&*two).await.unwrap();
            tokio::spawn(async move { while sender.send(numbered(0, 9000)).await.is_ok() {} });
            let mut listener = named::listen(&*one).await.unwrap();
            let mut client = named::connect(&*one).await.unwrap();
            tokio::spawn(async move {
                let mut server = listener.next().await.unwrap().unwrap();
                tokio::join!(server.next(), listener.next())
            });
            tokio::spawn(async move { client.next().await });
            sleep(A_WHILE).await;
        });
        let begun = Instant::now();
        drop(runtime);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        // But for what was sent and not received.
        assert_eq!(names.left(), [""; 0]);
    }
}

/// In a process of its own: others have threads as well.
#[test]
fn there_is_no_thread_before_one_sleeps_and_none_after() {
    role::must_pass("sleeps");
}

pub(crate) fn sleeps() {
    let names = Names::new();
    let name = names.next();
    role::block_on(async {
        let mut receiver = named::receiver(&*name).await.unwrap();
        let mut sender = named::sender(&*name).await.unwrap();
        for n in 0..1000 {
            sender.send(numbered(n, 100)).await.unwrap();
            assert_eq!(id_of(&receiver.next().await.unwrap().unwrap()), n);
        }
        assert_eq!(threads(), 0);
        assert!(timeout(A_WHILE, receiver.next()).await.is_err());
        assert_eq!(threads(), 1);
        drop(receiver);
        let begun = Instant::now();
        while threads() > 0 {
            assert!(begun.elapsed() < SOON);
            sleep(Duration::from_millis(1)).await;
        }
    });
}

/// Whatever it is doing when it is dropped: sleeping, waking, waiting for the thread.
#[tokio::test]
async fn nothing_is_lost_when_a_wait_is_given_up() {
    const COUNT: u64 = 2000;
    let names = Names::new();
    let name = names.next();
    for strategy in [Strategy::Park, Strategy::Adaptive] {
        let options = named::Options::new().strategy(strategy);
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.sender(&*name).await.unwrap();
        let sending = tokio::spawn(async move {
            for n in 0..COUNT {
                sender.send(numbered(n, 100)).await.unwrap();
                if n % 16 == 0 {
                    sleep(Duration::from_micros(n % 300)).await;
                }
            }
            sender.close().await.unwrap();
        });
        let mut n = 0;
        let mut polls = 0;
        while n < COUNT {
            polls = (polls + 1) % 4;
            match Polls::new(polls, receiver.next()).await {
                Some(message) => {
                    assert_eq!(id_of(&message.unwrap().unwrap()), n);
                    n += 1;
                }
                None => tokio::task::yield_now().await,
            }
        }
        assert!(within(receiver.next()).await.is_none());
        within(sending).await.unwrap();
    }
}

/// Every message finds the other asleep.
#[test]
fn who_sleeps_is_woken_each_time() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let names = Names::new();
        let name = names.next();
        flavour.run(async move {
            let options = named::Options::new().strategy(Strategy::Park);
            let mut listener = options.listen(&*name).await.unwrap();
            let mut client = options.connect(&*name).await.unwrap();
            let server = within(listener.next()).await.unwrap().unwrap();
            let echo = tokio::spawn(async move {
                let (sink, stream) = server.split();
                stream.forward(sink).await
            });
            for n in 0..1000 {
                client.send(numbered(n, 100)).await.unwrap();
                assert_eq!(id_of(&within(client.next()).await.unwrap().unwrap()), n);
            }
            client.close().await.unwrap();
            assert!(within(client.next()).await.is_none());
            within(echo).await.unwrap().unwrap();
        });
    }
}

/// Data wakes the one who receives, room the one who sends, in two tasks of one end.
#[test]
fn the_halves_of_an_end_sleep_each_for_itself() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let names = Names::new();
        let name = names.next();
        flavour.run(async move {
            let options = named::Options::new().strategy(Strategy::Park).capacity(64 << 10);
            let mut listener = options.listen(&*name).await.unwrap();
            let client = options.connect(&*name).await.unwrap();
            let mut server = within(listener.next()).await.unwrap().unwrap();
            let (mut sink, mut stream) = client.split();
            let receiving = tokio::spawn(async move { stream.next().await.unwrap().unwrap() });
            let sending = tokio::spawn(async move {
                for n in 0..200 {
                    sink.send(numbered(n, 1000)).await.unwrap();
                }
            });
            sleep(A_WHILE).await;
            assert!(!sending.is_finished() && !receiving.is_finished());
            server.send("data".into()).await.unwrap();
            assert_eq!(within(receiving).await.unwrap(), "data");
            assert!(!sending.is_finished());
            for n in 0..200 {
                assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), n);
            }
            within(sending).await.unwrap();
        });
    }
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let names = Names::new();
    let name = names.next();
    let no_runtime = |error: framewire::Error| {
        assert!(error.to_string().contains("no Tokio runtime"), "{error}");
    };
    no_runtime(named::sender(&*name).now_or_never().unwrap().unwrap_err());
    no_runtime(named::receiver(&*name).now_or_never().unwrap().unwrap_err());
    no_runtime(named::listen(&*name).now_or_never().unwrap().unwrap_err());
    no_runtime(named::connect(&*name).now_or_never().unwrap().unwrap_err());
    assert!(names.there().is_empty());
}
