//! Ends: by close, by drop, by death; of one direction, of both.

use std::process::Stdio;

use framewire::ErrorKind;
use futures::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{
    super::{End, LEN, Subject, id_of, numbered, role},
    flow,
};

pub(super) async fn close(subject: &dyn Subject) {
    let (mut near, mut far) = subject.open().await.unwrap();
    near.feed("one".into()).await.unwrap();
    near.feed("two".into()).await.unwrap();
    near.close().await.unwrap();
    assert_eq!(far.next().await.expect("it was fed").unwrap(), "one");
    assert_eq!(far.next().await.expect("it was fed").unwrap(), "two");
    assert!(far.next().await.is_none());
    assert!(far.next().await.is_none(), "it stays ended");
    let error = near.send("three".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "sending after the end: {error}");
}

/// One direction ends and the other goes on, then it ends as well.
pub(super) async fn half_close(subject: &dyn Subject) {
    let (mut near, mut far) = subject.open().await.unwrap();
    near.send("question".into()).await.unwrap();
    near.close().await.unwrap();
    assert_eq!(far.next().await.expect("it was sent").unwrap(), "question");
    assert!(far.next().await.is_none());
    for n in 0..100 {
        far.send(numbered(n, LEN)).await.unwrap();
        assert_eq!(id_of(&near.next().await.expect("it was sent").unwrap()), n);
    }
    far.close().await.unwrap();
    assert!(near.next().await.is_none());
    // Ends that were ended already may be ended again.
    near.close().await.unwrap();
    far.close().await.unwrap();
}

pub(super) async fn drop_of_the_sender(subject: &dyn Subject) {
    let (mut near, mut far) = subject.open().await.unwrap();
    for n in 0..3 {
        near.send(numbered(n, LEN)).await.unwrap();
    }
    drop(near);
    for n in 0..3 {
        assert_eq!(id_of(&far.next().await.expect("it was sent").unwrap()), n);
    }
    flow::ends(subject, &mut far).await;
}

/// Whoever sends to nobody learns it, as an error and not as a signal.
pub(super) async fn drop_of_the_receiver(subject: &dyn Subject) {
    let (mut near, far) = subject.open().await.unwrap();
    drop(far);
    let error = loop {
        // Over a network, the first may be on its way before the answer to it is.
        if let Err(error) = near.send(numbered(0, LEN)).await {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    // It is an error each time, and never a hang.
    let error = near.send(numbered(0, LEN)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

/// What was sent before a SIGKILL is delivered after it.
pub(super) async fn kill_of_the_sender(subject: &dyn Subject) {
    let fit = subject.fit();
    let (mut child, mut end) = start(subject, "sends what fits").await;
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while said.next_line().await.unwrap().expect("a line").trim() != "sent" {}
    child.kill().await.unwrap();
    for n in 0..fit {
        let message = end.next().await.unwrap_or_else(|| panic!("{n} of {fit} came")).unwrap();
        assert_eq!(id_of(&message), n);
    }
    if subject.tells_of_death() {
        let error = end.next().await.expect("an error").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    }
    flow::killed(subject, &mut end).await;
}

/// The part of the killed: sends, says so, and waits for its end.
pub(super) fn sends_what_fits() {
    role::block_on(async {
        let mut end = role::peer().await.unwrap();
        let fit: u64 = role::word().parse().unwrap();
        for n in 0..fit {
            end.send(numbered(n, LEN)).await.unwrap();
        }
        println!("\nsent");
        assert!(end.next().await.is_none());
    });
}

/// Whatever comes before the end is whole and in order.
pub(super) async fn kill_in_mid_stream(subject: &dyn Subject) {
    for before in [1, 60, 200] {
        let (mut child, mut end) = start(subject, "floods").await;
        for n in 0..before {
            assert_eq!(id_of(&end.next().await.expect("a flood").unwrap()), n);
        }
        child.kill().await.unwrap();
        let mut next = before;
        while let Some(message) = flow::left(subject, &mut end).await {
            match message {
                Ok(message) => assert_eq!(id_of(&message), next),
                Err(error) => {
                    let cut = matches!(error.kind(), ErrorKind::Truncated | ErrorKind::Closed);
                    assert!(cut, "{error}");
                    assert!(end.next().await.is_none(), "one error, then the end");
                    break;
                }
            }
            next += 1;
        }
    }
}

/// Sends until it is killed or nobody listens.
pub(super) fn floods() {
    role::block_on(async {
        let mut end = role::peer().await.unwrap();
        let mut n = 0;
        let most = 9000.min(role::max_len() - 7);
        while end.feed(numbered(n, 8 + n as usize * 37 % most)).await.is_ok() {
            n += 1;
        }
    });
}

async fn start(subject: &dyn Subject, name: &str) -> (Child, End) {
    let mut command = Command::from(role::command(name));
    command.env(role::WORD, subject.fit().to_string());
    command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    subject.process(command).await.unwrap()
}
