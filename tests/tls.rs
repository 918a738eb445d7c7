//! TLS, over loopback.
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "tls/hostile.rs"]
mod hostile;
#[path = "tls/proxy.rs"]
mod proxy;
#[path = "tls/subject.rs"]
mod subject;
#[path = "tls/trust.rs"]
mod trust;

use std::{net::SocketAddr, time::Duration};

use common::{Flavour, conformance, numbered, role, same, within};
use framewire::{
    Accepted, Endpoint, ErrorKind, Result,
    serve::Server,
    tcp,
    tls::{self, Certificate, Identity},
};
use futures::{SinkExt, StreamExt};
use subject::Tls;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::sleep,
};

const IPV4: &str = "127.0.0.1:0";
const NAMED: &str = "localhost:0";

#[test]
fn it_conforms_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Tls::new(IPV4));
}

#[test]
fn it_conforms_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Tls::mutual(NAMED));
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[("leaves nothing", || conformance::leaves_nothing(|| Tls::mutual(IPV4)))]);
}

/// Who listens at localhost, and who trusts it.
fn options() -> (tls::Options, tls::Options) {
    let identity = Identity::self_signed(["localhost"]).unwrap();
    let calling = tls::Options::new().trust([identity.certificate()]);
    (tls::Options::new().identity(identity), calling)
}

/// The address of a listener, by the name that its certificate has.
fn named(listener: &tls::Listener) -> String {
    format!("localhost:{}", listener.local_addr().port())
}

/// Both ends of a connection.
async fn both(
    calling: &tls::Options,
    listener: &mut tls::Listener,
) -> Result<(tls::Connection, tls::Connection)> {
    let address = listener.endpoint().to_string().replace("tls://", "");
    let (ours, theirs) = tokio::join!(calling.connect(address), listener.next());
    Ok((ours?, theirs.expect("a listener never ends")?))
}

async fn connected() -> (tls::Connection, tls::Connection) {
    let (listening, calling) = options();
    let mut listener = listening.listen(NAMED).await.unwrap();
    within(both(&calling, &mut listener)).await.unwrap()
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<tls::Connection>();
    conformance::is_channel::<tls::Listener>();
    role::block_on(async {
        let options = tls::Options::new();
        conformance::is_task(options.listen(IPV4));
        conformance::is_task(options.connect("127.0.0.1:1"));
        let (mut ours, theirs) = connected().await;
        conformance::is_task(ours.next());
        conformance::is_task(ours.send("hello".into()));
        conformance::is_task(theirs.finish());
    });
}

#[tokio::test]
async fn each_end_knows_the_other() {
    let (listening, calling) = options();
    let mut listener = listening.listen(NAMED).await.unwrap();
    assert_eq!(listener.endpoint().to_string(), format!("tls://{}", named(&listener)));
    let (ours, theirs) = within(both(&calling, &mut listener)).await.unwrap();
    assert_eq!(ours.peer().addr(), Some(listener.local_addr()));
    assert_eq!(ours.peer().certificates().len(), 1);
    assert!(theirs.peer().addr().is_some_and(|addr: SocketAddr| addr.ip().is_loopback()));
    assert!(theirs.peer().certificates().is_empty(), "it showed none");
    // What is known of a peer survives boxing.
    let ours = Accepted::from(ours);
    assert_eq!(ours.peer.unwrap().certificates().len(), 1);
}

/// One direction ends, at the level of bytes as well, and the other goes on.
#[tokio::test]
async fn half_of_it_can_be_closed() {
    let (ours, theirs) = connected().await;
    let ((mut ours, _), (mut theirs, _)) = (ours.into_io(), theirs.into_io());
    ours.write_all(b"question").await.unwrap();
    within(ours.shutdown()).await.unwrap();
    let mut heard = String::new();
    within(theirs.read_to_string(&mut heard)).await.unwrap();
    assert_eq!(heard, "question");
    assert_eq!(within(theirs.read(&mut [0; 8])).await.unwrap(), 0, "it stays ended");

    // More than the buffers on the way hold.
    let answer = common::body(1, 3 << 20);
    let answering = async {
        theirs.write_all(&answer).await.unwrap();
        theirs.shutdown().await.unwrap();
    };
    let mut got = Vec::new();
    let reading = async { ours.read_to_end(&mut got).await.unwrap() };
    within(async { tokio::join!(answering, reading) }).await;
    same(&got, &answer);
    assert!(ours.write_all(b"more").await.is_err(), "our direction has ended");
}

/// A server that ends with unread input: with `finish` its last message arrives, each time.
#[tokio::test]
async fn the_last_message_arrives_each_time() {
    const TIMES: u64 = 200;
    let last = |n: u64| numbered(n, if n % 10 == 0 { 700_000 } else { 2000 });
    let (listening, calling) = options();
    let mut listener = listening.listen(NAMED).await.unwrap();
    let address = named(&listener);
    let serving = tokio::spawn(async move {
        for n in 0..TIMES {
            let mut theirs = listener.next().await.expect("a listener never ends").unwrap();
            theirs.next().await.expect("a request").unwrap();
            theirs.send(last(n)).await.unwrap();
            theirs.finish().await.unwrap();
        }
    });
    let calling = async {
        for n in 0..TIMES {
            let mut ours = calling.connect(address.as_str()).await.unwrap();
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

#[tokio::test]
async fn it_is_served_like_any_other() {
    let (listening, calling) = options();
    let listener = listening.listen(NAMED).await.unwrap();
    let address = named(&listener);
    let client = async {
        let mut ours = calling.connect(address).await.unwrap();
        ours.send("hello".into()).await.unwrap();
        assert_eq!(ours.next().await.expect("it was sent").unwrap(), "hello");
        ours.finish().await.unwrap();
    };
    let echo = |client: tls::Connection, closing| async move {
        let (sink, stream) = client.split();
        stream.take_until(closing).forward(sink).await
    };
    let served = within(Server::new(listener).run(echo, client)).await.unwrap();
    assert_eq!((served.accepted, served.failed), (1, 0));
}

#[tokio::test]
async fn an_address_alone_cannot_listen_and_says_what_it_takes() {
    let endpoint: Endpoint = "tls://127.0.0.1:0".parse().unwrap();
    let error = endpoint.listen().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("tls::Options::identity"), "{error}");
    assert_eq!(error.endpoint(), Some(&endpoint));
    let error = endpoint.receiver().await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn what_tcp_refuses_is_refused_here() {
    let (listening, calling) = options();
    let error = listening.listen("0.0.0.0:0").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("tls://0.0.0.0:0"), "{error}");
    assert!(error.to_string().contains("exposed"), "{error}");
    listening.clone().exposed(true).listen("0.0.0.0:0").await.unwrap();
    let exposed = tls::Options::from(tcp::Options::new().exposed(true));
    let error = exposed.listen("0.0.0.0:0").await.unwrap_err();
    assert!(error.to_string().contains("has to show a certificate"), "{error}");

    let address = named(&listening.listen(NAMED).await.unwrap());
    let error = calling.connect(address.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().starts_with(&format!("connect to tls://{address}")), "{error}");
}

#[test]
fn an_identity_is_read_as_it_was_written() {
    let identity = Identity::self_signed(["localhost", "10.0.0.7", "::1"]).unwrap();
    let again = Identity::from_pem(identity.to_pem(), identity.to_pem()).unwrap();
    assert_eq!(again.certificate(), identity.certificate());
    assert_eq!(again.to_pem(), identity.to_pem());
    assert!(!format!("{identity:?}").contains("PRIVATE"));

    let other = Identity::self_signed(["localhost"]).unwrap();
    let error = Identity::from_pem(identity.certificate().to_pem(), other.to_pem()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    for nonsense in ["", "hello", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let error = Certificate::from_pem(nonsense).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        let error = Identity::from_pem(other.to_pem(), nonsense).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
    let error = Identity::self_signed(["a name\u{e9}"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
}
