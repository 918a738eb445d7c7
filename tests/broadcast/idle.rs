//! Waiting costs nothing.

use std::{path::Path, thread::sleep, time::Duration};

use framewire::shm::{
    broadcast::{self, Slow},
    latest,
};
use futures::{SinkExt, StreamExt};

use super::common::{
    Process, body,
    process::{answer, next_order},
    role::{self, WORD},
    spent::switches,
    within,
};

const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

/// The part of one that waits in every way there is.
pub(crate) fn waits() {
    let directory = role::word();
    let place = |name: &str| Path::new(&directory).join(name);
    role::block_on(async {
        // For the first message, and for the next.
        let silent = broadcast::sender(place("first")).await.unwrap();
        let mut receiver = broadcast::receiver(place("first")).await.unwrap();
        tokio::spawn(async move { receiver.next().await });
        let mut sender = broadcast::sender(place("next")).await.unwrap();
        let mut receiver = broadcast::receiver(place("next")).await.unwrap();
        sender.send("hello".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
        tokio::spawn(async move { receiver.next().await });
        let mut value = latest::sender(place("value")).await.unwrap();
        let mut receiver = latest::receiver(place("value")).await.unwrap();
        value.send("hello".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
        tokio::spawn(async move { receiver.next().await });
        // For the slowest.
        let patient = broadcast::Options::new().slow(Slow::Wait);
        let mut waiting = patient.sender(place("slow")).await.unwrap();
        let slow = broadcast::receiver(place("slow")).await.unwrap();
        tokio::spawn(async move { while waiting.send(body(0, 1000)).await.is_ok() {} });

        tokio::time::sleep(QUIET).await;
        answer("waiting");
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            next_order();
            let _ = ended.send(());
        });
        let _ = end.await;
        drop((silent, sender, value, slow));
    });
}

#[test]
fn who_waits_uses_no_processor_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = role::command("waits");
    command.env(WORD, directory.path());
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    sleep(QUIET);
    let before = switches(waiting.id());
    assert!(before > 0);
    sleep(WATCHED);
    assert_eq!(switches(waiting.id()), before);
    assert!(waiting.wait().success());
}
