//! Waiting costs nothing.

use std::{thread::sleep, time::Duration};

use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::{switches, ticks},
    },
    subject::{Name, small},
};

const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

/// The part of one that waits in every way there is without a thread.
pub(crate) fn waits() {
    let prefix = role::word();
    let name = |part: &str| format!("{prefix}-{part}");
    role::block_on(async {
        // For a message, alone and among others.
        for part in ["empty", "shared", "shared", "shared"] {
            let mut receiver = small().receiver(name(part)).await.unwrap();
            tokio::spawn(async move { receiver.next().await });
        }
        // For the next one.
        let mut receiver = small().receiver(name("next")).await.unwrap();
        let mut sender = small().sender(name("next")).await.unwrap();
        sender.send("hello".into()).await.unwrap();
        assert_eq!(receiver.next().await.unwrap().unwrap(), "hello");
        tokio::spawn(async move { receiver.next().await });
        // For room.
        let mut sender = small().sender(name("full")).await.unwrap();
        tokio::spawn(async move { while sender.send(vec![0; 64].into()).await.is_ok() {} });

        tokio::time::sleep(QUIET).await;
        answer("waiting");
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            next_order();
            let _ = ended.send(());
        });
        let _ = end.await;
        for part in ["empty", "shared", "next", "full"] {
            framewire::mq::remove(name(part)).unwrap();
        }
    });
}

#[test]
fn who_waits_uses_no_processor_time() {
    let name = Name::new();
    let mut command = role::command("waits");
    command.env(WORD, &*name);
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    sleep(QUIET);
    let before = (switches(waiting.id()), ticks(waiting.id()));
    assert!(before.0 > 0);
    sleep(WATCHED);
    assert_eq!((switches(waiting.id()), ticks(waiting.id())), before);
    assert!(waiting.wait().success());
}
