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
#[path = "udp/subject.rs"]
mod subject;

use common::{Flavour, conformance, role};
use framewire::{Endpoint, udp};
use futures::{SinkExt, StreamExt};
use subject::Udp;

const V4: &str = "127.0.0.1:0";
const V6: &str = "[::1]:0";

#[test]
fn connections_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Udp::Connections(V4));
}

#[test]
fn connections_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Udp::Connections(V4));
}

#[test]
fn connections_over_ipv6_conform_on_one_thread() {
    if has(V6) {
        conformance::suite(Flavour::CurrentThread, Udp::Connections(V6));
    }
}

#[test]
fn senders_and_receivers_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Udp::OneWay(V4));
}

#[test]
fn senders_and_receivers_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Udp::OneWay(V4));
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

#[cfg(target_os = "linux")]
fn leaves_nothing() {
    conformance::leaves_nothing(|| Udp::Connections(V4));
    conformance::leaves_nothing(|| Udp::OneWay(V4));
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("joins", groups::joins),
        #[cfg(target_os = "linux")]
        ("leaves nothing", leaves_nothing),
    ]);
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
