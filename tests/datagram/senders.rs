//! Many processes that send to one.

use std::time::Duration;

use framewire::{ErrorKind, unix::datagram};
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{
        Flavour, Process, body, id_of, numbered,
        role::{self, WORD},
        within,
    },
    place,
};

const PROCESSES: u64 = 8;
const EACH: u64 = 20_000;

/// Sends its share: each message tells which it is and whose.
pub(crate) fn sends_many() {
    let word = role::word();
    let (path, process) = word.rsplit_once(' ').unwrap();
    let process: u64 = process.parse().unwrap();
    role::block_on(async {
        let mut sender = datagram::sender(path).await.unwrap();
        for n in 0..EACH {
            let message = numbered(process * EACH + n, 8 + (n * 37 % 500) as usize);
            if n % 3 == 0 { sender.feed(message).await } else { sender.send(message).await }
                .unwrap();
        }
        sender.flush().await.unwrap();
    });
}

async fn receives_all() {
    let (_directory, path) = place();
    let mut receiver = datagram::receiver(&*path).await.unwrap();
    let mut children: Vec<_> = (0..PROCESSES)
        .map(|process| {
            let mut command = role::command("sends many");
            command.env(WORD, format!("{} {process}", path.display()));
            Process::start(command)
        })
        .collect();
    let mut next = [0; PROCESSES as usize];
    for _ in 0..PROCESSES * EACH {
        let id = id_of(&within(receiver.next()).await.unwrap().unwrap());
        let (process, n) = (id / EACH, id % EACH);
        assert_eq!(n, next[process as usize], "of process {process}");
        next[process as usize] += 1;
    }
    assert_eq!(next, [EACH; PROCESSES as usize]);
    for child in &mut children {
        assert!(child.wait().success());
    }
    let more = timeout(Duration::from_millis(50), receiver.next()).await;
    assert!(more.is_err(), "nothing was sent twice");
}

#[test]
fn many_processes_reach_one_thread() {
    Flavour::CurrentThread.run(receives_all());
}

#[test]
fn many_processes_reach_two_workers() {
    Flavour::TwoWorkers.run(receives_all());
}

/// Ten messages, or a send buffer of large ones, and the sender waits.
#[tokio::test]
async fn a_receiver_that_does_not_receive_holds_its_senders_back() {
    for len in [1, 1000, 100_000] {
        let (_directory, path) = place();
        let mut receiver = datagram::receiver(&*path).await.unwrap();
        let mut sender = datagram::sender(&*path).await.unwrap();
        let mut sent = 0;
        while let Ok(done) = timeout(Duration::from_millis(50), sender.send(body(sent, len))).await
        {
            done.unwrap();
            sent += 1;
            assert!(sent < 10_000, "nothing holds the sender back");
        }
        // The one whose wait was given up is sent when there is room.
        let (flushed, ()) = tokio::join!(within(sender.flush()), async {
            for n in 0..=sent {
                assert_eq!(within(receiver.next()).await.unwrap().unwrap(), body(n, len));
            }
        });
        flushed.unwrap();
    }
}

/// Who waits for room learns that nobody will make any.
#[tokio::test]
async fn a_receiver_that_goes_frees_who_waits_for_it() {
    let (_directory, path) = place();
    let receiver = datagram::receiver(&*path).await.unwrap();
    let mut sender = datagram::sender(&*path).await.unwrap();
    let sending = tokio::spawn(async move {
        loop {
            if let Err(error) = sender.send("hello".into()).await {
                return error;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!sending.is_finished());
    drop(receiver);
    assert_eq!(within(sending).await.unwrap().kind(), ErrorKind::Closed);
}
