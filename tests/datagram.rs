//! Unix datagrams.
#![cfg(any(target_os = "linux", target_os = "android"))]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "datagram/addresses.rs"]
mod addresses;
mod common;
#[path = "datagram/credentials.rs"]
mod credentials;
#[path = "datagram/crowd.rs"]
mod crowd;
#[path = "datagram/listener.rs"]
mod listener;
#[path = "datagram/names.rs"]
mod names;
#[path = "datagram/outsiders.rs"]
mod outsiders;
#[path = "datagram/senders.rs"]
mod senders;
#[path = "datagram/subject.rs"]
mod subject;

use std::path::PathBuf;

use common::{Flavour, conformance, role};
use framewire::{SocketName, unix::datagram};
use futures::{SinkExt, StreamExt};
use subject::Datagrams;
use tempfile::TempDir;

#[test]
fn connections_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Datagrams::connections());
}

#[test]
fn connections_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Datagrams::connections());
}

#[test]
fn connections_of_abstract_names_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Datagrams::connections().abstract_names());
}

#[test]
fn senders_and_receivers_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Datagrams::one_way());
}

#[test]
fn senders_and_receivers_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Datagrams::one_way());
}

#[test]
fn senders_and_receivers_of_abstract_names_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Datagrams::one_way().abstract_names());
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

fn leaves_nothing() {
    conformance::leaves_nothing(Datagrams::connections);
    conformance::leaves_nothing(|| Datagrams::one_way().abstract_names());
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("binds and sends", credentials::binds_and_sends),
        ("keeps little", crowd::keeps_little),
        ("leaves nothing", leaves_nothing),
        ("receives", names::receives),
        ("runs out of descriptors", outsiders::runs_out_of_descriptors),
        ("sends many", senders::sends_many),
        ("sends", credentials::sends),
        ("umask 0", names::umask_0),
    ]);
}

/// Compiles, or does not.
#[test]
fn ends_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<datagram::Connection>();
    conformance::is_channel::<datagram::Receiver>();
    conformance::is_channel::<datagram::Sender>();
    conformance::is_channel::<datagram::Listener>();
    role::block_on(async {
        let options = datagram::Options::new();
        conformance::is_task(options.listen("/nowhere/e.sock"));
        conformance::is_task(options.connect("/nowhere/e.sock"));
        conformance::is_task(options.receiver("/nowhere/e.sock"));
        conformance::is_task(options.sender("/nowhere/e.sock"));
        let (_directory, path) = place();
        let mut receiver = datagram::receiver(&*path).await.unwrap();
        let mut sender = datagram::sender(&*path).await.unwrap();
        conformance::is_task(receiver.next());
        conformance::is_task(sender.send("hello".into()));
    });
}

/// A directory of its own, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    (directory, path)
}

/// An abstract name that nobody else has: the path that it is made of is the directory's.
fn abstract_name(directory: &TempDir) -> SocketName {
    SocketName::Abstract(directory.path().display().to_string())
}
