//! Listeners and those who connect.

use std::time::Duration;

use framewire::{BoxListener, ErrorKind, serve::Server, shm::named};
use futures::{SinkExt, StreamExt, future::join_all};
use tokio::time::{sleep, timeout};

use super::{
    common::{id_of, numbered, within},
    subject::Names,
};

const A_WHILE: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_served_at_once() {
    const CLIENTS: u64 = 30;
    let names = Names::new();
    let name = names.next();
    let listener = BoxListener::from(named::listen(&*name).await.unwrap());
    let echo = |client: framewire::Accepted, closing| async move {
        let (sink, stream) = client.io.split();
        stream.take_until(closing).forward(sink).await
    };
    let clients = async {
        let clients = (0..CLIENTS).map(|n| {
            let name = name.clone();
            tokio::spawn(async move {
                let mut client = named::connect(name).await.unwrap();
                for m in 0..50 {
                    client.send(numbered(n * 100 + m, 1000)).await.unwrap();
                    assert_eq!(id_of(&client.next().await.unwrap().unwrap()), n * 100 + m);
                }
                client.close().await.unwrap();
                assert!(client.next().await.is_none());
            })
        });
        for client in join_all(clients).await {
            client.unwrap();
        }
        Ok::<_, framewire::Error>(())
    };
    let served = within(Server::new(listener).run(echo, clients)).await.unwrap();
    assert_eq!(served.accepted, CLIENTS);
    assert!(names.there().is_empty());
}

/// One is let in before the listener looks, and the others wait until it does.
#[tokio::test]
async fn who_finds_another_at_the_door_waits() {
    let names = Names::new();
    let name = names.next();
    let options = named::Options::new();
    let mut listener = options.listen(&*name).await.unwrap();
    let _first = options.connect(&*name).await.unwrap();
    let hasty = options.clone().deadline(A_WHILE);
    let error = hasty.connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let second = tokio::spawn(async move { options.connect(name).await });
    sleep(A_WHILE).await;
    assert!(!second.is_finished());
    within(listener.next()).await.unwrap().unwrap();
    let _second = within(second).await.unwrap().unwrap();
    within(listener.next()).await.unwrap().unwrap();
    assert!(timeout(A_WHILE, listener.next()).await.is_err());
}

#[tokio::test]
async fn a_listener_that_comes_late_is_waited_for_where_that_is_asked() {
    let names = Names::new();
    let name = names.next();
    let error = named::connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let options = named::Options::new().wait_for_listener(true);
    let waiting = tokio::spawn({
        let name = name.clone();
        async move { options.connect(name).await }
    });
    sleep(A_WHILE).await;
    assert!(!waiting.is_finished());
    let mut listener = named::listen(&*name).await.unwrap();
    within(waiting).await.unwrap().unwrap();
    within(listener.next()).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_was_never_let_in_is_told_when_the_listener_goes() {
    let names = Names::new();
    let name = names.next();
    let listener = named::listen(&*name).await.unwrap();
    let mut client = named::connect(&*name).await.unwrap();
    let waiting = tokio::spawn(async move { client.next().await });
    sleep(A_WHILE).await;
    drop(listener);
    let error = within(waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(names.there().is_empty());
}

/// The connections of a listener are none of its name's.
#[tokio::test]
async fn connections_go_on_when_their_listener_is_gone() {
    let names = Names::new();
    let name = names.next();
    let mut listener = named::listen(&*name).await.unwrap();
    let mut client = named::connect(&*name).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    drop(listener);
    assert!(names.there().is_empty());
    let mut next = named::listen(&*name).await.unwrap();
    let _other = named::connect(&*name).await.unwrap();
    within(next.next()).await.unwrap().unwrap();
    client.send("hello".into()).await.unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
    drop(server);
    assert!(within(client.next()).await.is_none());
}
