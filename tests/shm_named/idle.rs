//! Waiting costs nothing.

use std::{thread::sleep, time::Duration};

use framewire::shm::named;
use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::switches,
    },
    subject::Names,
};

const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

/// The part of one that waits in every way there is.
pub(crate) fn waits() {
    let prefix = role::word();
    let name = |part: &str| format!("{prefix}-{part}");
    role::block_on(async {
        // For a sender to come, and for one to say something.
        let mut alone = named::receiver(name("alone")).await.unwrap();
        tokio::spawn(async move { alone.next().await });
        let mut silent = named::receiver(name("silent")).await.unwrap();
        let _says_nothing = named::sender(name("silent")).await.unwrap();
        tokio::spawn(async move { silent.next().await });
        // For room, with and without a receiver.
        let _reads_nothing = named::receiver(name("full")).await.unwrap();
        for part in ["full", "nobody"] {
            let mut sender = named::sender(name(part)).await.unwrap();
            tokio::spawn(async move { while sender.send(vec![0; 9000].into()).await.is_ok() {} });
        }
        // For a client, for a peer, for room with it.
        let mut listener = named::listen(name("server")).await.unwrap();
        let mut client = named::connect(name("server")).await.unwrap();
        let server = listener.next().await.unwrap().unwrap();
        tokio::spawn(async move { listener.next().await });
        let (mut sink, mut stream) = server.split();
        tokio::spawn(async move { while sink.send(vec![0; 9000].into()).await.is_ok() {} });
        tokio::spawn(async move { stream.next().await });
        client.send("hello".into()).await.unwrap();

        tokio::time::sleep(QUIET).await;
        answer("waiting");
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            next_order();
            let _ = ended.send(());
        });
        let _ = end.await;
    });
}

#[test]
fn who_waits_uses_no_processor_time() {
    let names = Names::new();
    let mut command = role::command("waits");
    command.env(WORD, names.next());
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    sleep(QUIET);
    let before = switches(waiting.id());
    assert!(before > 0);
    sleep(WATCHED);
    assert_eq!(switches(waiting.id()), before);
    assert!(waiting.wait().success());
}
