//! More connections than a server has descriptors for, or room, and connections that say nothing.

use std::time::Duration;

use tokio::sync::Mutex;

use super::{
    client::{Honest, Raw},
    server::{Server, Setup},
    wait_until,
};
use crate::support::{HANG, announce};

/// More than the server may have descriptors, less than its backlog holds.
const FLOOD: usize = 600;
const DESCRIPTORS: u64 = 256;
/// One flood at a time: our own ends take descriptors as well.
static FLOODING: Mutex<()> = Mutex::const_new(());

/// A busy loop takes a whole core, a server that waits next to nothing.
const IDLE: f64 = 0.3;

fn flood(server: &Server, connections: usize) -> Vec<Raw> {
    super::raise_our_descriptors();
    (0..connections).map(|_| Raw::connect(server)).collect()
}

/// A new honest client is served, as soon as it gets through.
async fn comes_through(server: &Server) {
    let served = tokio::time::timeout(HANG, async {
        // Who is in the kernel's queue when it clears can still be turned away.
        while !Honest::connect(server).await.try_call("I am new").await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    served.await.expect("an honest client comes through");
}

async fn outlives_a_flood(at: &str) {
    let _flooding = FLOODING.lock().await;
    let server = Server::start(&Setup { descriptors: DESCRIPTORS, ..Setup::echo(at) });
    let mut honest = Honest::connect(&server).await;
    honest.calls("before the flood").await;
    let before = server.descriptors();

    let flood = flood(&server, FLOOD);
    server.tells("accepting waits for descriptors");
    for _ in 0..10 {
        honest.calls("in the flood").await;
    }
    assert!(server.descriptors() as u64 > DESCRIPTORS - 8, "{}", server.descriptors());
    let load = server.load();
    announce(&format!("{at}: {:.1} % of a core without descriptors", 100.0 * load));
    assert!(load < IDLE, "a busy loop: {load}");
    honest.calls("still in the flood").await;
    // It said so now and then, and not in a flood of its own.
    let told = server.events("accepting waits").len();
    assert!((1..50).contains(&told), "{told} events");

    drop(flood);
    comes_through(&server).await;
    honest.calls("after the flood").await;
    wait_until("the flood is gone", || server.descriptors() <= before + 1);
    drop(honest);
    let served = server.end();
    assert!(served.contains("panicked: 0, aborted: 0"), "{served}");
}

#[tokio::test]
async fn a_flood_of_a_unix_socket_beyond_the_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    outlives_a_flood(&format!("unix://{}/e.sock", directory.path().display())).await;
}

#[tokio::test]
async fn a_flood_over_tcp_beyond_the_descriptors() {
    outlives_a_flood("tcp://127.0.0.1:0").await;
}

#[tokio::test]
async fn a_user_who_floods_has_its_share_and_no_more() {
    let _flooding = FLOODING.lock().await;
    let directory = tempfile::tempdir().unwrap();
    let at = format!("unix://{}/e.sock", directory.path().display());
    let server = Server::start(&Setup { max_per_uid: 50, ..Setup::echo(at) });
    let mut honest = Honest::connect(&server).await;
    honest.calls("before the flood").await;
    let mut flood = flood(&server, FLOOD);
    // Those beyond the share are closed at once, and the log says it aloud once.
    let mut last = flood.pop().unwrap();
    assert!(last.is_closed());
    assert_eq!(server.events("WARN").len(), 1, "{:#?}", server.events("WARN"));
    for _ in 0..10 {
        honest.calls("in the flood").await;
    }
    assert!(server.load() < IDLE);
    drop(flood);
    comes_through(&server).await;
    honest.calls("after the flood").await;
    drop(honest);
    let served = server.end();
    assert!(served.contains("failed: 0, panicked: 0, aborted: 0"), "{served}");
}

#[tokio::test]
async fn silent_connections_keep_nobody_out_within_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let at = format!("unix://{}/e.sock", directory.path().display());
    let server = Server::start(&Setup { max_connections: 40, ..Setup::echo(at) });
    let mut silent = flood(&server, 38);
    // One that begins a frame and never goes on is as good as silent.
    silent[0].writes(&[0, 0, 1]);
    silent[1].writes(&[0, 0x40, 0, 0, 1, 2, 3]);
    let mut first = Honest::connect(&server).await;
    first.calls("there is room").await;
    let mut second = Honest::connect(&server).await;
    second.calls("there is room for one more").await;

    // The limit is reached: the next one waits in the kernel, unharmed, and is served in its turn.
    let mut third = Honest::connect(&server).await;
    third.sends("is there room?").await;
    assert_eq!(third.hears(Duration::from_millis(200)).await, None, "one more than the limit");
    assert!(server.load() < IDLE);
    first.calls("I am still here").await;
    drop(silent.pop());
    assert_eq!(third.hears(HANG).await.unwrap(), "is there room?");
    third.calls("there is").await;
    second.calls("I am still here, too").await;
    drop((first, second, third, silent));
    wait_until("two frames are told to be cut", || server.events("serving ended").len() == 2);
    let served = server.end();
    assert!(served.contains("accepted: 41, refused: 0, failed: 2, panicked: 0"), "{served}");
}
