//! TCP, over loopback.
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "tcp/addresses.rs"]
mod addresses;
mod common;
#[path = "tcp/subject.rs"]
mod subject;

use std::{io::Write, net::SocketAddr, time::Duration};

use common::{Flavour, conformance, numbered, role, same, within};
use framewire::{ErrorKind, tcp};
use futures::{SinkExt, StreamExt};
use subject::Tcp;
use tokio::time::sleep;

const IPV4: &str = "127.0.0.1:0";
const IPV6: &str = "[::1]:0";

#[test]
fn ipv4_conforms_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Tcp(IPV4));
}

#[test]
fn ipv4_conforms_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Tcp(IPV4));
}

#[test]
fn ipv6_conforms_on_two_workers() {
    if has_ipv6() {
        conformance::suite(Flavour::TwoWorkers, Tcp(IPV6));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[("leaves nothing", || conformance::leaves_nothing(|| Tcp(IPV4)))]);
}

fn has_ipv6() -> bool {
    let has = std::net::TcpListener::bind("[::1]:0").is_ok();
    if !has {
        eprintln!("!!! skipped: there is no IPv6 here");
    }
    has
}

/// Both ends of a connection.
async fn connected(options: &tcp::Options) -> (tcp::Connection, tcp::Connection) {
    let mut listener = options.listen(IPV4).await.unwrap();
    let ours = options.connect(listener.local_addr().to_string()).await.unwrap();
    (ours, within(listener.next()).await.expect("a listener never ends").unwrap())
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<tcp::Connection>();
    conformance::is_channel::<tcp::Listener>();
    role::block_on(async {
        let options = tcp::Options::new();
        conformance::is_task(options.listen(IPV4));
        conformance::is_task(options.connect("127.0.0.1:1"));
        let (mut ours, theirs) = connected(&options).await;
        conformance::is_task(ours.next());
        conformance::is_task(ours.send("hello".into()));
        conformance::is_task(theirs.finish());
    });
}

#[tokio::test]
#[cfg(unix)]
async fn nothing_is_delayed_and_silence_is_noticed() {
    use socket2::SockRef;

    let (ours, theirs) = connected(&tcp::Options::new()).await;
    for connection in [ours, theirs] {
        let fd = connection.into_io().0.into_inner().into_fd().unwrap();
        let socket = SockRef::from(&fd);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(15));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(5));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
    }
    let (ours, _theirs) = connected(&tcp::Options::new().keep_alive(false)).await;
    let fd = ours.into_io().0.into_inner().into_fd().unwrap();
    assert!(!SockRef::from(&fd).keepalive().unwrap());
    assert!(SockRef::from(&fd).tcp_nodelay().unwrap());
}

#[tokio::test]
async fn each_end_knows_the_other() {
    let mut listener = tcp::listen(IPV4).await.unwrap();
    let ours = tcp::connect(listener.local_addr().to_string()).await.unwrap();
    let theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    assert_eq!(ours.peer().addr(), Some(listener.local_addr()));
    assert!(theirs.peer().addr().is_some_and(|addr: SocketAddr| addr.ip().is_loopback()));
    assert_eq!(ours.peer().uid(), None, "TCP knows no users");
}

/// A server that ends with unread input: with `finish` its last message arrives, each time. Were
/// it to close at once, what its kernel had not got rid of yet would be dropped with a reset.
#[tokio::test]
async fn the_last_message_arrives_a_thousand_times_of_a_thousand() {
    // More than a client that does not read yet takes, now and then.
    let last = |n: u64| numbered(n, if n % 10 == 0 { 700_000 } else { 2000 });
    let mut listener = tcp::listen(IPV4).await.unwrap();
    let address = listener.local_addr().to_string();
    let serving = tokio::spawn(async move {
        for n in 0..1000 {
            let mut theirs = listener.next().await.expect("a listener never ends").unwrap();
            // One request is answered; what else comes is in its way when it ends.
            theirs.next().await.expect("a request").unwrap();
            theirs.send(last(n)).await.unwrap();
            theirs.finish().await.unwrap();
        }
    });
    let calling = async {
        for n in 0..1000 {
            let mut ours = tcp::connect(address.as_str()).await.unwrap();
            for _ in 0..20 {
                ours.feed(numbered(0, 1000)).await.unwrap();
            }
            ours.flush().await.unwrap();
            if n % 10 == 0 {
                // Time for the server to be done.
                sleep(Duration::from_millis(5)).await;
            }
            let found = ours.next().await.expect("the last message").expect("no reset");
            same(&found, &last(n));
            assert!(ours.next().await.is_none(), "an orderly end");
        }
    };
    within(calling).await;
    within(serving).await.unwrap();
}

/// Without `finish` there is a reset, and still what has arrived comes before it.
#[tokio::test]
async fn what_has_arrived_before_a_reset_is_delivered() {
    let (mut ours, mut theirs) = connected(&tcp::Options::new()).await;
    theirs.send("the last words".into()).await.unwrap();
    ours.send("never read".into()).await.unwrap();
    // It has to arrive before the close, to be unread then.
    sleep(Duration::from_millis(20)).await;
    drop(theirs);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(within(ours.next()).await.expect("it was sent").unwrap(), "the last words");
    match within(ours.next()).await {
        None => {}
        Some(end) => assert_eq!(end.unwrap_err().kind(), ErrorKind::Closed),
    }
    assert!(ours.next().await.is_none());
}

/// A peer that speaks another protocol is an error of its connection, and of no other.
#[tokio::test]
async fn a_web_browser_harms_its_own_connection_only() {
    let mut listener = tcp::listen(IPV4).await.unwrap();
    let address = listener.local_addr();
    let mut browser = std::net::TcpStream::connect(address).unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    let error = within(theirs.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(error.to_string().contains("does not speak length-prefixed frames"), "{error}");

    let mut ours = tcp::connect(address.to_string()).await.unwrap();
    let mut theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    ours.send("hello".into()).await.unwrap();
    assert_eq!(within(theirs.next()).await.expect("it was sent").unwrap(), "hello");
}
