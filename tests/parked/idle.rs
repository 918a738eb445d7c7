//! Waiting costs nothing, however many wait.

use std::{thread::sleep, time::Duration};

use framewire::shm;
use futures::{SinkExt, StreamExt};
use tokio::sync::oneshot;

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::{switches, ticks},
        within,
    },
    raise_our_descriptors,
};

const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

/// Until there are no more orders.
async fn ordered_to_end() {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        next_order();
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// The part of a server whose clients say nothing.
pub(crate) fn is_called_by_none() {
    raise_our_descriptors();
    let word = role::word();
    let (many, path) = word.split_once(' ').unwrap();
    let many: usize = many.parse().unwrap();
    role::block_on(async {
        let mut listener = shm::listen(path).await.unwrap();
        answer("listening");
        // The first one is never read from: who sends to it waits for room.
        let _full = within(listener.next()).await.unwrap().unwrap();
        for _ in 0..many {
            let mut connection = within(listener.next()).await.unwrap().unwrap();
            tokio::spawn(async move {
                assert!(connection.next().await.unwrap().is_ok());
                connection.next().await
            });
        }
        tokio::spawn(async move { listener.next().await });
        answer("waiting");
        ordered_to_end().await;
    });
}

/// The part of its clients, which have said one thing and wait for an answer.
pub(crate) fn idles() {
    raise_our_descriptors();
    let word = role::word();
    let (many, path) = word.split_once(' ').unwrap();
    let many: usize = many.parse().unwrap();
    role::block_on(async {
        let mut full = shm::connect(path).await.unwrap();
        tokio::spawn(async move { while full.send(vec![0; 4000].into()).await.is_ok() {} });
        for _ in 0..many {
            let mut connection = shm::connect(path).await.unwrap();
            tokio::spawn(async move {
                connection.send("hello".into()).await.unwrap();
                connection.next().await
            });
        }
        tokio::time::sleep(QUIET).await;
        answer("waiting");
        ordered_to_end().await;
    });
}

fn costs_nothing(many: usize) {
    let directory = tempfile::tempdir().unwrap();
    let start = |role: &str| {
        let mut command = role::command(role);
        command.env(WORD, format!("{many} {}", directory.path().join("e.sock").display()));
        Process::start(command)
    };
    let mut server = start("is called by none");
    assert_eq!(server.answer(), "listening");
    let mut clients = start("idles");
    for process in [&mut server, &mut clients] {
        assert_eq!(process.answer(), "waiting");
    }
    sleep(QUIET);
    let count = |process: &Process| (switches(process.id()), ticks(process.id()));
    let before = (count(&server), count(&clients));
    assert!(before.0.0 > 0 && before.1.0 > 0);
    sleep(WATCHED);
    assert_eq!((count(&server), count(&clients)), before);
    assert!(clients.wait().success());
    assert!(server.wait().success());
}

#[test]
fn one_that_waits_uses_no_processor_time() {
    costs_nothing(1);
}

#[test]
fn three_hundred_that_wait_use_no_processor_time() {
    costs_nothing(300);
}
