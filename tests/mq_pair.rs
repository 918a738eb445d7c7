//! Connections over pairs of POSIX message queues, and what goes through queues in an envelope.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "mq_pair/ends.rs"]
mod ends;
#[path = "mq_pair/hostile.rs"]
mod hostile;
#[path = "mq_pair/idle.rs"]
mod idle;
#[path = "mq_pair/killed.rs"]
mod killed;
#[path = "mq_pair/listening.rs"]
mod listening;
#[path = "mq_pair/outside.rs"]
mod outside;
#[path = "mq_pair/packed.rs"]
mod packed;
#[path = "mq_pair/serving.rs"]
mod serving;
#[path = "mq_pair/spill.rs"]
mod spill;
#[path = "mq_pair/subject.rs"]
mod subject;

use common::{Flavour, conformance, role, within};
use framewire::{Endpoint, mq};
use futures::{SinkExt, StreamExt};
use subject::{Name, Pairs, small};

#[test]
fn connections_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Pairs::new(mq::Options::new()));
}

#[test]
fn connections_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Pairs::new(mq::Options::new()));
}

#[test]
fn packed_connections_conform() {
    conformance::suite(Flavour::TwoWorkers, Pairs::new(mq::Options::new().packed()));
}

#[test]
fn spilling_connections_conform() {
    conformance::suite(Flavour::CurrentThread, Pairs::new(mq::Options::new().spill(100_000)));
}

#[test]
fn nothing_is_left_behind() {
    // As long as there is one, nobody else takes all the room.
    let _name = Name::new();
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("listens", killed::listens),
        ("connects", killed::connects),
        ("sends packed", packed::sends),
        ("spills", spill::spills),
        ("runs out", spill::runs_out),
        ("waits", idle::waits),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(|| Pairs::new(mq::Options::new()));
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<mq::Connection>();
    conformance::is_channel::<mq::DetailedConnection>();
    conformance::is_channel::<mq::Listener>();
    role::block_on(async {
        let name = Name::new();
        conformance::is_task(small().connect(&*name));
        conformance::is_task(small().listen(&*name));
        let _listener = small().listen(&*name).await.unwrap();
        let mut client = small().connect(&*name).await.unwrap();
        conformance::is_task(client.send("hello".into()));
        conformance::is_task(client.next());
    });
}

#[tokio::test]
async fn addresses_listen_and_connect() {
    let name = Name::new();
    let endpoint: Endpoint = format!("mq://{}", &*name).parse().unwrap();
    let mut listener = endpoint.listen().await.unwrap();
    assert_eq!(listener.endpoint(), &endpoint);
    let mut client = endpoint.connect().await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(server.peer.as_ref().unwrap().uid(), Some(uid));
    client.send("to the server".into()).await.unwrap();
    assert_eq!(within(server.io.next()).await.unwrap().unwrap(), "to the server");
    server.io.send("to the client".into()).await.unwrap();
    assert_eq!(within(client.next()).await.unwrap().unwrap(), "to the client");
}
