//! Addresses: which are listened on, which answer, and which do not in time.

use std::time::{Duration, Instant};

use framewire::{ErrorKind, tcp};
use futures::{SinkExt, StreamExt};

use super::{
    IPV4, IPV6,
    common::{HANG, within},
    has_ipv6,
};

#[tokio::test]
async fn only_loopback_is_listened_on_unless_told_otherwise() {
    for address in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"] {
        let error = tcp::listen(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{address}: {error}");
        assert!(error.to_string().contains("exposed"), "{address}: {error}");
    }
    for address in ["127.0.0.1:0", "127.0.0.2:0", "localhost:0"] {
        if cfg!(target_os = "linux") || address != "127.0.0.2:0" {
            assert!(tcp::listen(address).await.unwrap().local_addr().ip().is_loopback());
        }
    }
    let mut exposed = tcp::Options::new().exposed(true).listen("0.0.0.0:0").await.unwrap();
    let address = format!("127.0.0.1:{}", exposed.local_addr().port());
    let (ours, theirs) = tokio::join!(tcp::connect(address), exposed.next());
    assert!(ours.is_ok() && theirs.expect("a listener never ends").is_ok());
}

#[tokio::test]
async fn ipv6_carries_messages_too() {
    if !has_ipv6() {
        return;
    }
    let mut listener = tcp::listen(IPV6).await.unwrap();
    assert!(listener.local_addr().is_ipv6());
    assert!(listener.endpoint().to_string().starts_with("tcp://[::1]:"));
    let mut ours = listener.endpoint().connect().await.unwrap();
    let mut theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    ours.send("hello".into()).await.unwrap();
    assert_eq!(within(theirs.next()).await.expect("it was sent").unwrap(), "hello");
    assert!(theirs.peer().addr().is_some_and(|addr| addr.is_ipv6()));
}

#[tokio::test]
async fn a_port_has_one_listener() {
    let listener = tcp::listen(IPV4).await.unwrap();
    let address = listener.local_addr().to_string();
    let error = tcp::listen(address.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains(&address), "it says which: {error}");
    assert!(error.to_string().contains("another port"), "what to do: {error}");
    drop(listener);
    drop(tcp::listen(address).await.unwrap());
}

/// A server that starts again while connections of its former life are still being forgotten.
#[tokio::test]
async fn a_port_can_be_listened_on_again_at_once() {
    let mut listener = tcp::listen(IPV4).await.unwrap();
    let address = listener.local_addr().to_string();
    for _ in 0..5 {
        let mut ours = tcp::connect(address.as_str()).await.unwrap();
        let theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
        // Who closes first keeps the port for a minute.
        drop(theirs);
        assert!(within(ours.next()).await.is_none());
        drop((listener, ours));
        listener = tcp::listen(address.as_str()).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    // A port that was ours a moment ago, and that a parallel test is not likely to get by now.
    let address = tcp::listen("127.0.0.1:0").await.unwrap().local_addr().to_string();
    let begun = Instant::now();
    let error = tcp::connect(address.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.is_retryable());
    assert!(error.to_string().contains(&address), "it says which: {error}");
    assert!(error.to_string().contains("start the listener first"), "what to do: {error}");
    assert!(begun.elapsed() < Duration::from_secs(4), "far from the deadline of 5 s");
}

#[tokio::test]
async fn what_is_no_address_is_told() {
    for address in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", ":", "::1:80", ""] {
        let error = tcp::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{address}: {error}");
        let error = tcp::listen(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{address}: {error}");
    }
}

/// A listener that does not accept: the system answers for it until its backlog is full, and then
/// nobody does.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_does_not_answer_is_waited_for_until_the_deadline() {
    let listener = tcp::Options::new().backlog(1).listen(IPV4).await.unwrap();
    let address = listener.local_addr().to_string();
    let options = tcp::Options::new().deadline(Duration::from_millis(300));
    let mut connected = Vec::new();
    let (error, took) = loop {
        let begun = Instant::now();
        match options.connect(address.as_str()).await {
            Ok(connection) => connected.push(connection),
            Err(error) => break (error, begun.elapsed()),
        }
        assert!(connected.len() < 100, "a backlog of 1");
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("deadline"), "what to do: {error}");
    assert!(took >= Duration::from_millis(300) && took < HANG);
}
