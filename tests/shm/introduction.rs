//! Who is introduced to whom.

use std::{os::fd::AsFd, process::id};

use framewire::{Accepted, Endpoint, ErrorKind, SocketName, shm, unix, unix::Allow};
use futures::StreamExt;
use rustix::process::geteuid;

use super::common::{
    Process, SocketNames,
    nobody::{self, NOBODY},
    process::{answer, next_order},
    role::{self, ENDPOINT},
    within,
};

/// Connects, and tells what comes of it.
pub(crate) fn connects() {
    role::block_on(async {
        let met = role::peer().await;
        answer(
            &met.as_ref().err().map_or("introduced".into(), |error| format!("{:?}", error.kind())),
        );
        next_order();
    });
}

fn connecting(mut command: std::process::Command, name: &SocketName) -> Process {
    command.env(ENDPOINT, Endpoint::Shm(name.clone()).to_string());
    Process::start(command)
}

#[tokio::test]
async fn two_processes_know_each_other() {
    for names in [SocketNames::paths(), SocketNames::abstract_names()] {
        let name = names.next();
        let mut listener = shm::listen(name.clone()).await.unwrap();
        assert_eq!(*listener.endpoint(), Endpoint::Shm(name.clone()));
        let mut child = connecting(role::command("connects"), &name);
        let theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
        assert_eq!(child.answer(), "introduced");
        assert_eq!(theirs.peer().uid(), Some(geteuid().as_raw()));
        assert_eq!(theirs.peer().pid(), Some(child.id()));
        assert_eq!(theirs.endpoint(), Some(&Endpoint::Shm(name.clone())));
        assert!(child.wait().success());
        drop((theirs, listener));
        assert!(names.left().is_empty());
    }
}

#[tokio::test]
async fn both_ends_of_a_pair_are_ours() {
    let (ours, theirs) = shm::pair().unwrap();
    for end in [ours, theirs] {
        assert_eq!(end.peer().pid(), Some(id()));
        assert_eq!(end.endpoint(), None);
    }
}

/// The dispatch of an address that was configured.
#[tokio::test]
async fn an_endpoint_listens_and_connects() {
    let names = SocketNames::paths();
    let endpoint = Endpoint::Shm(names.next());
    let mut listener = endpoint.listen().await.unwrap();
    assert!(listener.handle().is_some());
    let (ours, theirs) = within(async { tokio::join!(endpoint.connect(), listener.next()) }).await;
    ours.unwrap();
    let theirs: Accepted = theirs.expect("a listener never ends").unwrap();
    assert_eq!(theirs.peer.and_then(|peer| peer.pid()), Some(id()));
    for error in [endpoint.sender().await.err(), endpoint.receiver().await.err()] {
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("only: listen, connect"), "{error}");
    }
}

/// One that somebody else has bound and listens on: systemd, say.
#[tokio::test]
async fn a_listening_socket_is_taken_over() {
    let names = SocketNames::paths();
    let name = names.next();
    let made = shm::listen(name.clone()).await.unwrap();
    let socket = made.as_fd().try_clone_to_owned().unwrap();
    let mut listener = shm::Options::new().adopt_listener(socket).unwrap();
    assert_eq!(listener.endpoint().scheme(), "shm");
    let (ours, theirs) =
        within(async { tokio::join!(shm::connect(name.clone()), listener.next()) }).await;
    ours.unwrap();
    theirs.expect("a listener never ends").unwrap();

    let refused = unix::listen(names.next()).await.unwrap();
    let refused = refused.as_fd().try_clone_to_owned().unwrap();
    let error = shm::Options::new().adopt_listener(refused).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

/// A program that speaks to the socket, and not to us.
#[tokio::test]
async fn another_scheme_is_no_peer() {
    let names = SocketNames::paths();
    let name = names.next();
    let mut listener = unix::seqpacket::listen(name.clone()).await.unwrap();
    let serving = async {
        use futures::SinkExt;
        let mut client = listener.next().await.expect("a listener never ends").unwrap();
        client.send("hello".into()).await.unwrap();
        client
    };
    let (ours, _theirs) = within(async { tokio::join!(shm::connect(name.clone()), serving) }).await;
    let error = ours.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("does not speak shm"), "{error}");
}

#[tokio::test]
async fn who_is_not_allowed_is_turned_away() {
    let names = SocketNames::paths();
    let name = names.next();
    let nobody_of_ours = Allow::uids([geteuid().as_raw() + 1]);
    let strict = shm::Options::new().allow(nobody_of_ours);
    let mut listener = strict.listen(name.clone()).await.unwrap();
    let error = within(async {
        tokio::select! {
            met = shm::connect(name.clone()) => met.unwrap_err(),
            _ = listener.next() => panic!("it is no item"),
        }
    });
    let error = error.await;
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");

    // A client has a say in who serves it as well.
    let name = names.next();
    let _listener = shm::listen(name.clone()).await.unwrap();
    let error = strict.connect(name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
}

#[tokio::test]
async fn another_user_is_let_in_where_allowed_only() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = nobody::for_everyone(directory.path());
    let path = SocketName::from(directory.path().join("e.sock"));
    let command = || nobody::command(&program, "connects");

    // Abstract names are for our own user unless told otherwise.
    let name = SocketName::Abstract(format!("{path}"));
    let mut listener = shm::listen(name.clone()).await.unwrap();
    let mut child = connecting(command(), &name);
    let told = tokio::task::spawn_blocking(move || child.answer());
    tokio::select! {
        told = told => assert_eq!(told.unwrap(), "Closed", "root's listener is allowed to it"),
        _ = listener.next() => panic!("it is turned away"),
    }

    // And whoever may write to the socket may be let in.
    let open = shm::Options::new().mode(0o666).allow(Allow::uids([NOBODY]));
    let mut listener = open.listen(path.clone()).await.unwrap();
    let mut child = connecting(command(), &path);
    let theirs = within(listener.next()).await.expect("a listener never ends").unwrap();
    assert_eq!(child.answer(), "introduced");
    assert_eq!(theirs.peer().uid(), Some(NOBODY));
}
