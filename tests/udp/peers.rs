//! Who is at the other end, and who is not any more.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use framewire::{
    ErrorKind,
    udp::{self, Address, Outgoing},
};
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{V4, V6, address, common::within, has};

#[tokio::test]
async fn each_address_has_a_connection() {
    for host in [V4, V6] {
        if !has(host) {
            continue;
        }
        let mut listener = udp::listen(host).await.unwrap();
        let to = listener.local_addr().unwrap();
        assert_eq!(address(Some(listener.endpoint())), to.to_string());
        let mut pairs = Vec::new();
        for n in 0..5 {
            let mut client = udp::connect(to.to_string()).await.unwrap();
            assert_eq!(client.peer().addr(), Some(to));
            client.send(format!("hello {n}").into()).await.unwrap();
            let mut server = within(listener.next()).await.unwrap().unwrap();
            assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("hello {n}"));
            pairs.push((client, server));
        }
        for (n, (client, server)) in pairs.iter_mut().enumerate() {
            server.send(format!("to {n}").into()).await.unwrap();
            assert_eq!(within(client.next()).await.unwrap().unwrap(), format!("to {n}"));
        }
    }
}

#[tokio::test]
async fn a_receiver_answers_to_addresses() {
    for host in [V4, V6] {
        if !has(host) {
            continue;
        }
        let mut receiver = udp::receiver(host).await.unwrap().detailed();
        let to: SocketAddr = address(receiver.endpoint()).parse().unwrap();
        let peers = [(); 3].map(|()| UdpSocket::bind(host).unwrap());
        for (n, peer) in peers.iter().enumerate() {
            peer.send_to(format!("{n}").as_bytes(), to).unwrap();
            let received = within(receiver.next()).await.unwrap().unwrap();
            assert_eq!(received.body, format!("{n}"));
            let theirs = peer.local_addr().unwrap();
            assert_eq!(received.peer.addr(), Some(theirs));
            assert_eq!(received.from, Some(Address::from(theirs)));
            let answer = Outgoing::new(format!("to {n}")).to(received.from.unwrap());
            receiver.send(answer).await.unwrap();
            let mut buffer = [0; 100];
            let (len, from) = peer.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from), (format!("to {n}").as_bytes(), to));
        }
        let error = receiver.send(Outgoing::new("whose is this?")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    }
}

/// That nobody is there is told of one message; when somebody is, the channel still works.
#[tokio::test]
async fn who_is_not_there_may_come() {
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = gone.local_addr().unwrap();
    drop(gone);
    let mut client = udp::connect(to.to_string()).await.unwrap();
    for _ in 0..3 {
        client.send("is anybody there?".into()).await.unwrap();
        let error = within(client.next()).await.expect("no end").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    client.send("one".into()).await.unwrap();
    let error = client.send("two".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");

    let server = UdpSocket::bind(to).unwrap();
    client.send("now?".into()).await.unwrap();
    let mut buffer = [0; 100];
    let (len, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"now?");
    server.send_to(b"now", from).unwrap();
    assert_eq!(within(client.next()).await.unwrap().unwrap(), "now");
}

/// A connected socket hears nobody else.
#[tokio::test]
async fn a_connection_hears_its_peer_only() {
    let [server, stranger] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let mut client = udp::connect(server.local_addr().unwrap().to_string()).await.unwrap();
    client.send("hello".into()).await.unwrap();
    let (_, from) = server.recv_from(&mut [0; 100]).unwrap();
    stranger.send_to(b"trust me", from).unwrap();
    server.send_to(b"an answer", from).unwrap();
    assert_eq!(within(client.next()).await.unwrap().unwrap(), "an answer");
}

#[tokio::test]
async fn there_are_no_more_peers_than_was_said_and_silent_ones_are_forgotten() {
    let options = udp::Options::new().peers(3).idle(Duration::from_millis(300));
    let mut listener = options.listen("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let peers = [(); 6].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    for peer in &peers {
        peer.send_to(b"hello", to).unwrap();
    }
    let mut servers = Vec::new();
    for peer in &peers[..3] {
        let server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(server.peer().addr(), peer.local_addr().ok());
        servers.push(server);
    }
    assert!(timeout(Duration::from_millis(50), listener.next()).await.is_err());
    for server in &mut servers {
        assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
        assert!(within(server.next()).await.is_none());
    }
    peers[5].send_to(b"is there room now?", to).unwrap();
    let server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(server.peer().addr(), peers[5].local_addr().ok());
}

#[tokio::test]
async fn a_port_is_free_when_nobody_uses_it_any_more() {
    let mut listener = udp::listen("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap().to_string();
    for _ in 0..20 {
        let mut client = udp::connect(&*to).await.unwrap();
        client.send("hello".into()).await.unwrap();
        let server = within(listener.next()).await.unwrap().unwrap();
        drop(listener);
        let taken = udp::listen(&*to).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::InUse, "{taken}");
        drop(server);
        listener = udp::listen(&*to).await.unwrap();
    }
}
