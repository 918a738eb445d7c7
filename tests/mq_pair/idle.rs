//! Waiting costs nothing, and takes no thread.

use std::{fs, thread::sleep, time::Duration};

use framewire::mq;
use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::switches,
    },
    ends::connected,
    subject::{Name, small},
};

/// Longer than anything is looked at again after news.
const QUIET: Duration = Duration::from_millis(1500);
const WATCHED: Duration = Duration::from_secs(1);

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// The part of one that waits for a client, for a peer's message, and for room.
pub(crate) fn waits() {
    role::block_on(async {
        let before = threads();
        let (mut listener, client, mut server) = connected(&small(), &role::word()).await;
        tokio::spawn(async move { listener.next().await });
        let (mut sink, mut stream) = client.split();
        tokio::spawn(async move { while sink.send("more".into()).await.is_ok() {} });
        tokio::spawn(async move { stream.next().await });
        tokio::time::sleep(QUIET).await;
        assert_eq!(threads(), before);
        answer("waiting");
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            next_order();
            let _ = ended.send(());
        });
        let _ = end.await;
        // It was alive all the time.
        let waiting = tokio::spawn(async move { server.next().await.is_some() });
        assert!(waiting.await.unwrap());
        answer("alive");
    });
}

#[test]
fn who_waits_uses_no_processor_time() {
    let name = Name::new();
    let mut command = role::command("waits");
    command.env(WORD, &*name);
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    sleep(Duration::from_millis(100));
    let before = switches(waiting.id());
    assert!(before > 0);
    sleep(WATCHED);
    assert_eq!(switches(waiting.id()), before, "it was woken");
    waiting.order("look");
    assert_eq!(waiting.answer(), "alive");
    assert!(waiting.wait().success());
    // The name goes with the process that ends in order.
    assert!(!mq::remove(format!("{}.requests", &*name)).unwrap());
}
