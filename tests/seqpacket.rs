//! Unix sockets that keep boundaries.
#![cfg(any(target_os = "linux", target_os = "android"))]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "seqpacket/descriptors.rs"]
mod descriptors;
#[path = "seqpacket/limits.rs"]
mod limits;
#[path = "seqpacket/subject.rs"]
mod subject;

use common::{Flavour, conformance, role};
use std::os::fd::AsFd;

use framewire::{Endpoint, ErrorKind, unix, unix::seqpacket};
use futures::{SinkExt, StreamExt};
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType};
use subject::Seqpacket;

#[test]
fn paths_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Seqpacket::paths());
}

#[test]
fn paths_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Seqpacket::paths());
}

#[test]
fn abstract_names_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Seqpacket::abstract_names());
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("gets descriptors", descriptors::ignores_and_survives),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(Seqpacket::paths);
    conformance::leaves_nothing(Seqpacket::abstract_names);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<seqpacket::Connection>();
    conformance::is_channel::<seqpacket::Listener>();
    role::block_on(async {
        let options = seqpacket::Options::new();
        conformance::is_task(options.listen("/nowhere/e.sock"));
        conformance::is_task(options.connect("/nowhere/e.sock"));
        let (mut ours, _theirs) = seqpacket::pair().unwrap();
        conformance::is_task(ours.next());
        conformance::is_task(ours.send("hello".into()));
    });
}

/// An empty message and the end look the same to recv(2).
#[tokio::test]
async fn empty_messages_are_told_from_the_end() {
    for empties in [1, 2, 50] {
        let (mut ours, mut theirs) = seqpacket::pair().unwrap();
        for _ in 0..empties {
            theirs.send("".into()).await.unwrap();
        }
        theirs.send("behind them".into()).await.unwrap();
        theirs.send("".into()).await.unwrap();
        drop(theirs);
        for n in 0..empties {
            assert_eq!(ours.next().await.unwrap_or_else(|| panic!("{n}")).unwrap(), "");
        }
        assert_eq!(ours.next().await.expect("it was sent").unwrap(), "behind them");
        assert_eq!(ours.next().await.expect("it was sent").unwrap(), "");
        assert!(ours.next().await.is_none());
        assert!(ours.next().await.is_none(), "it stays ended");
    }
}

/// A peer that asks for no credentials, and whose messages are there before it is accepted.
#[tokio::test]
async fn empty_messages_of_a_bare_peer_are_told_from_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let mut listener = seqpacket::listen(&**path).await.unwrap();
    let bare = rustix::net::socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
    rustix::net::connect(&bare, &SocketAddrUnix::new(path).unwrap()).unwrap();
    let sent: [&[u8]; 4] = [b"", b"one", b"", b""];
    for body in sent {
        rustix::net::send(&bare, body, SendFlags::empty()).unwrap();
    }
    let mut server = listener.next().await.expect("a listener never ends").unwrap();
    for body in sent {
        assert_eq!(server.next().await.expect("it was sent").unwrap(), body);
    }
    rustix::net::send(&bare, b"", SendFlags::empty()).unwrap();
    drop(bare);
    assert_eq!(server.next().await.expect("it was sent").unwrap(), "");
    assert!(server.next().await.is_none());
}

/// The three ways to receive agree on what is a message and what is the end.
#[tokio::test]
async fn lending_and_many_at_once_see_the_same() {
    let (mut ours, mut theirs) = seqpacket::pair().unwrap();
    let sent = ["", "a", "", "bc", "", ""];
    for body in sent {
        theirs.send(body.into()).await.unwrap();
    }
    assert_eq!(ours.with_next(<[u8]>::len).await.unwrap(), Some(0));
    assert_eq!(ours.with_next(<[u8]>::to_vec).await.unwrap(), Some(b"a".to_vec()));
    let mut rest = Vec::new();
    assert_eq!(ours.recv_many(&mut rest).await.unwrap(), 4);
    assert_eq!(rest, sent[2..]);
    drop(theirs);
    assert_eq!(ours.with_next(<[u8]>::len).await.unwrap(), None);
    assert_eq!(ours.recv_many(&mut rest).await.unwrap(), 0);
}

/// A peer that closes with our data unread makes the kernel report a reset: what it had sent comes
/// first.
#[tokio::test]
async fn what_was_sent_before_a_reset_is_delivered() {
    let (mut ours, mut theirs) = seqpacket::pair().unwrap();
    theirs.send("the last words".into()).await.unwrap();
    ours.send("never read".into()).await.unwrap();
    drop(theirs);
    assert_eq!(ours.next().await.expect("it was sent").unwrap(), "the last words");
    let end = ours.next().await.expect("an error").unwrap_err();
    assert_eq!(end.kind(), ErrorKind::Closed, "{end}");
    assert!(ours.next().await.is_none());
}

/// One that somebody else has bound and listens on: systemd, say.
#[tokio::test]
async fn a_listening_socket_is_taken_over() {
    let (listener, address) = {
        let directory = tempfile::tempdir().unwrap();
        let made = seqpacket::listen(made_at(&directory)).await.unwrap();
        let socket = made.as_fd().try_clone_to_owned().unwrap();
        let listener = seqpacket::Options::new().adopt_listener(socket).unwrap();
        let endpoint = listener.endpoint().clone();
        let Endpoint::Seqpacket(address) = endpoint else { panic!("{endpoint}") };
        let mut client = seqpacket::connect(made_at(&directory)).await.unwrap();
        drop(made);
        client.send("hello".into()).await.unwrap();
        (listener, address)
    };
    let mut server = { listener }.next().await.unwrap().unwrap();
    assert_eq!(server.next().await.unwrap().unwrap(), "hello");
    assert!(seqpacket::connect(address).await.is_err());

    let (ours, _theirs) = unix::pair().unwrap();
    let stream = ours.into_io().0.into_inner().into_fd().unwrap();
    let refused = seqpacket::Options::new().adopt_listener(stream).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Malformed, "{refused}");
}

fn made_at(directory: &tempfile::TempDir) -> std::path::PathBuf {
    directory.path().join("e.sock")
}

/// A name answers to one type of socket, and the error says so.
#[tokio::test]
async fn another_type_of_socket_is_no_peer() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let listener = unix::listen(&**path).await.unwrap();
    let refused = seqpacket::connect(&**path).await.unwrap_err();
    assert!(refused.to_string().contains("scheme"), "{refused}");
    let refused = seqpacket::listen(&**path).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InUse, "{refused}");
    drop(listener);
    let _listener = seqpacket::listen(&**path).await.unwrap();
    let refused = unix::connect(&**path).await.unwrap_err();
    assert!(refused.to_string().contains("scheme"), "{refused}");
    let refused = unix::listen(&**path).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InUse, "{refused}");
}
