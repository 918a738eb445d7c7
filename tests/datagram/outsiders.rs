//! Peers that are not of this crate: bare sockets, as a program in C has them.

use std::{
    os::{
        fd::AsFd,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    time::Duration,
};

use framewire::{ErrorKind, unix::datagram};
use futures::{SinkExt, StreamExt};
use rustix::net::{
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::timeout;

use super::{
    common::{body, role, within},
    place,
};

/// Bound and not connected, with a bound on how long it waits.
fn bound(path: &Path) -> UnixDatagram {
    let peer = UnixDatagram::bind(path).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    peer
}

/// Its full queue becomes empty without an event: answers come all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_reads_late_is_answered() {
    const ANSWERS: u64 = 100;
    let (directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let peer = bound(&directory.path().join("peer.sock"));
    peer.send_to(b"go", &path).unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    let mut answering = tokio::spawn(async move {
        for n in 0..ANSWERS {
            server.send(body(n, 1000)).await.unwrap();
        }
        server
    });
    let waits = timeout(Duration::from_millis(200), &mut answering).await;
    assert!(waits.is_err(), "it sends into a queue of 10");
    let read = tokio::task::spawn_blocking(move || {
        let mut buffer = [0; 2000];
        for n in 0..ANSWERS {
            let len = peer.recv(&mut buffer).expect("an answer");
            assert_eq!(buffer[..len], body(n, 1000));
        }
        peer
    });
    within(read).await.unwrap();
    within(answering).await.unwrap();
}

#[test]
fn answers_need_no_descriptor() {
    role::must_pass("runs out of descriptors");
}

/// To wait for room takes a descriptor of its own. Where there is none, time tells as well.
pub(crate) fn runs_out_of_descriptors() {
    const ANSWERS: u64 = 50;
    role::block_on(async {
        let (directory, path) = place();
        let mut listener = datagram::listen(&*path).await.unwrap();
        let peer = bound(&directory.path().join("peer.sock"));
        peer.send_to(b"go", &path).unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(4), maximum }).unwrap();
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 2000];
            for n in 0..ANSWERS {
                std::thread::sleep(Duration::from_millis(2));
                let len = peer.recv(&mut buffer).expect("an answer");
                assert_eq!(buffer[..len], body(n, 1000));
            }
        });
        for n in 0..ANSWERS {
            within(server.send(body(n, 1000))).await.unwrap();
        }
        reading.join().unwrap();
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    });
}

/// Answers to one that reads late do not wait for one that does not read at all.
#[tokio::test]
async fn a_peer_that_never_reads_keeps_its_own_answers_only() {
    let (directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let (deaf, peer) =
        (bound(&directory.path().join("a.sock")), bound(&directory.path().join("b.sock")));
    deaf.send_to(b"go", &path).unwrap();
    let mut stuck = within(listener.next()).await.unwrap().unwrap();
    let stuck = tokio::spawn(async move { while stuck.send("hello".into()).await.is_ok() {} });
    peer.send_to(b"go", &path).unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    let mut buffer = [0; 100];
    for _ in 0..100 {
        within(server.send("hello".into())).await.unwrap();
        assert_eq!(peer.recv(&mut buffer).unwrap(), 5);
    }
    assert!(!stuck.is_finished());
    drop(deaf);
    within(stuck).await.unwrap();
}

/// Nobody can tell two peers without a name apart, nor answer them: receivers take what they send,
/// listeners do not.
#[tokio::test]
async fn a_peer_without_a_name_is_heard_by_receivers() {
    let (_directory, path) = place();
    let unnamed = UnixDatagram::unbound().unwrap();
    let mut receiver = datagram::receiver(&*path).await.unwrap().detailed();
    unnamed.send_to(b"", &path).unwrap();
    unnamed.send_to(b"hello", &path).unwrap();
    for expected in ["", "hello"] {
        let received = within(receiver.next()).await.unwrap().unwrap();
        assert_eq!(received.body, expected);
        assert_eq!(received.from, None);
        assert_eq!(received.peer.pid(), Some(std::process::id()));
    }
    drop(receiver);

    let mut listener = datagram::listen(&*path).await.unwrap();
    for _ in 0..5 {
        unnamed.send_to(b"hello", &path).unwrap();
    }
    let mut client = datagram::connect(&*path).await.unwrap();
    client.send("from a client".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "from a client");
}

/// What is too large is never a shorter message, and what comes behind it comes.
#[tokio::test]
async fn what_is_cut_off_is_an_error_and_no_end() {
    let (directory, path) = place();
    let options = datagram::Options::new().max_len(1000);
    let peer = bound(&directory.path().join("peer.sock"));
    let mut receiver = options.receiver(&*path).await.unwrap();
    for (sent, fits) in [(1000, true), (1001, false), (100_000, false), (0, true), (999, true)] {
        peer.send_to(&body(1, sent), &path).unwrap();
        match within(receiver.next()).await.expect("it has no end") {
            Ok(message) => assert_eq!((message, fits), (body(1, sent), true)),
            Err(error) => {
                assert_eq!((error.kind(), fits), (ErrorKind::TooLarge, false), "{error}");
                assert!(error.to_string().contains(&sent.to_string()), "{error}");
            }
        }
    }
    drop(receiver);

    // A listener has nobody to tell.
    let mut listener = options.listen(&*path).await.unwrap();
    for len in [1001, 1000, 2000, 7] {
        peer.send_to(&body(len, len as usize), &path).unwrap();
    }
    let mut server = within(listener.next()).await.unwrap().unwrap();
    for len in [1000, 7] {
        assert_eq!(within(server.next()).await.unwrap().unwrap(), body(len, len as usize));
    }
}

/// Nobody asked for descriptors: they come to nothing.
#[tokio::test]
async fn descriptors_that_come_along_are_closed() {
    let (directory, path) = place();
    let peer = bound(&directory.path().join("peer.sock"));
    let mut receiver = datagram::receiver(&*path).await.unwrap();
    let (passed, other_end) = UnixDatagram::pair().unwrap();
    let to = SocketAddrUnix::new(&*path).unwrap();
    for count in [1, 4, 16] {
        let descriptors = vec![passed.as_fd(); count];
        let mut space = vec![std::mem::MaybeUninit::uninit(); 1024];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let parts = [std::io::IoSlice::new(b"take these")];
        sendmsg_addr(&peer, &to, &parts, &mut control, SendFlags::empty()).unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "take these");
    }
    drop(passed);
    other_end.send(b"?").expect_err("somebody still has the other end");
}

/// Whoever is connected to a server that is gone is nobody's to talk to: its name is guessed easily.
#[tokio::test]
async fn nobody_takes_the_place_of_a_server_that_is_gone() {
    let (directory, path) = place();
    let server = bound(&path);
    let mut client = datagram::connect(&*path).await.unwrap();
    client.send("who am I?".into()).await.unwrap();
    let mut buffer = [0; 100];
    let (_, clients_name): (_, SocketAddr) = server.recv_from(&mut buffer).unwrap();
    let intruder = bound(&directory.path().join("intruder.sock"));
    intruder.send_to_addr(b"trust me", &clients_name).expect_err("it is connected to another");
    drop(server);
    let error = client.send("hello".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let _ = intruder.send_to_addr(b"trust me", &clients_name);
    assert!(within(client.next()).await.is_none(), "the server is gone");
    let error = client.send("hello".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

/// Whoever waits for an answer in another task learns it too.
#[tokio::test]
async fn who_waits_learns_from_who_sends_that_the_server_is_gone() {
    let (_directory, path) = place();
    let server = bound(&path);
    let (mut sink, mut stream) = datagram::connect(&*path).await.unwrap().split();
    let waiting = tokio::spawn(async move { stream.next().await.is_none() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(server);
    assert_eq!(sink.send("hello".into()).await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(within(waiting).await.unwrap());
}

/// A limit that nothing can reach reserves no more than can arrive.
#[tokio::test]
async fn there_need_be_no_limit() {
    let (_directory, path) = place();
    let options = datagram::Options::new().max_len(usize::MAX);
    let mut receiver = options.receiver(&*path).await.unwrap();
    let mut sender = options.sender(&*path).await.unwrap();
    let refused = sender.send(vec![0; 1 << 30].into()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
    sender.send(body(1, 200_000)).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), body(1, 200_000));
}
