//! Messages that are larger than a queue carries.

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use framewire::{
    ErrorKind,
    mq::{self, WaitBy},
};
use futures::{FutureExt, SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use super::{
    common::{
        Process, body, id_of, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        same, within,
    },
    ends::connected,
    subject::{Name, small},
};

const LEN: usize = 1 << 20;
const A_WHILE: Duration = Duration::from_millis(50);

fn spilling() -> mq::Options {
    small().spill(LEN)
}

/// The part of a client: an order is how many messages to send.
pub(crate) fn spills() {
    role::block_on(async {
        let mut client = spilling().connect(role::word()).await.unwrap();
        answer("connected");
        while let Some(order) = next_order() {
            for n in 0..order.parse().unwrap() {
                client.send(numbered(n, LEN)).await.unwrap();
            }
            answer("sent");
        }
    });
}

fn start(name: &str) -> Process {
    let mut command: Command = role::command("spills");
    command.env(WORD, name);
    Process::start(command)
}

#[tokio::test]
async fn a_megabyte_goes_through_sixty_four_bytes_between_processes() {
    let name = Name::new();
    let mut listener = spilling().listen(&*name).await.unwrap();
    let mut client = start(&name);
    assert_eq!(client.answer(), "connected");
    let mut server = within(listener.next()).await.unwrap().unwrap();
    client.order("20");
    for n in 0..20 {
        assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), n);
    }
    assert_eq!(client.answer(), "sent");
    assert!(client.wait().success());
    assert!(within(server.next()).await.is_none());
    drop((server, listener));
    assert_eq!(name.left(), [""; 0]);
}

/// The one that is left sweeps.
#[tokio::test]
async fn what_a_killed_client_has_left_goes_with_the_connection() {
    let name = Name::new();
    let mut listener = spilling().listen(&*name).await.unwrap();
    let mut client = start(&name);
    assert_eq!(client.answer(), "connected");
    let mut server = within(listener.next()).await.unwrap().unwrap();
    client.order("3");
    assert_eq!(client.answer(), "sent");
    assert_eq!(name.spilled().len(), 3);
    client.kill();
    assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), 0);
    assert_eq!(name.spilled().len(), 2);
    drop(server);
    assert!(name.spilled().is_empty());
}

#[tokio::test]
async fn whichever_end_goes_first_nothing_is_left() {
    for server_first in [true, false] {
        let name = Name::new();
        let (_listener, mut client, mut server) = connected(&spilling(), &name).await;
        client.send(body(1, LEN)).await.unwrap();
        server.send(body(2, LEN)).await.unwrap();
        assert_eq!(name.spilled().len(), 2);
        if server_first {
            drop(server);
            same(&within(client.next()).await.unwrap().unwrap(), &body(2, LEN));
            assert!(within(client.next()).await.is_none());
            drop(client);
        } else {
            drop(client);
            drop(server);
        }
        assert!(name.spilled().is_empty(), "the server first: {server_first}");
    }
}

#[tokio::test]
async fn a_queue_keeps_its_files_until_they_are_received_or_removed() {
    let name = Name::new();
    let mut sender = spilling().sender(&*name).await.unwrap();
    for n in 0..3 {
        sender.send(body(n, LEN)).await.unwrap();
    }
    drop(sender);
    let files = name.spilled();
    assert_eq!(files.len(), 3);
    for file in files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let mut receiver = spilling().receiver(&*name).await.unwrap();
    same(&within(receiver.next()).await.unwrap().unwrap(), &body(0, LEN));
    assert_eq!(name.spilled().len(), 2);
    assert!(mq::remove(&*name).unwrap());
    assert!(name.spilled().is_empty());
    for _ in 0..2 {
        let error = within(receiver.next()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert!(receiver.next().now_or_never().is_none(), "it goes on");
}

#[tokio::test]
async fn what_was_not_sent_is_removed() {
    let name = Name::new();
    let options = spilling().capacity(1);
    let mut sender = options.sender(&*name).await.unwrap();
    sender.send(body(0, LEN)).await.unwrap();
    assert!(sender.send(body(1, LEN)).now_or_never().is_none(), "there is no room");
    assert_eq!(name.spilled().len(), 2);
    drop(sender);
    assert_eq!(name.spilled().len(), 1);
    let mut receiver = options.receiver(&*name).await.unwrap();
    same(&within(receiver.next()).await.unwrap().unwrap(), &body(0, LEN));
    assert!(receiver.next().now_or_never().is_none());
}

#[tokio::test]
async fn too_large_is_too_large_before_anything_is_written() {
    let name = Name::new();
    let mut sender = spilling().sender(&*name).await.unwrap();
    let error = sender.send(body(0, LEN + 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(name.spilled().is_empty());
    sender.send(body(0, LEN)).await.unwrap();
    let mut receiver = small().spill(LEN - 1).receiver(&*name).await.unwrap();
    let error = within(receiver.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(name.spilled().is_empty());
    sender.send("small".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "small");
}

#[tokio::test]
async fn packed_and_spilled_go_together() {
    let name = Name::new();
    let options = spilling().packed();
    let mut receiver = options.receiver(&*name).await.unwrap();
    let mut sender = options.sender(&*name).await.unwrap();
    let sizes = [3, LEN, 0, 60, 61, 5, LEN];
    for (n, len) in sizes.into_iter().enumerate() {
        sender.feed(body(n as u64, len)).await.unwrap();
    }
    let sending = tokio::spawn(async move { sender.close().await });
    for (n, len) in sizes.into_iter().enumerate() {
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(n as u64, len));
    }
    within(sending).await.unwrap().unwrap();
    assert!(name.spilled().is_empty());
}

/// Who was never let in leaves nothing either.
#[tokio::test]
async fn what_a_client_left_at_the_door_goes_with_the_listener() {
    for client_first in [true, false] {
        let name = Name::new();
        let listener = spilling().listen(&*name).await.unwrap();
        let mut client = spilling().connect(&*name).await.unwrap();
        client.send(body(1, LEN)).await.unwrap();
        if client_first {
            drop(client);
            drop(listener);
        } else {
            drop(listener);
            drop(client);
        }
        assert!(name.spilled().is_empty(), "the client first: {client_first}");
    }
}

/// The part of a receiver that has no descriptor left for a while.
pub(crate) fn runs_out() {
    role::block_on(async {
        let (name, options) = (Name::new(), spilling());
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.sender(&*name).await.unwrap();
        sender.send(body(1, LEN)).await.unwrap();
        let usual = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: usual.maximum }).unwrap();
        let refused = receiver.next().now_or_never();
        setrlimit(Resource::Nofile, usual).unwrap();
        let error = refused.unwrap().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(1, LEN));
        assert!(name.spilled().is_empty());
    });
}

#[test]
fn a_body_that_cannot_be_opened_now_comes_later() {
    let _name = Name::new();
    role::must_pass("runs out");
}

/// Its thread may send what it had in its hands, and then the body is there.
#[tokio::test]
async fn a_sender_that_goes_takes_no_body_from_its_thread() {
    for _ in 0..5 {
        let (name, options) = (Name::new(), spilling().capacity(1));
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut sender = options.wait_by(WaitBy::Blocking).sender(&*name).await.unwrap();
        sender.send(body(0, LEN)).await.unwrap();
        assert!(timeout(A_WHILE, sender.send(body(1, LEN))).await.is_err(), "there is no room");
        drop(sender);
        same(&within(receiver.next()).await.unwrap().unwrap(), &body(0, LEN));
        if let Ok(late) = timeout(4 * A_WHILE, receiver.next()).await {
            same(&late.unwrap().unwrap(), &body(1, LEN));
        }
        assert!(name.spilled().is_empty());
    }
}
