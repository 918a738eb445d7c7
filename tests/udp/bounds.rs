//! What is refused: addresses that other machines reach, messages that no datagram carries.

use std::net::UdpSocket;

use framewire::{ErrorKind, udp};
use futures::{SinkExt, StreamExt};

use super::{
    address,
    common::{body, within},
    has,
};

const LARGEST: usize = 65_507;

#[tokio::test]
async fn what_other_machines_reach_is_bound_when_asked_for_only() {
    for wide in ["0.0.0.0:0", "[::]:0"] {
        let refused = [
            udp::listen(wide).await.map(drop).unwrap_err(),
            udp::receiver(wide).await.map(drop).unwrap_err(),
        ];
        for refused in refused {
            assert_eq!(refused.kind(), ErrorKind::Denied, "{refused}");
            assert!(refused.to_string().contains("exposed(true)"), "{refused}");
        }
        if has(wide) {
            udp::Options::new().exposed(true).receiver(wide).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_no_address_is_told_so() {
    for wrong in ["127.0.0.1", "", "127.0.0.1:70000", "no.such.host.invalid:7"] {
        for error in [
            udp::listen(wrong).await.map(drop).unwrap_err(),
            udp::sender(wrong).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Address, "{wrong}: {error}");
        }
    }
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = udp::receiver(taken.local_addr().unwrap().to_string()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains("choose another port"), "{error}");
}

#[tokio::test]
async fn the_largest_is_65_507_bytes() {
    for host in ["127.0.0.1:0", "[::1]:0"] {
        if !has(host) {
            continue;
        }
        let mut receiver = udp::receiver(host).await.unwrap();
        let mut sender = udp::sender(address(receiver.endpoint())).await.unwrap();
        for len in [LARGEST, 0, LARGEST - 1, 1] {
            sender.send(body(len as u64, len)).await.unwrap();
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), body(len as u64, len));
        }
        let refused = sender.send(body(1, LARGEST + 1)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
        assert!(refused.to_string().contains("65507"), "{refused}");
        sender.send("after".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "after");
    }
    let options = udp::Options::new().max_len(usize::MAX);
    let mut sender = options.sender("127.0.0.1:7").await.unwrap();
    let refused = sender.send(body(1, LARGEST + 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "it cannot be raised: {refused}");
}

/// What is too large is never a shorter message, and what comes behind it comes.
#[tokio::test]
async fn what_is_cut_off_is_an_error_and_no_end() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let options = udp::Options::new().max_len(1000);
    let mut receiver = options.receiver("127.0.0.1:0").await.unwrap();
    peer.connect(address(receiver.endpoint())).unwrap();
    for (sent, fits) in [(1000, true), (1001, false), (LARGEST, false), (0, true), (999, true)] {
        peer.send(&body(1, sent)).unwrap();
        match within(receiver.next()).await.expect("it has no end") {
            Ok(message) => assert_eq!((message, fits), (body(1, sent), true)),
            Err(error) => {
                assert_eq!((error.kind(), fits), (ErrorKind::TooLarge, false), "{error}");
                assert!(error.to_string().contains(&sent.to_string()), "{error}");
            }
        }
    }
}
