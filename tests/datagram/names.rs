//! Names: who has one, what is left of it, and what stands in its way.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, symlink},
        net::{UnixDatagram, UnixListener},
    },
    path::Path,
};

use framewire::{
    ErrorKind, SocketName,
    unix::{self, datagram},
};
use futures::{SinkExt, StreamExt};
use rustix::{fs::Mode, process::umask};

use super::{
    abstract_name,
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    place,
};

fn entries(path: &Path) -> usize {
    fs::read_dir(path.parent().unwrap()).unwrap().count()
}

/// Receives on the name and has a message cross.
async fn serves(name: impl Into<SocketName>) {
    let name = name.into();
    let mut receiver = datagram::receiver(name.clone()).await.unwrap();
    let mut sender = datagram::sender(name).await.unwrap();
    sender.send("hello".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
}

#[tokio::test]
async fn a_name_is_gone_with_its_receiver() {
    let (_directory, path) = place();
    for _ in 0..3 {
        serves(&*path).await;
        assert_eq!(entries(&path), 0);
    }
    let error = datagram::sender(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("start the listener first"), "{error}");
}

#[tokio::test]
async fn a_living_receiver_is_not_taken_from() {
    let (directory, path) = place();
    for name in [SocketName::from(&*path), abstract_name(&directory)] {
        let mut receiver = datagram::receiver(name.clone()).await.unwrap();
        for _ in 0..2 {
            let error = datagram::receiver(name.clone()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
            let error = datagram::listen(name.clone()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
        }
        let mut sender = datagram::sender(name).await.unwrap();
        sender.send("hello".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
    }
    // One of a program that claims nothing, connected to somebody else or not.
    let theirs = UnixDatagram::bind(&path).unwrap();
    let error = datagram::receiver(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    let another = directory.path().join("another.sock");
    let _another = UnixDatagram::bind(&another).unwrap();
    theirs.connect(&another).unwrap();
    let error = datagram::listen(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
}

#[tokio::test]
async fn what_is_no_stale_socket_is_refused_and_untouched() {
    let (directory, _) = place();
    let place = |name: &str| directory.path().join(name);
    fs::write(place("file"), "a thesis").unwrap();
    fs::create_dir(place("directory")).unwrap();
    drop(UnixDatagram::bind(place("stale")).unwrap());
    symlink(place("stale"), place("link to a stale socket")).unwrap();
    symlink(place("nothing"), place("link to nothing")).unwrap();
    let _stream = UnixListener::bind(place("stream")).unwrap();
    let before = fs::read_dir(directory.path()).unwrap().count();
    for name in ["file", "directory", "link to a stale socket", "link to nothing"] {
        let error = datagram::receiver(&*place(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}: {error}");
    }
    let error = datagram::receiver(&*place("stream")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), before);
    assert_eq!(fs::read(place("file")).unwrap(), b"a thesis");
    serves(&*place("stale")).await;
}

#[tokio::test]
async fn another_type_of_socket_is_no_peer() {
    let (_directory, path) = place();
    let _listener = unix::listen(&*path).await.unwrap();
    for refused in [datagram::sender(&*path).await.err(), datagram::connect(&*path).await.err()] {
        let refused = refused.expect("it is of another type");
        assert!(refused.to_string().contains("scheme"), "{refused}");
    }
}

#[tokio::test]
async fn the_name_of_a_successor_survives_who_was_displaced() {
    let (directory, path) = place();
    let displaced = datagram::listen(&*path).await.unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let successor = datagram::receiver(&*path).await.unwrap();
    drop(displaced);
    assert!(path.exists());
    drop(successor);
    assert_eq!(entries(&path), 0);
}

#[tokio::test]
async fn a_path_may_be_longer_than_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("d".repeat(100)).join("e".repeat(100));
    fs::create_dir_all(&deep).unwrap();
    let path = deep.join("e.sock");
    serves(&*path).await;
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut client = datagram::connect(&*path).await.unwrap();
    client.send("hello".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    server.send("an answer".into()).await.unwrap();
    assert_eq!(within(client.next()).await.unwrap().unwrap(), "an answer");
    drop((listener, server));
    assert_eq!(entries(&path), 0);
}

#[test]
fn the_umask_has_no_say_in_the_mode() {
    role::must_pass("umask 0");
}

pub(crate) fn umask_0() {
    role::block_on(async {
        let (_directory, path) = place();
        let mode = || fs::symlink_metadata(&path).unwrap().mode() & 0o7777;
        for mask in [Mode::empty(), Mode::from_raw_mode(0o022), Mode::from_raw_mode(0o777)] {
            umask(mask);
            let receiver = datagram::receiver(&*path).await.unwrap();
            assert_eq!(mode(), 0o600, "with umask {mask:?}");
            drop(receiver);
            let open = unix::Options::new().mode(0o660).datagram();
            let listener = open.listen(&*path).await.unwrap();
            assert_eq!(mode(), 0o660, "with umask {mask:?}");
            drop(listener);
        }
        umask(Mode::from_raw_mode(0o022));
    });
}

/// Receives on the path that is its word, and answers with each message, until it is killed.
pub(crate) fn receives() {
    role::block_on(async {
        let mut receiver = datagram::receiver(role::word()).await.unwrap();
        answer("bound");
        while let Some(message) = receiver.next().await {
            answer(&String::from_utf8_lossy(&message.unwrap()));
        }
        next_order();
    });
}

#[tokio::test]
async fn what_a_killed_receiver_left_is_taken_over_at_once() {
    let (_directory, path) = place();
    for round in 0..5 {
        let mut command = role::command("receives");
        command.env(WORD, &path);
        let mut server = Process::start(command);
        assert_eq!(server.answer(), "bound");
        let error = datagram::receiver(&*path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
        assert!(error.to_string().contains(&server.id().to_string()), "by whom: {error}");
        let mut sender = datagram::sender(&*path).await.unwrap();
        sender.send(format!("{round}").into()).await.unwrap();
        assert_eq!(server.answer(), format!("{round}"));

        server.kill();
        assert!(path.exists(), "it had no chance to remove its name");
        let error = sender.send("too late".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        let error = datagram::sender(&*path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        if round % 2 == 0 {
            serves(&*path).await;
        }
    }
    serves(&*path).await;
    assert_eq!(entries(&path), 0);
}
