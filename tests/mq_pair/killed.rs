//! What SIGKILL leaves.

use std::{process::Command, time::Duration};

use framewire::{ErrorKind, mq};
use futures::{SinkExt, StreamExt};
use tokio::time::sleep;

use super::{
    common::{
        Process, id_of, numbered,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    subject::{Name, small},
};

const A_WHILE: Duration = Duration::from_millis(50);

fn start(role: &str, name: &str) -> Process {
    let mut command: Command = role::command(role);
    command.env(WORD, name);
    Process::start(command)
}

/// The part of a listener, which echoes; of one, and then of the next.
pub(crate) fn listens() {
    role::block_on(async {
        let mut listener = small().listen(role::word()).await.unwrap();
        answer("listens");
        while let Some(server) = listener.next().await {
            let mut server = server.unwrap();
            answer("accepted");
            while let Some(message) = server.next().await {
                server.send(message.unwrap()).await.unwrap();
            }
        }
    });
}

/// The part of a client: an order is how many messages to send.
pub(crate) fn connects() {
    role::block_on(async {
        let mut client = small().connect(role::word()).await.unwrap();
        answer("connected");
        while let Some(order) = next_order() {
            for n in 0..order.parse().unwrap() {
                client.send(numbered(n, 64)).await.unwrap();
            }
            answer("sent");
        }
    });
}

#[tokio::test]
async fn a_listener_that_was_killed_leaves_a_name_that_is_taken_over() {
    let name = Name::new();
    let mut killed = start("listens", &name);
    assert_eq!(killed.answer(), "listens");
    assert_eq!(small().listen(&*name).await.unwrap_err().kind(), ErrorKind::InUse);
    killed.kill();
    let error = small().connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let mut listener = small().listen(&*name).await.unwrap();
    let mut client = small().connect(&*name).await.unwrap();
    client.send("hello".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
    drop(listener);
    assert_eq!(name.left(), [""; 0]);
}

#[tokio::test]
async fn a_client_is_told_that_its_server_was_killed() {
    let name = Name::new();
    let mut killed = start("listens", &name);
    assert_eq!(killed.answer(), "listens");
    let mut client = small().connect(&*name).await.unwrap();
    client.send(numbered(1, 64)).await.unwrap();
    assert_eq!(id_of(&within(client.next()).await.unwrap().unwrap()), 1);
    let waiting = tokio::spawn(async move {
        let ended = client.next().await.is_none();
        while client.send("anybody?".into()).await.is_ok() {}
        ended
    });
    sleep(A_WHILE).await;
    killed.kill();
    assert!(within(waiting).await.unwrap());
}

/// All that it had sent comes, and then the end, whether it was let in before it was killed or
/// after.
#[tokio::test]
async fn what_a_killed_client_had_sent_comes_first() {
    for late in [false, true] {
        let name = Name::new();
        let mut listener = small().listen(&*name).await.unwrap();
        let mut client = start("connects", &name);
        assert_eq!(client.answer(), "connected");
        client.order("3");
        assert_eq!(client.answer(), "sent");
        if late {
            client.kill();
        }
        let mut server = within(listener.next()).await.unwrap().unwrap();
        for n in 0..3 {
            assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), n);
        }
        let waiting = tokio::spawn(async move { server.next().await.is_none() });
        sleep(A_WHILE).await;
        assert_eq!(waiting.is_finished(), late);
        if !late {
            client.kill();
        }
        assert!(within(waiting).await.unwrap());
    }
}

/// It says nothing, and is killed: before anybody looked nobody hears of it, afterwards it ends.
#[tokio::test]
async fn a_silent_client_that_is_killed_ends() {
    let name = Name::new();
    let mut listener = small().listen(&*name).await.unwrap();
    let mut never = start("connects", &name);
    assert_eq!(never.answer(), "connected");
    never.kill();
    let mut client = start("connects", &name);
    assert_eq!(client.answer(), "connected");
    let mut server = within(listener.next()).await.unwrap().unwrap();
    let waiting = tokio::spawn(async move { server.next().await.is_none() });
    sleep(A_WHILE).await;
    assert!(!waiting.is_finished());
    client.kill();
    assert!(within(waiting).await.unwrap());
}

#[tokio::test]
async fn what_the_killed_leave_can_be_removed() {
    let name = Name::new();
    let mut killed = start("listens", &name);
    assert_eq!(killed.answer(), "listens");
    killed.kill();
    assert!(mq::remove(format!("{}.requests", &*name)).unwrap());
    assert!(mq::remove(format!("{}.replies", &*name)).unwrap());
    assert_eq!(name.left(), [""; 0]);
}
