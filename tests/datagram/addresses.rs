//! Where messages come from and go to.

use std::{collections::HashSet, os::unix::net::UnixDatagram};

use framewire::{
    ErrorKind, SocketName,
    unix::datagram::{self, Address, Outgoing},
};
use futures::{SinkExt, StreamExt};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::{abstract_name, common::within, place};

/// Two receivers know each other by their names and answer each other.
#[tokio::test]
async fn what_a_receiver_sends_comes_from_its_name() {
    let (directory, path) = place();
    let other = directory.path().join("other.sock");
    let names = [SocketName::from(&*path), SocketName::from(&*other), abstract_name(&directory)];
    let mut receivers = Vec::new();
    for name in &names {
        receivers.push(datagram::receiver(name.clone()).await.unwrap().detailed());
    }
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let address = Address::of_name(&names[to]).unwrap();
        receivers[from].send(Outgoing::new("hello").to(address.clone())).await.unwrap();
        let received = within(receivers[to].next()).await.unwrap().unwrap();
        assert_eq!(received.body, "hello");
        let sender = received.from.expect("it has a name");
        assert_eq!(sender.name().as_ref(), Some(&names[from]));
        assert_eq!(sender, Address::of_name(&names[from]).unwrap());

        receivers[to].send(Outgoing::new("an answer").to(sender)).await.unwrap();
        let received = within(receivers[from].next()).await.unwrap().unwrap();
        assert_eq!(received.body, "an answer");
        assert_eq!(received.from, Some(address));
    }
}

#[tokio::test]
async fn a_connection_tells_whose_it_is_and_sends_elsewhere_too() {
    let (directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    let mut client = datagram::connect(&*path).await.unwrap().detailed();
    client.send(Outgoing::new("hello")).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap().detailed();
    let received = within(server.next()).await.unwrap().unwrap();
    let theirs = received.from.expect("who connects has a name");

    let other = directory.path().join("other.sock");
    let mut receiver = datagram::receiver(&*other).await.unwrap().detailed();
    let to_other = Address::of_name(&SocketName::from(&*other)).unwrap();
    server.send(Outgoing::new("elsewhere").to(to_other)).await.unwrap();
    server.send(Outgoing::new("back")).await.unwrap();
    let received = within(client.next()).await.unwrap().unwrap();
    assert_eq!(received.body, "back");
    assert_eq!(received.from.unwrap().name(), Some(SocketName::from(&*path)));
    assert_eq!(within(receiver.next()).await.unwrap().unwrap().body, "elsewhere");
    assert_ne!(theirs.to_string(), path.display().to_string());
}

/// To nobody, to who is gone, to who was never there: errors of that message alone.
#[tokio::test]
async fn what_goes_nowhere_is_an_error_and_no_end() {
    let (directory, path) = place();
    let mut receiver = datagram::receiver(&*path).await.unwrap().detailed();
    let error = receiver.send(Outgoing::new("whose is this?")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    assert!(error.to_string().contains("Outgoing::to"), "{error}");

    let gone = directory.path().join("gone.sock");
    let to_gone = Address::of_name(&SocketName::from(&*gone)).unwrap();
    let error = receiver.send(Outgoing::new("x").to(to_gone.clone())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    drop(UnixDatagram::bind(&gone).unwrap());
    let error = receiver.send(Outgoing::new("x").to(to_gone)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");

    let mut sender = datagram::sender(&*path).await.unwrap();
    sender.send("still here".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap().body, "still here");
}

#[test]
fn a_path_that_no_address_has_room_for_is_refused() {
    let name = |len: usize| SocketName::Path(format!("/{}", "d".repeat(len - 1)).into());
    let fits = Address::of_name(&name(107)).unwrap();
    assert_eq!(fits.name(), Some(name(107)));
    for len in [108, 109, 500] {
        let error = Address::of_name(&name(len)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{len}: {error}");
    }
    let long = SocketName::Abstract("d".repeat(108));
    assert_eq!(Address::of_name(&long).unwrap_err().kind(), ErrorKind::Address);
}

/// Linux lets a path be as long as there is room, without the zero that ends all others.
#[tokio::test]
async fn a_peer_of_the_longest_path_is_heard() {
    let (directory, path) = place();
    let length = 108 - 1 - directory.path().as_os_str().len();
    let longest = directory.path().join("d".repeat(length));
    let peer = rustix::net::socket(AddressFamily::UNIX, SocketType::DGRAM, None).unwrap();
    rustix::net::bind(&peer, &SocketAddrUnix::new(&longest).unwrap()).unwrap();
    let peer = UnixDatagram::from(peer);

    let mut receiver = datagram::receiver(&*path).await.unwrap().detailed();
    peer.send_to(b"hello", &path).unwrap();
    let received = within(receiver.next()).await.unwrap().unwrap();
    assert_eq!(received.body, "hello");
    let told = received.from.as_ref().map(|from| (from.name(), from.to_string(), from.ip()));
    assert_eq!(told, None, "it is no address that anybody can send to");

    drop(receiver);
    let mut listener = datagram::listen(&*path).await.unwrap();
    peer.send_to(b"hello", &path).unwrap();
    let mut client = datagram::connect(&*path).await.unwrap();
    client.send("from another".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "from another");
}

#[tokio::test]
async fn every_client_has_a_name_of_its_own() {
    let (_directory, path) = place();
    let mut receiver = datagram::receiver(&*path).await.unwrap().detailed();
    let mut names = HashSet::new();
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = datagram::connect(&*path).await.unwrap();
        client.send("hello".into()).await.unwrap();
        let received = within(receiver.next()).await.unwrap().unwrap();
        assert!(names.insert(received.from.expect("it can be answered")));
        clients.push(client);
    }
}
