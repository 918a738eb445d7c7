//! Clients that do not shake hands as they should, and somebody on the way.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use framewire::{ErrorKind, tcp, tls};
use futures::{SinkExt, StreamExt};

use super::{
    NAMED, both,
    common::{HANG, random, within},
    connected, named, options,
    proxy::{Proxy, Spoilt},
};

/// Where nothing is to end by it: a handshake's deadline, and what is well before it.
const LONG: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_secs(8);

/// A listener that serves everybody, and somebody who is served.
struct Honest {
    calling: tls::Options,
    address: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Honest {
    async fn behind(options: impl FnOnce(tls::Options) -> tls::Options) -> Self {
        let (listening, calling) = super::options();
        let mut listener = options(listening).listen(NAMED).await.unwrap();
        let address = named(&listener);
        let serving = tokio::spawn(async move {
            while let Some(client) = listener.next().await {
                let (sink, stream) = client.expect("a failed handshake is no item").split();
                tokio::spawn(stream.forward(sink));
            }
        });
        Self { calling, address, serving }
    }

    /// Connects, and is answered.
    async fn is_served(&self) {
        let echo = async {
            let mut ours = self.calling.connect(self.address.as_str()).await.unwrap();
            ours.send("hello".into()).await.unwrap();
            assert_eq!(ours.next().await.expect("it was sent").unwrap(), "hello");
            ours.finish().await.unwrap();
        };
        within(echo).await;
    }

    fn bare(&self) -> TcpStream {
        let port = self.address.rsplit(':').next().unwrap().parse().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream
    }
}

impl Drop for Honest {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What it was sent until the end, or a reset.
async fn heard(mut stream: TcpStream) -> Vec<u8> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut heard = Vec::new();
        let ended = stream.read_to_end(&mut heard);
        assert!(
            !matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
            "it was never closed"
        );
        heard
    });
    reading.await.unwrap()
}

#[tokio::test]
async fn a_hundred_silent_clients_hold_up_nobody() {
    let honest = Honest::behind(|options| options.deadline(LONG)).await;
    let begun = Instant::now();
    let silent: Vec<_> = (0..100).map(|_| honest.bare()).collect();
    for _ in 0..3 {
        honest.is_served().await;
    }
    assert!(begun.elapsed() < SOON, "before the first of them was given up");
    drop(silent);
    honest.is_served().await;
}

#[tokio::test]
async fn a_slow_client_holds_up_nobody() {
    let honest = Honest::behind(|options| options).await;
    let mut slow = honest.bare();
    // The head of a handshake record of 512 bytes, and what is in it one by one.
    slow.write_all(&[22, 3, 1, 2, 0]).unwrap();
    for _ in 0..20 {
        slow.write_all(&[1]).unwrap();
        honest.is_served().await;
    }
}

#[tokio::test]
async fn a_listener_with_as_many_handshakes_as_it_may_have_goes_on() {
    let honest = Honest::behind(|options| options.handshakes(4).deadline(LONG)).await;
    let begun = Instant::now();
    // Each of the ten takes a place, for a tenth of the deadline.
    let silent: Vec<_> = (0..10).map(|_| honest.bare()).collect();
    honest.is_served().await;
    // Those whose place was needed were closed.
    for gone in silent.into_iter().take(6) {
        assert_eq!(heard(gone).await, b"");
    }
    assert!(begun.elapsed() < SOON, "before any of them was given up by its deadline");
}

#[tokio::test]
async fn who_says_nothing_is_given_up_at_the_deadline() {
    let deadline = Duration::from_secs(1);
    let honest = Honest::behind(|options| options.deadline(deadline)).await;
    let begun = Instant::now();
    assert_eq!(heard(honest.bare()).await, b"");
    assert!(begun.elapsed() >= deadline);
    honest.is_served().await;
}

#[tokio::test]
async fn plain_text_is_refused_and_told_so() {
    let honest = Honest::behind(|options| options).await;
    let mut browser = honest.bare();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // An alert: fatal, decode_error or protocol_version.
    let alert = heard(browser).await;
    assert_eq!(&alert[..5], [21, 3, 3, 0, 2], "{alert:?}");
    honest.is_served().await;

    // A peer of this very crate, without TLS.
    let mut plain = tcp::connect(honest.address.as_str()).await.unwrap();
    plain.send("hello".into()).await.unwrap();
    let error = within(plain.next()).await.expect("an error").unwrap_err();
    // The alert is taken for the length of a message.
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    honest.is_served().await;
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_refuses() {
    let (_, calling) = options();
    let mut listener = tcp::listen("localhost:0").await.unwrap();
    let address = format!("localhost:{}", listener.local_addr().port());
    let serving = async {
        let mut theirs = listener.next().await.expect("a listener never ends").unwrap();
        let error = theirs.next().await.expect("an error").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    };
    let (error, ()) = within(async { tokio::join!(calling.connect(address), serving) }).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(error.to_string().contains("does it speak TLS?"), "{error}");

    // One that answers, in another language.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let answering = tokio::task::spawn_blocking(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example.org ESMTP\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = within(calling.connect(address)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("not TLS"), "{error}");
    answering.await.unwrap();
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_until_the_deadline() {
    let (_, calling) = options();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let begun = Instant::now();
    let deadline = Duration::from_millis(300);
    let error = within(calling.deadline(deadline).connect(address)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("deadline"), "{error}");
    assert!(begun.elapsed() >= deadline);
}

/// Bytes that begin like a handshake, and go on like nothing.
#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let honest = Honest::behind(|options| options.deadline(Duration::from_secs(2))).await;
    let starts: [&[u8]; 7] = [
        b"",
        &[22, 3, 1],
        &[22, 3, 1, 0xff, 0xff],
        // A hello that announces 16 MB.
        &[22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff],
        &[22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3],
        &[23, 3, 3, 0, 32],
        &[20, 3, 3, 0, 1, 1, 20, 3, 3, 0, 1, 1],
    ];
    let mut streams = Vec::new();
    for seed in 0..42 {
        let mut stream = honest.bare();
        // It may be refused before all of it is there.
        let _ = stream.write_all(starts[seed as usize % starts.len()]);
        let _ = stream.write_all(&random(seed, 1 << (seed % 17)));
        streams.push(stream);
        if seed % 10 == 0 {
            honest.is_served().await;
        }
    }
    honest.is_served().await;
    // Each is closed, by what it sent or by its deadline.
    for stream in streams {
        heard(stream).await;
    }
    honest.is_served().await;
}

/// One bit of a handshake is changed on its way, in either direction: it fails, or it was a bit
/// that nobody goes by; and it harms nobody else.
#[tokio::test]
async fn a_handshake_with_a_changed_bit_fails() {
    let deadline = Duration::from_secs(2);
    let honest = Honest::behind(|options| options.deadline(deadline)).await;
    let port = honest.bare().peer_addr().unwrap().port();
    let calling = honest.calling.clone().deadline(deadline);
    let attempts = (0..120_u64).map(|seed| {
        let bits = u64::from_be_bytes(random(seed, 8)[..].try_into().unwrap());
        // A hello has some 240 bytes, what the server answers some 800.
        let (to_server, to_client) = match seed % 2 {
            0 => (Some(bits as usize % 200), None),
            _ => (None, Some(bits as usize % 700)),
        };
        let spoilt = Spoilt { to_server, to_client, bit: (bits >> 32) as u8 };
        let calling = calling.clone();
        async move {
            let proxy = Proxy::to(at(port), spoilt).await;
            let address = format!("localhost:{}", proxy.port);
            let Ok(mut ours) = calling.connect(address).await else { return true };
            // What the server did not understand, the client may have said all the same.
            let _ = ours.send("hello".into()).await;
            match ours.next().await {
                Some(Ok(answer)) => assert_eq!(answer, "hello", "{spoilt:?}"),
                Some(Err(_)) => return true,
                None => panic!("an end in order: {spoilt:?}"),
            }
            false
        }
    });
    let failed = within(futures::future::join_all(attempts)).await;
    let failed = failed.iter().filter(|failed| **failed).count();
    assert!(failed > 100, "{failed} of 120");
    honest.is_served().await;
}

fn at(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// A connection with somebody on the way.
async fn behind_proxy(
    calling: &tls::Options,
    listener: &mut tls::Listener,
) -> (Proxy, tls::Connection, tls::Connection) {
    let proxy = Proxy::to(at(listener.local_addr().port()), Spoilt::default()).await;
    let address = format!("localhost:{}", proxy.port);
    let joined = async { tokio::join!(calling.connect(address), listener.next()) };
    let (ours, theirs) = within(joined).await;
    (proxy, ours.unwrap(), theirs.expect("a listener never ends").unwrap())
}

/// Whoever cuts a stream between two messages cannot make it look like an end.
#[tokio::test]
async fn a_cut_is_not_an_end() {
    let (listening, calling) = options();
    let mut listener = listening.listen(NAMED).await.unwrap();
    let (proxy, mut ours, mut theirs) = behind_proxy(&calling, &mut listener).await;

    ours.send("pay 10".into()).await.unwrap();
    assert_eq!(within(theirs.next()).await.expect("it was sent").unwrap(), "pay 10");
    proxy.cut();
    ours.send("no, pay nothing".into()).await.unwrap();
    let error = within(theirs.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert!(error.to_string().contains("may have been cut"), "{error}");
    assert!(theirs.next().await.is_none(), "one error, then the end");
}

#[tokio::test]
async fn a_change_on_the_way_is_found() {
    let (listening, calling) = options();
    let mut listener = listening.listen(NAMED).await.unwrap();
    let (proxy, mut ours, mut theirs) = behind_proxy(&calling, &mut listener).await;

    proxy.alter();
    ours.send("pay 10".into()).await.unwrap();
    let error = within(theirs.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("it was changed"), "{error}");
    assert!(theirs.next().await.is_none(), "one error, then the end");
    // The other side was told.
    let error = within(ours.next()).await.expect("an error").unwrap_err();
    assert!(error.to_string().contains("the server gave up: BadRecordMac"), "{error}");
}

/// Dropping says goodbye, also where something is on its way, and never waits.
#[tokio::test]
async fn a_connection_that_is_dropped_ends_in_order() {
    let (mut ours, theirs) = connected().await;
    ours.send("last words".into()).await.unwrap();
    drop(ours);
    let mut theirs = theirs;
    assert_eq!(within(theirs.next()).await.expect("it was sent").unwrap(), "last words");
    assert!(within(theirs.next()).await.is_none());

    // What is dropped with more to send than the kernel takes has not ended in order.
    const LARGE: usize = 64 << 20;
    let (listening, calling) = options();
    let mut listener = listening.max_len(LARGE).listen(NAMED).await.unwrap();
    let (mut ours, mut theirs) =
        within(both(&calling.max_len(LARGE), &mut listener)).await.unwrap();
    let sending = ours.send(vec![0; LARGE].into());
    tokio::time::timeout(Duration::from_millis(100), sending).await.unwrap_err();
    drop(ours);
    let error = within(theirs.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
    assert!(within(theirs.next()).await.is_none());
}

/// An end that we have said already is no reason to trust what still comes.
#[tokio::test]
async fn a_change_is_found_after_our_own_end_too() {
    let (listening, calling) = options();
    let mut listener = listening.listen(NAMED).await.unwrap();
    let (proxy, mut ours, mut theirs) = behind_proxy(&calling, &mut listener).await;
    theirs.close().await.unwrap();
    assert!(within(ours.next()).await.is_none());
    proxy.alter();
    ours.send("pay 10".into()).await.unwrap();
    let error = within(theirs.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}
