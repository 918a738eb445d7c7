//! Clients that say nothing, or are many, and what is scarce.

use std::{
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use framewire::{ErrorKind, shm};
use futures::{FutureExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    common::{Census, role, within},
    events::Warnings,
    stranger,
};

/// Two that have nothing to complain of.
async fn introduced(listener: &mut shm::Listener, path: &Path) {
    let (ours, theirs) = tokio::join!(shm::connect(path), listener.next());
    drop((ours.unwrap(), theirs.expect("a listener never ends").unwrap()));
}

/// Where nothing is to end by it.
const LONG: Duration = Duration::from_secs(50);

#[tokio::test]
async fn a_hundred_who_say_nothing_keep_nobody_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let mut listener = shm::Options::new().deadline(LONG).listen(&**path).await.unwrap();
    let begun = Instant::now();
    let silent: Vec<_> = (0..100).map(|_| stranger::connected(path)).collect();
    within(introduced(&mut listener, path)).await;
    assert!(begun.elapsed() < LONG, "before any of them was given up by its deadline");
    // Those whose place was needed were closed: 64 places, for 101.
    for gone in &silent[..30] {
        assert!(within(stranger::heard(gone)).await.bytes.is_empty());
    }
    // And the last may still speak.
    stranger::good().send(&silent[99]);
    within(listener.next()).await.expect("a listener never ends").unwrap();
}

/// Nothing is made for a client that has said nothing.
#[tokio::test]
async fn who_says_nothing_is_given_up_at_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let deadline = Duration::from_millis(300);
    let warnings = Warnings::hear();
    let mut listener = shm::Options::new().deadline(deadline).listen(&**path).await.unwrap();
    let begun = Instant::now();
    let silent = stranger::connected(path);
    tokio::select! {
        said = stranger::heard(&silent) => assert!(said.bytes.is_empty()),
        _ = listener.next() => panic!("it is no item"),
    }
    assert!(begun.elapsed() >= deadline);
    let [warning] = <[String; 1]>::try_from(warnings.take()).unwrap();
    assert!(warning.contains("kind=TimedOut"), "{warning}");
}

#[tokio::test]
async fn who_closes_at_once_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let warnings = Warnings::hear();
    let mut listener = shm::listen(&**path).await.unwrap();
    drop(stranger::connected(path));
    // One that has said all that it has to say.
    stranger::good().send(stranger::connected(path));
    within(introduced(&mut listener, path)).await;
    let told = warnings.take();
    assert!(told.len() == 2 && told.iter().all(|told| told.contains("kind=Closed")), "{told:?}");
}

#[test]
fn what_is_given_up_midway_leaves_nothing() {
    role::must_pass("gives up midway");
}

pub(crate) fn gives_up_midway() {
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = &directory.path().join("e.sock");
        // What a runtime makes at first use.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let before = Census::take();
        {
            // A client that is not answered yet.
            let mut listener = shm::listen(&**path).await.unwrap();
            let connecting = shm::connect(&**path);
            assert!(connecting.now_or_never().is_none());
            // It has said all that it has to say, and is gone when it is answered.
            let one = listener.next().now_or_never();
            assert!(one.is_none_or(|one| one.expect("a listener never ends").is_ok()));

            // A listener with somebody half introduced.
            let silent = stranger::connected(path);
            assert!(listener.next().now_or_never().is_none());
            drop(listener);
            assert!(within(stranger::heard(&silent)).await.bytes.is_empty());
        }
        before.assert_back();
    });
}

#[test]
fn a_listener_with_few_descriptors_left_goes_on() {
    role::must_pass("has few descriptors left");
}

pub(crate) fn has_few_descriptors_left() {
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = &directory.path().join("e.sock");
        let mut listener = shm::listen(&**path).await.unwrap();
        let warnings = Warnings::hear();
        let mut exhausted = 0;
        for room in 0..12 {
            let before = Census::take();
            let client = stranger::connected(path);
            stranger::good().send(&client);
            let usual = getrlimit(Resource::Nofile);
            // The lowest number that is free, with room for so many behind it.
            let next = OwnedFd::from(std::fs::File::open("/dev/null").unwrap()).as_raw_fd() as u64;
            let current = Some(next + room);
            setrlimit(Resource::Nofile, Rlimit { current, maximum: usual.maximum }).unwrap();
            let pause = Duration::from_millis(50);
            let met = tokio::time::timeout(pause, listener.next()).await;
            setrlimit(Resource::Nofile, usual).unwrap();
            drop(met.map(|item| item.expect("a listener never ends").unwrap()));
            drop(client);
            // One that has all it needs.
            within(introduced(&mut listener, path)).await;
            // What waited for the other's descriptors to arrive somewhere finds out as well.
            let begun = Instant::now();
            while Census::take() != before && begun.elapsed() < LONG {
                let _ = tokio::time::timeout(pause, listener.next()).await;
            }
            before.assert_back();
            let told = warnings.take();
            exhausted += told.iter().filter(|line| line.contains("Exhausted")).count();
        }
        assert!(exhausted >= 2, "some could be accepted and no more");
    });
}

/// A flood of the sound: all get through, in whatever order.
#[tokio::test]
async fn many_at_once_are_all_introduced() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let mut listener = shm::listen(&**path).await.unwrap();
    let clients = futures::future::join_all((0..100).map(|_| shm::connect(&**path)));
    let servers = async {
        let mut servers = Vec::new();
        while servers.len() < 100 {
            servers.push(listener.next().await.expect("a listener never ends").unwrap());
        }
        servers
    };
    let (clients, servers) = within(async { tokio::join!(clients, servers) }).await;
    assert!(clients.into_iter().all(|client| client.is_ok()));
    assert_eq!(servers.len(), 100);
    assert!(listener.next().now_or_never().is_none());
}

#[tokio::test]
async fn nobody_there_is_told_at_once_or_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let error = shm::connect(&**path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let late = shm::Options::new().wait_for_listener(true);
    let listening = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut listener = shm::listen(&**path).await.unwrap();
        let server = listener.next().await.expect("a listener never ends").unwrap();
        (listener, server)
    };
    let (client, _served) = within(async { tokio::join!(late.connect(&**path), listening) }).await;
    client.unwrap();
}
