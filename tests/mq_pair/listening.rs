//! Listeners, and who finds which.

use std::time::Duration;

use framewire::{ErrorKind, mq};
use futures::{FutureExt, SinkExt, StreamExt, future::join_all};
use tokio::time::{sleep, timeout};

use super::{
    common::{Flavour, within},
    ends::connected,
    subject::{Name, small},
};

const A_WHILE: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_second_listener_is_told() {
    let name = Name::new();
    let listener = small().listen(&*name).await.unwrap();
    let error = small().listen(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().starts_with(&format!("listen on mq://{}: ", &*name)), "{error}");
    drop(listener);
    small().listen(&*name).await.unwrap();
}

#[tokio::test]
async fn nobody_listens() {
    let name = Name::new();
    let error = small().connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let options = small().wait_for_listener(true);
    let waiting = tokio::spawn({
        let name = name.to_string();
        async move { options.connect(name).await }
    });
    sleep(A_WHILE).await;
    assert!(!waiting.is_finished());
    let mut listener = small().listen(&*name).await.unwrap();
    within(waiting).await.unwrap().unwrap();
    assert!(timeout(A_WHILE, listener.next()).await.is_err(), "it has gone without a word");
}

/// One is let in before the listener looks, and the other waits until it does.
#[tokio::test]
async fn who_finds_another_at_the_door_waits() {
    let name = Name::new();
    let mut listener = small().listen(&*name).await.unwrap();
    let _first = small().connect(&*name).await.unwrap();
    let error = small().deadline(A_WHILE).connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let second = tokio::spawn({
        let name = name.to_string();
        async move { small().connect(name).await }
    });
    sleep(A_WHILE).await;
    assert!(!second.is_finished());
    let _one = within(listener.next()).await.unwrap().unwrap();
    let _second = within(second).await.unwrap().unwrap();
    let _other = within(listener.next()).await.unwrap().unwrap();
    assert!(timeout(A_WHILE, listener.next()).await.is_err());
}

/// Each has a pair of its own, whoever comes at the same time.
#[test]
fn clients_that_come_at_once_are_let_in_one_by_one() {
    const CLIENTS: usize = 12;
    for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
        flavour.run(async {
            let name = Name::new();
            let mut listener = small().listen(&*name).await.unwrap();
            let clients = (0..CLIENTS).map(|n| {
                let name = name.to_string();
                tokio::spawn(async move {
                    let mut client = small().connect(name).await.unwrap();
                    client.send(format!("{n}").into()).await.unwrap();
                    assert_eq!(client.next().await.unwrap().unwrap(), format!("{n}"));
                })
            });
            let clients: Vec<_> = clients.collect();
            for _ in 0..CLIENTS {
                let mut server = within(listener.next()).await.unwrap().unwrap();
                tokio::spawn(async move {
                    let said = server.next().await.unwrap().unwrap();
                    server.send(said).await.unwrap();
                    assert!(server.next().await.is_none());
                });
            }
            for client in within(join_all(clients)).await {
                client.unwrap();
            }
        });
    }
}

/// As two processes would: each sees what the other has made, at every moment.
#[test]
fn of_listeners_that_come_at_once_one_is_left() {
    Flavour::TwoWorkers.run(async {
        for _ in 0..50 {
            let name = Name::new();
            let listens = |name: String| tokio::spawn(async move { small().listen(name).await });
            let both = [listens(name.to_string()), listens(name.to_string())];
            let came: Vec<_> = join_all(both).await.into_iter().map(Result::unwrap).collect();
            let errors = came.iter().filter_map(|came| came.as_ref().err());
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
            }
            let listeners = came.iter().flatten().count();
            assert!(listeners < 2, "both listen");
            if listeners == 1 {
                small().connect(&*name).await.unwrap();
            }
            drop(came);
            assert_eq!(name.left(), [""; 0]);
        }
    });
}

#[tokio::test]
async fn a_name_that_is_removed_is_made_again() {
    let name = Name::new();
    let mut listener = small().listen(&*name).await.unwrap();
    assert!(listener.next().now_or_never().is_none());
    assert_eq!(name.left().len(), 2);
    let options = small().wait_for_listener(true);
    let (client, server) =
        within(futures::future::join(options.connect(&*name), listener.next())).await;
    client.unwrap().send("there you are".into()).await.unwrap();
    assert_eq!(within(server.unwrap().unwrap().next()).await.unwrap().unwrap(), "there you are");
}

/// A pair at the default sizes takes a fifth of what a user may have: so much more than there is
/// that nobody else has to be asked how much that is.
#[tokio::test]
async fn where_there_is_no_room_who_comes_waits_for_it() {
    let name = Name::alone();
    // Four such queues do not fit, whatever else there is.
    let options = mq::Options::new().capacity(8).max_len(8192 * 3 / 2);
    let options = if options.listen(&*name).await.is_ok() {
        options
    } else {
        mq::Options::new().capacity(10).max_len(8192)
    };
    let mut listener = options.listen(&*name).await.unwrap();
    let mut connections = Vec::new();
    // Until there is no room for the next.
    let refused = loop {
        assert!(connections.len() < 20, "nothing limits them");
        let hasty = options.clone().deadline(4 * A_WHILE);
        let (came, client) =
            tokio::join!(timeout(4 * A_WHILE, listener.next()), hasty.connect(&*name));
        match (came, client) {
            (Ok(server), Ok(client)) => connections.push((server.unwrap().unwrap(), client)),
            (_, client) => break client.map(drop).unwrap_err(),
        }
    };
    assert_eq!(refused.kind(), ErrorKind::TimedOut, "{refused}");
    let waiting = tokio::spawn({
        let name = name.to_string();
        async move { options.deadline(Duration::from_secs(30)).connect(name).await }
    });
    let others = tokio::spawn(async move {
        sleep(A_WHILE).await;
        connections.pop();
        connections
    });
    within(listener.next()).await.unwrap().unwrap();
    within(waiting).await.unwrap().unwrap();
    // What they take is free again before the name is no longer alone.
    drop(others.await.unwrap());
}

#[tokio::test]
async fn a_client_takes_the_sizes_as_they_are_or_says_what_differs() {
    let name = Name::new();
    let (_listener, client, _server) = connected(&small(), &name).await;
    drop(client);
    let error = mq::Options::new().capacity(5).connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    mq::connect(&*name).await.unwrap();
    for (name, kind) in [("no-slash", ErrorKind::Address), ("/a/b", ErrorKind::Address)] {
        assert_eq!(mq::connect(name).await.unwrap_err().kind(), kind);
    }
    let long = format!("/{}", "n".repeat(247));
    assert_eq!(mq::listen(long).await.unwrap_err().kind(), ErrorKind::Address);
}

/// Who says that it listens is found, whoever else comes and goes.
#[test]
fn of_listeners_that_come_and_go_each_is_found() {
    let name = Name::new();
    let comes_and_goes = async || {
        for _ in 0..200 {
            match small().listen(&*name).await {
                Ok(mut listener) => {
                    let mut client = small().connect(&*name).await.unwrap();
                    client.send("hello".into()).await.unwrap();
                    within(listener.next()).await.unwrap().unwrap();
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::InUse, "{error}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Flavour::CurrentThread.runtime().block_on(comes_and_goes()));
        }
    });
}
