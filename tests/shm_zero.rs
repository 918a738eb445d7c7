//! Messages through shared memory that somebody does not copy.
#![cfg(any(target_os = "linux", target_os = "android"))]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]
// To trust a peer is a promise.
#![allow(unsafe_code)]

mod common;
#[path = "shm_zero/flight.rs"]
mod flight;
#[path = "shm_zero/hoard.rs"]
mod hoard;
#[path = "shm_zero/lease.rs"]
mod lease;
#[path = "shm_zero/loan.rs"]
mod loan;
#[path = "shm_zero/raw.rs"]
mod raw;
#[path = "shm_zero/room.rs"]
mod room;
#[path = "shm_zero/sealed.rs"]
mod sealed;
#[path = "shm_zero/strangers.rs"]
mod strangers;
#[path = "shm_zero/subject.rs"]
mod subject;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    time::{Duration, Instant},
};

use common::{Census, Flavour, Process, SocketNames, conformance, role, within};
use framewire::{Endpoint, shm};
use futures::{SinkExt, StreamExt};
use subject::Trusting;

#[test]
fn those_who_trust_conform_on_one_thread() {
    conformance::suite(Flavour::CurrentThread, Trusting::new());
}

#[test]
fn those_who_trust_conform_on_two_workers() {
    conformance::suite(Flavour::TwoWorkers, Trusting::new());
}

/// Compiles, or does not.
#[test]
fn parts_can_be_sent_and_futures_spawned() {
    conformance::is_channel::<shm::Loan<'static>>();
    conformance::is_channel::<shm::Draft>();
    conformance::is_channel::<shm::Sealed>();
    role::block_on(async {
        let (mut ours, _theirs) = shm::pair().unwrap();
        conformance::is_task(ours.loan(1));
        let sealed = shm::Draft::new(1).unwrap().seal().unwrap();
        conformance::is_task(ours.send_sealed(&sealed));
    });
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("loans", loan::sends_loans),
        ("sends many", lease::sends_many),
        ("seals", sealed::sends_sealed),
        ("leaves nothing", leaves_nothing),
        ("has too many in flight", flight::has_too_many_in_flight),
    ]);
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

fn leaves_nothing() {
    let mut before = None;
    for _ in 0..3 {
        role::block_on(async {
            loan::mixed(3).await;
            lease::shuffled(5).await;
            hoard::all(300).await;
            sealed::among_others(40).await;
            strangers::are_found_out().await;
        });
        let count = || (Census::settled(), mappings(), in_dev_shm());
        let (census, mapped, named) = before.get_or_insert_with(count);
        census.assert_back();
        assert_eq!(mappings(), *mapped, "mappings of shared memory");
        // Other processes have names there as well, but none for long.
        let begun = Instant::now();
        let mut left = &in_dev_shm() - named;
        while !left.is_empty() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
            left = &left & &in_dev_shm();
        }
        assert!(left.is_empty(), "names in /dev/shm: {left:?}");
    }
}

/// Those of memory that has no name.
fn mappings() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("memfd:")).count()
}

/// Files only: the directory of a user's names stays.
fn in_dev_shm() -> BTreeSet<OsString> {
    let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_file()));
    let names = files.map(|file| file.file_name());
    names.filter(|name| name.to_string_lossy().contains("framewire")).collect()
}

/// Whether bytes are in memory that was made to be shared, and not in a copy.
fn is_shared(bytes: &[u8]) -> bool {
    let at = bytes.as_ptr() as usize;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let shared = maps.lines().filter(|line| line.contains("memfd:"));
    let mut ranges = shared.map(|line| {
        let (from, rest) = line.split_once('-').unwrap();
        let (to, _) = rest.split_once(' ').unwrap();
        let number = |hex| usize::from_str_radix(hex, 16).unwrap();
        number(from)..number(to)
    });
    ranges.any(|range| range.contains(&at))
}

fn trusting() -> shm::Options {
    // SAFETY: both ends are of this program, which changes nothing that it has sent.
    let trust = unsafe { shm::Trust::new() };
    shm::Options::new().trust(trust)
}

/// A process in a role that was connected to.
async fn met(part: &str, options: &shm::Options) -> (Process, shm::Connection, SocketNames) {
    let names = SocketNames::paths();
    let name = names.next();
    let mut listener = options.listen(name.clone()).await.unwrap();
    let mut command = role::command(part);
    command.env(role::ENDPOINT, Endpoint::Shm(name).to_string());
    let process = Process::start(command);
    let connection = within(listener.next()).await.unwrap().unwrap();
    (process, connection, names)
}

/// Connects to who started this process in a role.
async fn starter(options: &shm::Options) -> shm::Connection {
    let endpoint: Endpoint = std::env::var(role::ENDPOINT).unwrap().parse().unwrap();
    let Endpoint::Shm(name) = endpoint else { panic!("{endpoint}") };
    options.connect(name).await.unwrap()
}

async fn next(of: &mut shm::Connection) -> bytes::Bytes {
    within(of.next()).await.expect("more was sent").unwrap()
}

async fn send_all(ours: &mut shm::Connection, messages: impl IntoIterator<Item = bytes::Bytes>) {
    for message in messages {
        ours.feed(message).await.unwrap();
    }
    ours.flush().await.unwrap();
}
