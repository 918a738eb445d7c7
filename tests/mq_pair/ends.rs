//! How connections end.

use std::time::Duration;

use framewire::{ErrorKind, mq, wait::Strategy};
use futures::{SinkExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::{
    common::{Flavour, within},
    subject::{Name, small},
};

/// Long enough to have gone to sleep.
const A_WHILE: Duration = Duration::from_millis(50);

pub(crate) async fn connected(
    options: &mq::Options,
    name: &str,
) -> (mq::Listener, mq::Connection, mq::Connection) {
    let mut listener = options.listen(name).await.unwrap();
    let client = options.connect(name).await.unwrap();
    let server = within(listener.next()).await.unwrap().unwrap();
    (listener, client, server)
}

/// One that sleeps already is told, whatever it waits for.
#[tokio::test]
async fn who_waits_is_told_of_the_end() {
    for strategy in [Strategy::Park, Strategy::Adaptive, Strategy::Spin(Duration::MAX)] {
        let name = Name::new();
        let (_listener, mut client, server) = connected(&small().strategy(strategy), &name).await;
        let waiting = tokio::spawn(async move {
            while client.send("more".into()).await.is_ok() {}
            (client.next().await.is_none(), client.send("more".into()).await.unwrap_err())
        });
        sleep(A_WHILE).await;
        drop(server);
        let (ended, error) = within(waiting).await.unwrap();
        assert!(ended);
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}

#[tokio::test]
async fn halves_in_two_tasks_are_both_told() {
    let name = Name::new();
    let (_listener, client, server) = connected(&small(), &name).await;
    let (mut sink, mut stream) = client.split();
    let sending = tokio::spawn(async move { while sink.send("more".into()).await.is_ok() {} });
    let receiving = tokio::spawn(async move { stream.next().await.is_none() });
    sleep(A_WHILE).await;
    drop(server);
    assert!(within(receiving).await.unwrap());
    within(sending).await.unwrap();
}

/// Before the listener has looked.
#[tokio::test]
async fn one_that_was_gone_when_it_was_let_in_has_an_end() {
    let name = Name::new();
    let mut listener = small().listen(&*name).await.unwrap();
    let mut client = small().connect(&*name).await.unwrap();
    client.send("hello and good-bye".into()).await.unwrap();
    drop(client);
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert!(server.get_ref().tells_end());
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello and good-bye");
    assert!(within(server.next()).await.is_none());
}

/// Nobody hears of one that came and went without a word, and the next one has its place.
#[tokio::test]
async fn one_that_was_gone_without_a_word_was_not_there() {
    let name = Name::new();
    let mut listener = small().listen(&*name).await.unwrap();
    for _ in 0..5 {
        drop(small().connect(&*name).await.unwrap());
        assert!(timeout(Duration::from_millis(5), listener.next()).await.is_err());
    }
    let mut client = small().connect(&*name).await.unwrap();
    client.send("I stay".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "I stay");
}

#[tokio::test]
async fn who_was_never_let_in_is_told_when_the_listener_goes() {
    let name = Name::new();
    let listener = small().listen(&*name).await.unwrap();
    let mut client = small().connect(&*name).await.unwrap();
    let waiting = tokio::spawn(async move { client.next().await.is_none() });
    sleep(A_WHILE).await;
    drop(listener);
    assert!(within(waiting).await.unwrap());
    assert_eq!(name.left(), [""; 0]);
}

#[tokio::test]
async fn connections_go_on_when_their_listener_is_gone() {
    let name = Name::new();
    let (listener, mut client, mut server) = connected(&small(), &name).await;
    drop(listener);
    assert_eq!(name.left(), [""; 0]);
    client.send("are you there?".into()).await.unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "are you there?");
}

#[test]
fn a_runtime_that_is_dropped_while_all_wait_ends_at_once() {
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        let (name, runtime) = (Name::new(), flavour.runtime());
        runtime.block_on(async {
            let (mut listener, mut client, mut server) = connected(&small(), &name).await;
            tokio::spawn(async move { listener.next().await });
            tokio::spawn(async move { client.next().await });
            tokio::spawn(async move { while server.send("more".into()).await.is_ok() {} });
            sleep(A_WHILE).await;
        });
        let begun = std::time::Instant::now();
        drop(runtime);
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert_eq!(name.left(), [""; 0]);
    }
}

#[tokio::test]
async fn priorities_go_both_ways() {
    let name = Name::new();
    let (_listener, client, server) = connected(&small().packed(), &name).await;
    let (mut client, mut server) = (client.detailed(), server.detailed());
    for (body, priority) in [("a", 1), ("b", 1), ("c", 7), ("d", 1)] {
        client.feed(mq::Outgoing::new(body).priority(priority)).await.unwrap();
    }
    client.close().await.unwrap();
    for expected in [("c", 7), ("a", 1), ("b", 1), ("d", 1)] {
        let received = within(server.next()).await.unwrap().unwrap();
        assert_eq!((&received.body[..], received.priority()), (expected.0.as_bytes(), expected.1));
    }
    assert!(within(server.next()).await.is_none());
    let refused = server.send(mq::Outgoing::new("x").priority(32_768)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}
