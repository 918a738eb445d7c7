//! What is lost is counted.
#![cfg(target_os = "linux")]

use std::{net::UdpSocket, time::Duration};

use framewire::{Error, ErrorKind, udp};
use futures::StreamExt;
use tokio::time::{sleep, timeout};

use super::{
    address,
    common::{id_of, numbered, within},
};

/// How many messages an error says are missing.
fn missed(error: &Error) -> u64 {
    assert_eq!(error.kind(), ErrorKind::Lagged, "{error}");
    let words = error.to_string();
    let count = words.split(' ').find_map(|word| word.parse().ok());
    count.unwrap_or_else(|| panic!("a number: {words}"))
}

/// A receiver that sleeps learns how many it has slept through, to the last one.
#[tokio::test]
async fn all_that_was_sent_was_received_or_missed() {
    const SENT: u64 = 5000;
    let mut receiver = udp::receiver("127.0.0.1:0").await.unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.connect(address(receiver.endpoint())).unwrap();
    let (mut received, mut lost, mut next) = (0, 0, 0);
    for round in 0..3 {
        for n in 0..SENT {
            peer.send(&numbered(round * SENT + n, 100)).unwrap();
        }
        while let Ok(item) = timeout(Duration::from_millis(200), receiver.next()).await {
            match item.expect("it has no end") {
                Ok(message) => {
                    let id = id_of(&message);
                    assert!(id >= next, "{id} came behind {next}");
                    next = id + 1;
                    received += 1;
                }
                Err(error) => lost += missed(&error),
            }
        }
    }
    // What was dropped last is told with the next that is not.
    peer.send(&numbered(3 * SENT, 100)).unwrap();
    lost += missed(&within(receiver.next()).await.unwrap().unwrap_err());
    assert_eq!(id_of(&within(receiver.next()).await.unwrap().unwrap()), 3 * SENT);
    assert!(lost > 0 && received > 0, "{received} received, {lost} lost");
    assert_eq!(received + lost, 3 * SENT, "{received} received, {lost} lost");
}

/// One connection that is not received from misses its own messages, and no other's.
#[tokio::test]
async fn a_connection_is_told_what_it_has_missed() {
    const HELD: u64 = 128;
    const SENT: u64 = 250;
    let mut listener = udp::listen("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let [slow, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    slow.connect(to).unwrap();
    other.connect(to).unwrap();
    for n in 0..SENT {
        slow.send(&numbered(n, 50)).unwrap();
        if n % 50 == 49 {
            // The system's buffer holds some 270 of them.
            sleep(Duration::from_millis(50)).await;
        }
    }
    other.send(b"hello").unwrap();
    let mut stuck = within(listener.next()).await.unwrap().unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");

    for n in 0..HELD {
        assert_eq!(id_of(&within(stuck.next()).await.unwrap().unwrap()), n);
    }
    assert_eq!(missed(&within(stuck.next()).await.unwrap().unwrap_err()), SENT - HELD);
    slow.send(&numbered(SENT, 50)).unwrap();
    assert_eq!(id_of(&within(stuck.next()).await.unwrap().unwrap()), SENT);
}
