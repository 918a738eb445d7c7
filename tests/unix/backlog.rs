//! Connecting where nobody, or nobody yet, accepts.

use std::time::{Duration, Instant};

use framewire::{ErrorKind, unix};
use futures::{FutureExt, StreamExt};

use super::common::within;

#[tokio::test]
async fn nobody_there_is_told_at_once_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let begun = Instant::now();
    let error = unix::connect(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("start the listener first"), "{error}");
    assert_eq!(
        error.endpoint().map(ToString::to_string),
        Some(format!("unix://{}", path.display()))
    );

    // A socket file that nobody listens on any more.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let error = unix::connect(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("start it again"), "{error}");

    #[cfg(target_os = "linux")]
    {
        let name = format!("@{}", path.display()).parse::<framewire::SocketName>().unwrap();
        let error = unix::connect(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("start the listener first"), "{error}");
    }

    // What was never a socket is not one whose listener is gone.
    let error = unix::connect(directory.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("is a directory, not a socket"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "far from the deadline of 5 s");
}

#[tokio::test]
async fn a_listener_can_be_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let options = unix::Options::new().wait_for_listener(true).deadline(Duration::from_secs(60));
    let mut connecting = Box::pin(options.connect(&*path));
    assert!((&mut connecting).now_or_never().is_none());
    let mut listener = unix::listen(&*path).await.unwrap();
    within(connecting).await.unwrap();
    within(listener.next()).await.expect("a listener never ends").unwrap();

    drop(listener);
    let options = options.deadline(Duration::from_millis(50));
    let error = within(options.connect(&*path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("deadline"), "what to do: {error}");
}

#[tokio::test]
async fn a_deadline_may_be_as_far_away_as_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let _listener = unix::listen(&*path).await.unwrap();
    unix::Options::new().deadline(Duration::MAX).connect(path).await.unwrap();
}

/// Fills the backlog of a listener that does not accept; what connects is kept.
async fn fill(path: &std::path::Path) -> Vec<unix::Connection> {
    let options = unix::Options::new().deadline(Duration::from_millis(30));
    let mut connected = Vec::new();
    loop {
        match options.connect(path).await {
            Ok(connection) => connected.push(connection),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
                return connected;
            }
        }
        assert!(connected.len() < 100, "a backlog of 1");
    }
}

#[tokio::test]
async fn a_full_backlog_is_waited_for_until_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let _listener = unix::Options::new().backlog(1).listen(&*path).await.unwrap();
    let connected = fill(&path).await;
    assert!(!connected.is_empty());

    let begun = Instant::now();
    let options = unix::Options::new().deadline(Duration::from_millis(200));
    let error = within(options.connect(&*path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("backlog is full"), "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(200), "it waited for its deadline");
}

#[tokio::test]
async fn a_full_backlog_lets_the_next_in_when_one_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = unix::Options::new().backlog(1).listen(&*path).await.unwrap();
    let connected = fill(&path).await;

    let options = unix::Options::new().deadline(Duration::from_secs(60));
    let mut connecting = Box::pin(options.connect(&*path));
    assert!((&mut connecting).now_or_never().is_none(), "it waits");
    let first = within(listener.next()).await.expect("a listener never ends").unwrap();
    within(connecting).await.unwrap();
    // Those who were in the queue before are still there.
    for _ in 0..connected.len() {
        within(listener.next()).await.expect("a listener never ends").unwrap();
    }
    drop(first);
}
