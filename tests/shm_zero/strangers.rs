//! Peers that announce what they do not send.

use std::os::fd::{AsFd, OwnedFd};

use framewire::{ErrorKind, shm};
use futures::StreamExt;
use rustix::fs::{MemfdFlags, SealFlags};

use super::{
    common::within,
    next,
    raw::{FOR_GOOD, memory, met, send},
};

fn plain(bytes: &[u8], len: u64, seals: SealFlags) -> OwnedFd {
    memory(bytes, len, MemfdFlags::empty(), seals)
}

async fn fails(ours: &mut shm::Connection, kind: ErrorKind, told: &str) {
    let error = within(ours.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(told), "{error}");
    assert!(within(ours.next()).await.is_none());
}

#[tokio::test]
async fn what_is_as_announced_is_received() {
    let (socket, mut ours) = met(&[5, 0, 5]).await;
    let one = plain(b"hello", 5, FOR_GOOD);
    send(&socket, &[1], &[one.as_fd()]);
    send(&socket, &[1], &[plain(b"", 0, FOR_GOOD).as_fd()]);
    send(&socket, &[1], &[one.as_fd()]);
    for expected in ["hello", "", "hello"] {
        assert_eq!(next(&mut ours).await, expected);
    }
}

#[tokio::test]
async fn what_is_not_as_announced_breaks_the_connection() {
    are_found_out().await;
}

pub(crate) async fn are_found_out() {
    let malformed = ErrorKind::Malformed;
    let (_socket, mut ours) = met(&[5]).await;
    fails(&mut ours, malformed, "never came").await;

    // A packet without a descriptor is a wake.
    let (socket, mut ours) = met(&[5]).await;
    send(&socket, &[1], &[]);
    fails(&mut ours, malformed, "never came").await;

    let missing = [SealFlags::SHRINK, SealFlags::GROW, SealFlags::WRITE, SealFlags::SEAL];
    for missing in missing {
        let (socket, mut ours) = met(&[5]).await;
        send(&socket, &[1], &[plain(b"hello", 5, FOR_GOOD.difference(missing)).as_fd()]);
        fails(&mut ours, malformed, "not sealed").await;
    }
    // Sealed against others only.
    let (socket, mut ours) = met(&[5]).await;
    let writable = FOR_GOOD.difference(SealFlags::WRITE).union(SealFlags::FUTURE_WRITE);
    send(&socket, &[1], &[plain(b"hello", 5, writable).as_fd()]);
    fails(&mut ours, malformed, "not sealed").await;

    for len in [0, 4, 6, 4096, 1 << 20] {
        let (socket, mut ours) = met(&[5]).await;
        send(&socket, &[1], &[plain(b"", len, FOR_GOOD).as_fd()]);
        fails(&mut ours, malformed, &format!("has {len}")).await;
    }
    for announced in [(8 << 20) + 1, u64::MAX] {
        let (socket, mut ours) = met(&[announced]).await;
        send(&socket, &[1], &[plain(b"", 5, FOR_GOOD).as_fd()]);
        fails(&mut ours, ErrorKind::TooLarge, "limit 8388608").await;
    }
    // No file of memory at all.
    let others: [OwnedFd; 3] = [
        std::fs::File::open("/dev/null").unwrap().into(),
        std::fs::File::open("/proc/self/status").unwrap().into(),
        std::os::unix::net::UnixDatagram::unbound().unwrap().into(),
    ];
    for other in others {
        let (socket, mut ours) = met(&[0]).await;
        send(&socket, &[1], &[other.as_fd()]);
        fails(&mut ours, malformed, "not sealed").await;
    }
    // The good one in front of a bad one comes.
    let (socket, mut ours) = met(&[5, 5]).await;
    send(&socket, &[1], &[plain(b"hello", 5, FOR_GOOD).as_fd()]);
    send(&socket, &[1], &[plain(b"hello", 5, SealFlags::empty()).as_fd()]);
    assert_eq!(next(&mut ours).await, "hello");
    fails(&mut ours, malformed, "not sealed").await;
}

#[tokio::test]
async fn more_than_may_be_on_their_way_break_it() {
    let (socket, mut ours) = met(&[]).await;
    let one = plain(b"hello", 5, FOR_GOOD);
    for _ in 0..16 {
        send(&socket, &[1], &[one.as_fd()]);
    }
    let mut first = Box::pin(ours.next());
    assert!(futures::poll!(first.as_mut()).is_pending());
    tokio::task::yield_now().await;
    send(&socket, &[1], &[one.as_fd()]);
    let error = within(first).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("more sealed messages"), "{error}");
}
