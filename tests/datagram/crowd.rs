//! Many peers of one listener, of whom some are in the way of the others.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use framewire::{ErrorKind, unix::datagram};
use futures::{SinkExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::{
    common::{id_of, numbered, role, within},
    place,
};

/// So many messages a connection holds, and so many peers wait to be accepted.
const HELD: u64 = 128;

async fn client(path: &Path) -> datagram::Connection {
    datagram::connect(path).await.unwrap()
}

/// Clients of which each has sent its number.
async fn clients(path: &Path, count: usize) -> Vec<datagram::Connection> {
    let mut clients = Vec::new();
    for n in 0..count {
        let mut client = client(path).await;
        within(client.send(format!("{n}").into())).await.unwrap();
        clients.push(client);
    }
    clients
}

/// One that does not receive is waited for as long as was said, then loses its connection and the
/// one message that was held for it.
#[tokio::test]
async fn a_connection_that_does_not_receive_ends_before_it_holds_up_the_others_for_good() {
    const SENT: u64 = 200;
    let (_directory, path) = place();
    let options = datagram::Options::new().stall(Duration::from_millis(200));
    let mut listener = options.listen(&*path).await.unwrap();
    let (mut slow, mut other) = (client(&path).await, client(&path).await);
    let sending = tokio::spawn(async move {
        for n in 0..SENT {
            slow.send(numbered(n, 100)).await.unwrap();
        }
        slow
    });
    let mut stuck = within(listener.next()).await.unwrap().unwrap();
    other.send("hello".into()).await.unwrap();
    // Its connection comes in front of the other's or behind it, whichever way the two are sent.
    let mut found = Vec::new();
    for _ in 0..2 {
        let mut next = within(listener.next()).await.unwrap().unwrap();
        let first = within(next.next()).await.unwrap().unwrap();
        found.push((first, next));
    }
    found.sort_by_key(|(first, _)| first.len());
    let [(hello, _other), (first, again)] = &mut found[..] else { panic!("two") };
    assert_eq!(hello, "hello");

    for n in 0..HELD {
        assert_eq!(id_of(&within(stuck.next()).await.unwrap().unwrap()), n);
    }
    let lagged = within(stuck.next()).await.unwrap().unwrap_err();
    assert_eq!(lagged.kind(), ErrorKind::Lagged);
    assert!(lagged.to_string().contains("1 messages"), "{lagged}");
    assert!(within(stuck.next()).await.is_none());
    assert_eq!(id_of(first), HELD + 1);
    for n in HELD + 2..SENT {
        assert_eq!(id_of(&within(again.next()).await.unwrap().unwrap()), n);
    }
    within(sending).await.unwrap();
}

/// One that is slow but receives loses nothing.
#[tokio::test]
async fn back_pressure_reaches_the_sender() {
    const SENT: u64 = 1000;
    let (_directory, path) = place();
    let options = datagram::Options::new().stall(Duration::from_secs(30));
    let mut listener = options.listen(&*path).await.unwrap();
    let mut client = client(&path).await;
    let mut sending = tokio::spawn(async move {
        for n in 0..SENT {
            client.send(numbered(n, 100)).await.unwrap();
        }
        client
    });
    let mut server = within(listener.next()).await.unwrap().unwrap();
    let waits = timeout(Duration::from_millis(200), &mut sending).await;
    assert!(waits.is_err(), "nothing holds the sender back");
    for n in 0..SENT {
        assert_eq!(id_of(&within(server.next()).await.unwrap().unwrap()), n);
    }
    within(sending).await.unwrap();
}

#[tokio::test]
async fn there_are_no_more_peers_than_was_said() {
    let (_directory, path) = place();
    let mut listener = datagram::Options::new().peers(4).listen(&*path).await.unwrap();
    let mut clients = clients(&path, 8).await;
    let mut servers = Vec::new();
    for n in 0..4 {
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("{n}"));
        servers.push(server);
    }
    let nobody = timeout(Duration::from_millis(100), listener.next()).await;
    assert!(nobody.is_err(), "a fifth got in");
    // Who is there is served, and whoever leaves makes room.
    clients[0].send("still here".into()).await.unwrap();
    assert_eq!(within(servers[0].next()).await.unwrap().unwrap(), "still here");
    drop(servers.pop());
    clients[7].send("and I".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "and I");
}

/// A listener that accepts nobody for a while has room for some, and those who are connected do
/// not wait for the others.
#[tokio::test]
async fn peers_who_are_not_accepted_are_not_in_the_way() {
    let (_directory, path) = place();
    let options = datagram::Options::new().stall(Duration::from_millis(250));
    let mut listener = options.listen(&*path).await.unwrap();
    let mut first = client(&path).await;
    first.send("hello".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    let _waiting = clients(&path, HELD as usize).await;
    let begun = Instant::now();
    let _dropped = clients(&path, 60).await;
    first.send("are you there?".into()).await.unwrap();
    for expected in ["hello", "are you there?"] {
        assert_eq!(within(server.next()).await.unwrap().unwrap(), expected);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?} for each", begun.elapsed() / 60);
    // They are accepted when somebody accepts again, and so is who comes after them.
    for n in 0..HELD {
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("{n}"));
    }
    let mut late = client(&path).await;
    late.send("late".into()).await.unwrap();
    let mut server = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(server.next()).await.unwrap().unwrap(), "late");
}

/// A message that waits for room in a connection that is dropped, then for being accepted.
#[tokio::test]
async fn a_message_that_is_held_comes_when_there_is_room_wherever_that_is() {
    let (_directory, path) = place();
    // Longer than this test may take: only a wake-up gets the message in.
    let options = datagram::Options::new();
    let options = options.stall(Duration::from_secs(300)).idle(Duration::from_secs(300));
    let mut listener = options.listen(&*path).await.unwrap();
    let mut first = client(&path).await;
    first.send("hello".into()).await.unwrap();
    let server = within(listener.next()).await.unwrap().unwrap();
    let _waiting = clients(&path, HELD as usize).await;
    for n in 0..HELD {
        within(first.send(format!("{n}").into())).await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    drop(server);
    sleep(Duration::from_millis(100)).await;
    for _ in 0..HELD {
        within(listener.next()).await.unwrap().unwrap();
    }
    let mut again = within(listener.next()).await.unwrap().unwrap();
    assert_eq!(within(again.next()).await.unwrap().unwrap(), format!("{}", HELD - 1));
}

#[tokio::test]
async fn a_silent_peer_is_forgotten_and_comes_back() {
    let (_directory, path) = place();
    let options = datagram::Options::new().idle(Duration::from_millis(150));
    let mut listener = options.listen(&*path).await.unwrap();
    let mut client = client(&path).await;
    for round in 0..3 {
        client.send(format!("{round}").into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("{round}"));
        assert!(within(server.next()).await.is_none());
        // It was the receiving side that ended.
        server.send("are you there?".into()).await.unwrap();
        assert_eq!(within(client.next()).await.unwrap().unwrap(), "are you there?");
    }
}

/// Those whose messages wait behind somebody's are not silent.
#[tokio::test]
async fn who_is_held_up_is_not_forgotten() {
    let (_directory, path) = place();
    let options = datagram::Options::new();
    let options = options.idle(Duration::from_millis(200)).stall(Duration::from_secs(30));
    let mut listener = options.listen(&*path).await.unwrap();
    let (mut slow, mut other) = (client(&path).await, client(&path).await);
    let mut servers = Vec::new();
    for client in [&mut slow, &mut other] {
        client.send("hello".into()).await.unwrap();
        servers.push(within(listener.next()).await.unwrap().unwrap());
    }
    for n in 0..HELD {
        within(slow.send(format!("{n}").into())).await.unwrap();
    }
    for n in 0..5 {
        within(other.send(format!("{n}").into())).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    let [slow_server, other_server] = &mut servers[..] else { panic!("two") };
    assert_eq!(within(slow_server.next()).await.unwrap().unwrap(), "hello");
    for expected in ["hello", "0", "1", "2", "3", "4"] {
        let next = within(other_server.next()).await;
        assert_eq!(next.expect("it is not forgotten").unwrap(), expected);
    }
}

#[test]
fn what_waits_keeps_no_more_memory_than_its_own() {
    role::must_pass("keeps little");
}

/// A connection that is not received from, whose small messages came between large ones of others.
pub(crate) fn keeps_little() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    role::block_on(async {
        let (_directory, path) = place();
        let mut listener = datagram::listen(&*path).await.unwrap();
        let (mut small, mut large) = (client(&path).await, client(&path).await);
        small.send("0".into()).await.unwrap();
        let mut kept = within(listener.next()).await.unwrap().unwrap();
        let body = Bytes::from(vec![7; 60_000]);
        large.send(body.clone()).await.unwrap();
        let mut drained = within(listener.next()).await.unwrap().unwrap();
        let mut before = 0;
        for n in 0..HELD - 1 {
            for _ in 0..4 {
                assert_eq!(within(drained.next()).await.unwrap().unwrap(), body);
                within(large.send(body.clone())).await.unwrap();
            }
            within(small.send(format!("{n}").into())).await.unwrap();
            if n == 10 {
                before = resident();
            }
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 4 << 20, "{grown} bytes for 117 small messages");
        assert_eq!(within(kept.next()).await.unwrap().unwrap(), "0");
    });
}

/// Its place in the queues is given up with it.
#[tokio::test]
async fn peers_that_die_are_replaced() {
    let (_directory, path) = place();
    let mut listener = datagram::listen(&*path).await.unwrap();
    for n in 0..100 {
        let mut client = client(&path).await;
        client.send(format!("{n}").into()).await.unwrap();
        drop(client);
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert_eq!(within(server.next()).await.unwrap().unwrap(), format!("{n}"));
        let error = within(server.send("too late".into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}
