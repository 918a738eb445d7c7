//! Shared memory that is found by a name.
#![cfg(any(target_os = "linux", target_os = "android"))]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "shm_named/ends.rs"]
mod ends;
#[path = "shm_named/idle.rs"]
mod idle;
#[path = "shm_named/killed.rs"]
mod killed;
#[path = "shm_named/locked.rs"]
mod locked;
#[path = "shm_named/names.rs"]
mod names;
#[path = "shm_named/parked.rs"]
mod parked;
#[path = "shm_named/serving.rs"]
mod serving;
#[path = "shm_named/subject.rs"]
mod subject;

use common::{Flavour, conformance, role, within};
use framewire::{Endpoint, shm::named};
use futures::{SinkExt, StreamExt};
use subject::{Names, OneWay, Pairs};

#[test]
fn one_way_conforms_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, OneWay::new());
}

#[test]
fn one_way_conforms_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, OneWay::new());
}

#[test]
fn connections_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Pairs::new());
}

#[test]
fn connections_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Pairs::new());
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("sends", killed::sends),
        ("receives", killed::receives),
        ("connects", killed::connects),
        ("forks", locked::forks),
        ("looks as another", names::looks_as_another),
        ("sleeps", parked::sleeps),
        ("waits", idle::waits),
    ]);
}

fn leaves_nothing() {
    conformance::leaves_nothing(OneWay::new);
    conformance::leaves_nothing(Pairs::new);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<named::Sender>();
    conformance::is_channel::<named::Receiver>();
    conformance::is_channel::<named::Connection>();
    conformance::is_channel::<named::Listener>();
    role::block_on(async {
        let name = Names::new().next();
        let options = named::Options::new();
        conformance::is_task(options.listen(&*name));
        conformance::is_task(options.connect(&*name));
        conformance::is_task(options.sender(&*name));
        conformance::is_task(options.receiver(&*name));
        let mut sender = named::sender(&*name).await.unwrap();
        let mut receiver = named::receiver(&*name).await.unwrap();
        conformance::is_task(sender.send("hello".into()));
        conformance::is_task(receiver.next());
        conformance::is_task(receiver.recv_many(&mut Vec::new()));
        conformance::is_task(receiver.with_next(|body| body.len()));
    });
}

#[tokio::test]
async fn addresses_have_all_verbs() {
    let names = Names::new();
    let endpoint: Endpoint = format!("shm+named://{}", names.next()).parse().unwrap();
    let (mut receiver, mut sender) =
        (endpoint.receiver().await.unwrap(), endpoint.sender().await.unwrap());
    let mut listener = endpoint.listen().await.unwrap();
    let mut client = endpoint.connect().await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(server.peer.as_ref().unwrap().pid(), Some(std::process::id()));

    sender.send("to the receiver".into()).await.unwrap();
    client.send("to the server".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "to the receiver");
    assert_eq!(within(server.io.next()).await.unwrap().unwrap(), "to the server");
}
