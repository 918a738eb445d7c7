//! Senders and receivers that are processes of their own.

use framewire::{
    ErrorKind,
    shm::broadcast::{self, Slow, Start},
};
use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Process, id_of, nobody, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    place,
};

/// More than either ring holds, many times over.
const MANY: u64 = 100_000;

/// The part of one that receives all and says how many, in order, with the last error there was.
pub(crate) fn counts() {
    role::block_on(async {
        let mut receiver = broadcast::receiver(role::word()).await.unwrap();
        answer("receiving");
        let mut next = 0;
        loop {
            match within(receiver.next()).await {
                Some(Ok(message)) => {
                    assert_eq!(id_of(&message), next);
                    next += 1;
                }
                Some(Err(error)) => answer(&format!("{:?}", error.kind())),
                None => break,
            }
        }
        assert_eq!(receiver.lost(), 0);
        answer(&next.to_string());
    });
}

/// The part of a sender that is killed.
pub(crate) fn publishes() {
    role::block_on(async {
        let mut sender = broadcast::sender(role::word()).await.unwrap();
        answer("sending");
        for n in 0.. {
            match tokio::task::spawn_blocking(next_order).await.unwrap().as_deref() {
                Some("close") => return sender.close().await.unwrap(),
                Some(_) => sender.send(numbered(n, 100)).await.unwrap(),
                None => return,
            }
            answer("sent");
        }
    });
}

pub(crate) fn start(part: &str, path: &std::path::Path) -> Process {
    let mut command = role::command(part);
    command.env(WORD, path);
    let mut process = Process::start(command);
    process.answer();
    process
}

#[test]
fn two_other_processes_receive_all_of_many() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    role::block_on(async {
        let patient = broadcast::Options::new().slow(Slow::Wait).capacity(64 << 10);
        let mut sender = patient.sender(&path).await.unwrap();
        let starting = [path.clone(), path.clone()]
            .map(|path| tokio::task::spawn_blocking(move || start("counts", &path)));
        let mut receivers = Vec::new();
        for starting in starting {
            receivers.push(within(starting).await.unwrap());
        }
        for n in 0..MANY {
            let message = numbered(n, 8 + (n % 50) as usize);
            // One by one, and many at a time.
            if n % 1000 < 500 {
                within(sender.feed(message)).await.unwrap();
            } else {
                within(sender.send(message)).await.unwrap();
            }
        }
        within(sender.close()).await.unwrap();
        for mut receiver in receivers {
            assert_eq!(receiver.answer(), MANY.to_string());
            assert!(receiver.wait().success());
        }
    });
}

/// It is knocked for over the socket: an eventfd of its own could make us wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_is_woken_too() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = nobody::for_everyone(directory.path());
    let path = place(&directory);
    let options = broadcast::Options::new().mode(0o666).slow(Slow::Wait).capacity(64 << 10);
    let mut sender = options.sender(&path).await.unwrap();
    let mut command = nobody::command(&program, "counts");
    command.env(WORD, &path);
    let mut receiver = Process::start(command);
    assert_eq!(receiver.answer(), "receiving");
    for n in 0..2000 {
        within(sender.send(numbered(n, 500))).await.unwrap();
        if n % 100 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
    within(sender.close()).await.unwrap();
    assert_eq!(receiver.answer(), "2000");
    assert!(receiver.wait().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_sender_is_told_and_its_name_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    for round in 0..3 {
        let mut killed = start("publishes", &path);
        let mut receiver = broadcast::receiver(&path).await.unwrap();
        for n in 0..3 {
            killed.order("send");
            assert_eq!(killed.answer(), "sent");
            if n < 2 {
                assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), n);
            }
        }
        if round == 2 {
            killed.order("close");
            killed.wait();
        } else {
            killed.kill();
        }
        // What is there is there.
        assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), 2);
        if round < 2 {
            let error = within(receiver.next()).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        }
        assert!(within(receiver.next()).await.is_none());
    }
    let _next = broadcast::sender(&path).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_receiver_is_let_go_and_comes_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = place(&directory);
    let mut sender = broadcast::sender(&path).await.unwrap();
    for _ in 0..3 {
        let mut killed = start("counts", &path);
        assert_eq!(sender.receivers(), 1);
        killed.kill();
        while sender.receivers() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        sender.send("to nobody".into()).await.unwrap();
    }
    let oldest = broadcast::Options::new().start(Start::Oldest);
    let receiver = oldest.receiver(&path).await.unwrap();
    sender.close().await.unwrap();
    assert_eq!(within(receiver.count()).await, 3);
}
