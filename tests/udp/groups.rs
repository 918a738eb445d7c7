//! Groups: everybody who has joined hears what is sent to one.

use std::net::UdpSocket;

use framewire::{ErrorKind, udp};
use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Process,
        process::answer,
        role::{self, WORD},
        within,
    },
    has,
};

/// A group that nobody else uses: the port is its own.
fn group() -> String {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap();
    format!("239.255.77.7:{}", free.local_addr().unwrap().port())
}

/// Answers with each message, until one says so.
pub(crate) fn joins() {
    role::block_on(async {
        let mut receiver = udp::receiver(role::word()).await.unwrap();
        answer("joined");
        loop {
            let message = receiver.next().await.unwrap().unwrap();
            answer(&String::from_utf8_lossy(&message));
            if message == "goodbye" {
                return;
            }
        }
    });
}

#[tokio::test]
async fn every_process_that_has_joined_hears_it() {
    let group = group();
    let mut members: Vec<_> = (0..2)
        .map(|_| {
            let mut command = role::command("joins");
            command.env(WORD, &group);
            Process::start(command)
        })
        .collect();
    for member in &mut members {
        assert_eq!(member.answer(), "joined");
    }
    let mut ours = udp::receiver(&*group).await.unwrap();
    let mut sender = udp::Options::new().hops(0).sender(&*group).await.unwrap();
    for message in ["one", "two", "goodbye"] {
        sender.send(message.into()).await.unwrap();
        assert_eq!(within(ours.next()).await.unwrap().unwrap(), message);
        for member in &mut members {
            assert_eq!(member.answer(), message);
        }
    }
    for mut member in members {
        assert!(member.wait().success());
    }
}

#[tokio::test]
async fn nobody_is_connected_to_a_group() {
    let error = udp::connect(group()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    assert!(error.to_string().contains("`sender`"), "{error}");
}

/// Another group of the same port is another.
#[tokio::test]
async fn what_goes_to_one_group_stays_there() {
    let group = group();
    let other = group.replace("239.255.77.7", "239.255.77.8");
    let mut ours = udp::receiver(&*group).await.unwrap();
    let mut theirs = udp::receiver(&*other).await.unwrap();
    for (to, message) in [(&other, "to the other"), (&group, "to us")] {
        let options = udp::Options::new().hops(0);
        options.sender(to.as_str()).await.unwrap().send(message.into()).await.unwrap();
    }
    assert_eq!(within(ours.next()).await.unwrap().unwrap(), "to us");
    assert_eq!(within(theirs.next()).await.unwrap().unwrap(), "to the other");
}

/// Who sends to a group has a connection with each listener there, and hears none of them.
#[tokio::test]
async fn a_group_can_be_listened_on() {
    let group = group();
    let mut listener = udp::listen(&*group).await.unwrap();
    let mut sender = udp::Options::new().hops(0).sender(&*group).await.unwrap();
    sender.send("hello".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
    assert!(server.peer().addr().is_some());
}

/// What others have joined a group for, on whatever interface, is not ours to hear.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn only_what_was_joined_is_heard() {
    let listener = udp::listen(group()).await.unwrap();
    assert!(!socket2::SockRef::from(&listener).multicast_all_v4().unwrap());
    if !has("[::1]:0") {
        return;
    }
    let group = group().replace("239.255.77.7", "[ff15::7:7]");
    let listener = udp::listen(&*group).await.unwrap();
    assert!(!socket2::SockRef::from(&listener).multicast_all_v6().unwrap());
    drop(listener);

    // Linux has no route to it there, unless somebody has made one.
    let mut ours = udp::receiver(&*group).await.unwrap();
    match udp::Options::new().hops(0).sender(&*group).await {
        Ok(mut sender) => {
            sender.send("to all".into()).await.unwrap();
            assert_eq!(within(ours.next()).await.unwrap().unwrap(), "to all");
        }
        Err(error) => assert!(error.to_string().contains("interface_index"), "{error}"),
    }
}
