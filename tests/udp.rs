//! UDP.
#![cfg(unix)]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "udp/bounds.rs"]
mod bounds;
mod common;
#[path = "udp/groups.rs"]
mod groups;
#[path = "udp/losses.rs"]
mod losses;
#[path = "udp/peers.rs"]
mod peers;

use common::{conformance, role};
use framewire::{Endpoint, udp};
use futures::{SinkExt, StreamExt};

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[("joins", groups::joins)]);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<udp::Connection>();
    conformance::is_channel::<udp::Receiver>();
    conformance::is_channel::<udp::Sender>();
    conformance::is_channel::<udp::Listener>();
    role::block_on(async {
        let options = udp::Options::new();
        conformance::is_task(options.listen("127.0.0.1:0"));
        conformance::is_task(options.connect("127.0.0.1:7"));
        conformance::is_task(options.receiver("127.0.0.1:0"));
        conformance::is_task(options.sender("127.0.0.1:7"));
        let mut receiver = udp::receiver("127.0.0.1:0").await.unwrap();
        let mut sender = udp::sender(address(receiver.endpoint())).await.unwrap();
        conformance::is_task(receiver.next());
        conformance::is_task(sender.send("hello".into()));
    });
}

/// What an endpoint calls `host:port`.
fn address(endpoint: Option<&Endpoint>) -> String {
    let Some(Endpoint::Udp(address)) = endpoint else { panic!("{endpoint:?}") };
    address.to_string()
}

/// Whether this machine has the address.
fn has(address: &str) -> bool {
    let there = std::net::UdpSocket::bind(address).is_ok();
    if !there {
        eprintln!("!!! skipped: there is no {address}");
    }
    there
}
