//! Listeners and those who connect.

use std::{
    fs::OpenOptions,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use framewire::{BoxListener, ErrorKind, serve::Server, shm::named};
use futures::{SinkExt, StreamExt, future::join_all};
use tokio::time::{sleep, timeout};

use super::{
    common::{id_of, numbered, role, within},
    killed::start,
    subject::{Names, directory},
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

/// It was killed behind the word that says it has come, and in front of the bell.
#[tokio::test]
async fn a_client_that_was_killed_before_it_rang_stops_nobody() {
    /// Where a client says that it has come.
    const TAKEN: u64 = 1152;
    let names = Names::new();
    let name = names.next();
    let mut listener = named::listen(&*name).await.unwrap();
    // It sleeps.
    assert!(timeout(A_WHILE, listener.next()).await.is_err());
    let file = OpenOptions::new().write(true).open(directory().join(format!("{name}.pair")));
    file.unwrap().write_all_at(&1_u64.to_ne_bytes(), TAKEN).unwrap();
    let client = tokio::spawn(async move { named::connect(name).await });
    let mut killed = within(listener.next()).await.unwrap().unwrap();
    let error = within(killed.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let _client = within(client).await.unwrap().unwrap();
    within(listener.next()).await.unwrap().unwrap();
}

/// Between the two, another client looks at the pair of rings that the first one has left.
#[tokio::test]
async fn who_accepts_a_killed_client_hears_that_it_is_gone() {
    let names = Names::new();
    let name = names.next();
    let mut listener = named::listen(&*name).await.unwrap();
    let mut killed = start("connects", &name, "sent");
    killed.kill();
    let hasty = named::Options::new().deadline(A_WHILE);
    let error = hasty.connect(&*name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let mut server = within(listener.next()).await.unwrap().unwrap();
    for n in 0..3 {
        assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), n);
    }
    let error = within(server.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

/// Many come at once, and each connection is over at once: the rings that a client has found may
/// be another's, and over, before it has looked.
#[test]
fn a_listener_that_is_there_is_never_missed() {
    const CLIENTS: usize = 4;
    const EACH: usize = 200;
    let names = Names::new();
    let name = names.next();
    let done = Arc::new(AtomicBool::new(false));
    let (ready, is_ready) = std::sync::mpsc::channel();
    let server = thread::spawn({
        let (name, done) = (name.clone(), Arc::clone(&done));
        move || {
            role::block_on(async {
                let mut listener = named::listen(&*name).await.unwrap();
                ready.send(()).unwrap();
                // Relaxed: a moment later will do.
                while !done.load(Ordering::Relaxed) {
                    if let Ok(client) = timeout(A_WHILE, listener.next()).await {
                        drop(client.unwrap().unwrap());
                    }
                }
            });
        }
    });
    is_ready.recv().unwrap();
    let clients = (0..CLIENTS).map(|_| {
        let name = name.clone();
        thread::spawn(move || {
            role::block_on(async {
                for _ in 0..EACH {
                    drop(named::connect(&*name).await.unwrap());
                }
            });
        })
    });
    let clients: Vec<_> = clients.collect();
    let ended: Vec<_> = clients.into_iter().map(thread::JoinHandle::join).collect();
    done.store(true, Ordering::Relaxed);
    server.join().unwrap();
    ended.into_iter().for_each(Result::unwrap);
}

/// A client that comes as the listener goes is never told that it was served to the end.
#[test]
fn who_comes_as_the_listener_goes_was_not_served() {
    const CLIENTS: usize = 50;
    let names = Names::new();
    let name = names.next();
    let client = thread::spawn({
        let name = name.clone();
        move || {
            role::block_on(async {
                let options = named::Options::new().deadline(A_WHILE);
                let mut connected = 0;
                while connected < CLIENTS {
                    let Ok(mut client) = options.connect(&*name).await else { continue };
                    connected += 1;
                    let error = within(client.next()).await.expect("no end").unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
                }
            });
        }
    });
    role::block_on(async {
        let mut pause = 0;
        while !client.is_finished() {
            let _listener = named::listen(&*name).await.unwrap();
            // Now and then it is there for long enough to be found.
            thread::sleep(Duration::from_micros(pause));
            pause = (pause + 50) % 1000;
        }
    });
    client.join().unwrap();
}
