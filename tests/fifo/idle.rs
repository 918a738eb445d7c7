//! Waiting costs nothing.

use std::{path::Path, thread::sleep, time::Duration};

use framewire::fifo;
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::{switches, ticks},
        within,
    },
    names::make,
};

const A_WHILE: Duration = Duration::from_millis(20);
const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

/// The part of one that waits in every way there is.
pub(crate) fn waits() {
    let directory = role::word();
    let place = |name: &str| Path::new(&directory).join(name);
    role::block_on(async {
        // For the first writer.
        let mut first = fifo::receiver(place("first")).await.unwrap();
        tokio::spawn(async move { first.next().await });
        // For the next one, and for one to say something.
        for name in ["next", "silent"] {
            let mut receiver = fifo::receiver(place(name)).await.unwrap();
            fifo::sender(place(name)).await.unwrap().send("hello".into()).await.unwrap();
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
            if name == "silent" {
                let silent = fifo::sender(place(name)).await.unwrap();
                tokio::spawn(async move {
                    receiver.next().await;
                    drop(silent);
                });
            } else {
                tokio::spawn(async move { receiver.next().await });
            }
        }
        // For one to say something, whose predecessor's hang-up the runtime heard of and the
        // receiver did not.
        let mut receiver = fifo::receiver(place("late")).await.unwrap();
        let first = fifo::sender(place("late")).await.unwrap();
        assert!(timeout(A_WHILE, receiver.next()).await.is_err());
        drop(first);
        tokio::time::sleep(A_WHILE).await;
        let silent = fifo::sender(place("late")).await.unwrap();
        tokio::spawn(async move {
            receiver.next().await;
            drop(silent);
        });
        // For room with a reader that came when the one before had left.
        make(&place("by hand"), 0o600);
        let read = || {
            let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
            rustix::fs::open(place("by hand"), flags, rustix::fs::Mode::empty()).unwrap()
        };
        let first = read();
        let mut sender = fifo::sender(place("by hand")).await.unwrap();
        while timeout(A_WHILE, sender.send(vec![0; 4000].into())).await.is_ok() {}
        drop(first);
        tokio::time::sleep(A_WHILE).await;
        let _next = read();
        tokio::spawn(async move { sender.flush().await });
        // For room.
        let _full = fifo::receiver(place("full")).await.unwrap();
        let mut sender = fifo::sender(place("full")).await.unwrap();
        tokio::spawn(async move { while sender.send(vec![0; 4000].into()).await.is_ok() {} });
        // For a receiver.
        for exclusive in [false, true] {
            let options = fifo::Options::new().exclusive(exclusive);
            let path = place("missing");
            tokio::spawn(async move { options.sender(path).await });
        }
        // For the receiver to look.
        let _busy = fifo::receiver(place("busy")).await.unwrap();
        let options = fifo::Options::new().exclusive(true);
        let mut torn = options.sender(place("busy")).await.unwrap().into_io();
        tokio::io::AsyncWriteExt::write_all(&mut torn, b"\0\0\0\x09a part").await.unwrap();
        drop(torn);
        let path = place("busy");
        tokio::spawn(async move { options.sender(path).await });

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
#[cfg(target_os = "linux")]
fn who_waits_uses_no_processor_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = role::command("waits");
    command.env(WORD, directory.path());
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    sleep(QUIET);
    let before = (switches(waiting.id()), ticks(waiting.id()));
    assert!(before.0 > 0);
    sleep(WATCHED);
    assert_eq!((switches(waiting.id()), ticks(waiting.id())), before);
    assert!(waiting.wait().success());
}
