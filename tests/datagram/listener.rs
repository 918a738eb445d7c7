//! What a listener keeps: its task, its socket, its name.

use std::time::Duration;

use framewire::{ErrorKind, unix::datagram};
use futures::{SinkExt, StreamExt};
use tokio::{
    runtime::{Builder, Handle},
    time::sleep,
};

use super::{abstract_name, common::within, place};

async fn alive_tasks_come_to(expected: usize) {
    within(async {
        while Handle::current().metrics().num_alive_tasks() != expected {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Two connections of two peers do not mix, and each is answered.
#[tokio::test]
async fn each_peer_has_a_connection() {
    let (_directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut clients = Vec::new();
    for n in 0..5 {
        let mut client = datagram::connect(&*path).await.unwrap();
        client.send(format!("first of {n}").into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), format!("first of {n}"));
        clients.push((client, server));
    }
    for (n, (client, _)) in clients.iter_mut().enumerate() {
        client.send(format!("second of {n}").into()).await.unwrap();
    }
    for (n, (client, server)) in clients.iter_mut().enumerate() {
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("second of {n}"));
        server.send(format!("to {n}").into()).await.unwrap();
        assert_eq!(within(client.next()).await.unwrap().unwrap(), format!("to {n}"));
    }
}

/// What only sends has a connection too; who answers it learns that nobody receives.
#[tokio::test]
async fn a_sender_is_a_peer_that_cannot_be_answered() {
    let (_directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut sender = datagram::sender(&*path).await.unwrap();
    sender.send("hello".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), "hello");
    for _ in 0..30 {
        let error = within(server.send("hello".into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}

/// With the last who has a part of it, the socket is closed and the task gone, not a moment later.
#[tokio::test]
async fn a_name_is_free_when_nobody_uses_it_any_more() {
    let (directory, _) = place();
    let name = abstract_name(&directory);
    for _ in 0..20 {
        let mut listener = datagram::listen(name.clone()).await.unwrap();
        let mut client = datagram::connect(name.clone()).await.unwrap();
        client.send("hello".into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        drop(listener);
        assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
        let taken = datagram::listen(name.clone()).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::InUse, "{taken}");
        drop(server);
    }
    alive_tasks_come_to(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_runs_on_when_a_listener_is_gone() {
    let (_directory, path) = place();
    let before = Handle::current().metrics().num_alive_tasks();
    for accepted in [0, 1, 3] {
        let mut listener = datagram::listen(&*path).await.unwrap();
        let mut clients = Vec::new();
        for n in 0..3 {
            let mut client = datagram::connect(&*path).await.unwrap();
            client.send(format!("{n}").into()).await.unwrap();
            clients.push(client);
        }
        let servers: Vec<_> = within(listener.by_ref().take(accepted).collect()).await;
        drop(listener);
        if accepted > 0 {
            alive_tasks_come_to(before + 1).await;
        }
        drop(servers);
        alive_tasks_come_to(before).await;
        assert!(!path.exists());
    }
}

/// Those who are connected go on; nobody new comes in, and nobody is held up by who tries.
#[tokio::test]
async fn connections_outlive_their_listener() {
    let (_directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut client = datagram::connect(&*path).await.unwrap();
    let mut late = datagram::connect(&*path).await.unwrap();
    client.send("hello".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    drop(listener);
    assert!(!path.exists());
    for n in 0..300 {
        within(late.send("is anybody there?".into())).await.unwrap();
        within(client.send(format!("{n}").into())).await.unwrap();
        server.send("an answer".into()).await.unwrap();
        assert_eq!(within(client.next()).await.unwrap().unwrap(), "an answer");
        if n == 0 {
            assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
        }
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("{n}"));
    }
}

/// What a peer sends when its connection was dropped makes another.
#[tokio::test]
async fn who_comes_again_is_accepted_again() {
    let (_directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut client = datagram::connect(&*path).await.unwrap();
    for n in 0..50 {
        client.send(format!("{n}").into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("{n}"));
        server.send("goodbye".into()).await.unwrap();
        drop(server);
        assert_eq!(within(client.next()).await.unwrap().unwrap(), "goodbye");
    }
}

/// Whoever waits elsewhere is told that the runtime, and with it the task, is gone.
#[test]
fn the_end_of_the_runtime_is_the_end_of_its_streams() {
    let runtime = |threads| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).enable_all().build().unwrap()
    };
    let (first, second) = (runtime(1), runtime(1));
    let (_directory, path) = place();
    let (mut listener, mut server, _client) = first.block_on(async {
        let mut listener = datagram::listen(&*path).await.unwrap();
        let mut client = datagram::connect(&*path).await.unwrap();
        client.send("hello".into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
        (listener, server, client)
    });
    let waiting = second.spawn(async move {
        let ends = within(server.next()).await;
        (ends.is_none(), within(listener.next()).await.is_none())
    });
    std::thread::sleep(Duration::from_millis(50));
    drop(first);
    assert_eq!(second.block_on(waiting).unwrap(), (true, true));
}

/// The task could not wait, and nobody would hear of it.
#[test]
fn a_runtime_that_cannot_wait_is_an_error() {
    let (_directory, path) = place();
    let bare = [
        ("enable_io", Builder::new_current_thread().enable_time().build()),
        ("enable_time", Builder::new_current_thread().enable_io().build()),
    ];
    for (lacks, runtime) in bare {
        let error = runtime.unwrap().block_on(datagram::listen(&*path)).unwrap_err();
        assert!(error.to_string().contains(lacks), "{error}");
        assert!(!path.exists());
    }
}
