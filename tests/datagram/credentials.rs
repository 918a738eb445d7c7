//! Who sent a message, and whose messages are taken.

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, id},
    time::Duration,
};

use framewire::{
    Endpoint, SocketName,
    unix::{self, Allow, datagram},
};
use futures::{SinkExt, StreamExt};
use rustix::process::{getegid, geteuid};

use super::{
    abstract_name,
    common::{
        Process,
        nobody::{self, NOBODY},
        process::{answer, next_order},
        role::{self, ENDPOINT, WORD},
        within,
    },
    place,
};

/// Sends each order to whoever started it, until there are none; the answer is what came of it.
pub(crate) fn sends() {
    role::block_on(async {
        let endpoint: Endpoint = std::env::var(ENDPOINT).unwrap().parse().unwrap();
        let mut sender = match endpoint.sender().await {
            Ok(sender) => sender,
            Err(error) => return answer(&format!("{:?}", error.kind())),
        };
        answer("ready");
        while let Some(order) = next_order() {
            match sender.send(order.into()).await {
                Ok(()) => answer("sent"),
                Err(error) => answer(&format!("{:?}", error.kind())),
            }
        }
    });
}

/// Sends one message to the first path from a socket of the second.
pub(crate) fn binds_and_sends() {
    let word = role::word();
    let (to, from) = word.split_once(' ').unwrap();
    let socket = UnixDatagram::bind(from).unwrap();
    socket.send_to(b"hello", to).unwrap();
    answer("sent");
    next_order();
}

fn sending(mut command: Command, name: impl Into<SocketName>) -> Process {
    command.env(ENDPOINT, Endpoint::Datagram(name.into()).to_string());
    Process::start(command)
}

/// Has one message sent, and waits until it is.
fn send(child: &mut Process, message: &str) {
    child.order(message);
    assert_eq!(child.answer(), "sent");
}

#[tokio::test]
async fn each_message_tells_who_sent_it() {
    let (_directory, path) = place();
    let mut receiver = datagram::receiver(&*path).await.unwrap().detailed();
    let mut children: Vec<_> = (0..3).map(|_| sending(role::command("sends"), &*path)).collect();
    for child in &mut children {
        assert_eq!(child.answer(), "ready");
    }
    for child in [0, 2, 1, 1, 0, 2] {
        send(&mut children[child], &child.to_string());
        let received = within(receiver.next()).await.unwrap().unwrap();
        assert_eq!(received.body, child.to_string());
        assert_eq!(received.peer.pid(), Some(children[child].id()));
        assert_eq!(received.peer.uid(), Some(geteuid().as_raw()));
        assert_eq!(received.peer.gid(), Some(getegid().as_raw()));
        assert!(received.from.is_some());
    }
    let mut ours = datagram::sender(&*path).await.unwrap();
    ours.send("ours".into()).await.unwrap();
    let received = within(receiver.next()).await.unwrap().unwrap();
    assert_eq!(received.peer.pid(), Some(id()));
}

/// A name says nothing of who has it: the next process that takes it is another peer.
#[tokio::test]
async fn a_connection_is_with_one_process() {
    let (directory, path) = place();
    let theirs = directory.path().join("theirs.sock");
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut before = Vec::new();
    for _ in 0..3 {
        let mut command = role::command("binds and sends");
        command.env(WORD, format!("{} {}", path.display(), theirs.display()));
        let mut child = Process::start(command);
        assert_eq!(child.answer(), "sent");
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(server.peer().pid(), Some(child.id()));
        assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
        before.push(server);
        child.kill();
        std::fs::remove_file(&theirs).unwrap();
    }
}

/// The mode of the socket keeps strangers from a path; nothing keeps them from an abstract name.
#[tokio::test]
async fn what_strangers_send_is_dropped() {
    if !nobody::can_be() {
        return;
    }
    let (directory, path) = place();
    let program = nobody::for_everyone(directory.path());
    let stranger = |name: SocketName| sending(nobody::command(&program, "sends"), name);

    let receiver = datagram::receiver(&*path).await.unwrap();
    assert_eq!(stranger(path.clone().into()).answer(), "Denied");
    drop(receiver);

    let open = unix::Options::new().mode(0o666).allow(Allow::uids([0])).datagram();
    let names =
        [(abstract_name(&directory), datagram::Options::new()), (SocketName::from(&*path), open)];
    for (name, options) in names {
        let mut receiver = options.receiver(name.clone()).await.unwrap();
        let mut child = stranger(name.clone());
        assert_eq!(child.answer(), "ready");
        let mut ours = datagram::sender(name.clone()).await.unwrap();
        for n in 0..5 {
            send(&mut child, "trust me");
            ours.send(format!("{n}").into()).await.unwrap();
        }
        for n in 0..5 {
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), format!("{n}"));
        }
        drop((receiver, ours, child));

        let mut listener = options.listen(name.clone()).await.unwrap();
        let mut child = stranger(name.clone());
        assert_eq!(child.answer(), "ready");
        let mut ours = datagram::connect(name.clone()).await.unwrap();
        for _ in 0..5 {
            send(&mut child, "trust me");
        }
        ours.send("hello".into()).await.unwrap();
        let server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(server.peer().uid(), Some(0));
    }
}

/// A flood of strangers leaves other tasks their turn, and whoever is allowed gets through.
#[tokio::test]
async fn strangers_do_not_keep_others_from_their_turn() {
    let (_directory, path) = place();
    let nobody_of_ours = Allow::uids([NOBODY - 1]);
    let options = unix::Options::new().allow(nobody_of_ours).datagram();
    let mut receiver = options.receiver(&*path).await.unwrap();
    let flooding = flood(&path);
    let mut denied = 0;
    while denied < 20 {
        match within(receiver.next()).await {
            Some(Err(error)) => {
                assert_eq!(error.kind(), framewire::ErrorKind::Denied, "{error}");
                denied += 1;
            }
            other => panic!("{other:?}"),
        }
        within(tokio::time::sleep(Duration::from_millis(1))).await;
    }
    drop(receiver);
    flooding.join().unwrap();
}

/// Sends until nobody receives.
fn flood(path: &Path) -> std::thread::JoinHandle<()> {
    let socket = UnixDatagram::unbound().unwrap();
    let path: PathBuf = path.into();
    socket.connect(path).unwrap();
    std::thread::spawn(move || while socket.send(b"let me in").is_ok() {})
}
