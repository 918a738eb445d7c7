//! What is too large, at either end.

use std::os::fd::AsFd;

use bytes::Bytes;
use framewire::{ErrorKind, unix::seqpacket};
use futures::{SinkExt, StreamExt};

use super::common::body;

fn system_limit() -> usize {
    let limit = std::fs::read_to_string("/proc/sys/net/core/wmem_default").unwrap();
    limit.trim().parse::<usize>().unwrap() - 32
}

/// The largest message is what the kernel takes, and the error for one more names the limit.
#[tokio::test]
async fn the_limit_is_the_systems_and_is_named() {
    let (mut ours, mut theirs) = seqpacket::pair().unwrap();
    let limit = system_limit();
    ours.send(body(1, limit)).await.unwrap();
    assert_eq!(theirs.next().await.unwrap().unwrap(), body(1, limit));
    let refused = ours.send(body(2, limit + 1)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert!(refused.to_string().contains(&limit.to_string()), "{refused}");
    // It is our own word and not the kernel's, which would say the same.
    let raw = rustix::net::send(
        ours.get_ref().as_fd(),
        &vec![0; limit + 1],
        rustix::net::SendFlags::DONTWAIT,
    );
    assert_eq!(raw.unwrap_err(), rustix::io::Errno::MSGSIZE);
}

/// A receiver that takes less than a peer sends gets an error and never a part.
#[tokio::test]
async fn what_is_cut_off_is_an_error() {
    for (limit, sent) in [(1000, 1001), (1000, 100_000), (0, 1), (70_000, 70_001)] {
        let (mut ours, theirs) = seqpacket::Options::new().max_len(limit).pair().unwrap();
        let raw = |len: usize| {
            let flags = rustix::net::SendFlags::DONTWAIT;
            rustix::net::send(theirs.get_ref().as_fd(), &body(7, len), flags).unwrap();
        };
        raw(limit);
        raw(sent);
        assert_eq!(ours.next().await.unwrap().unwrap(), body(7, limit));
        let error = ours.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        for number in [limit, sent] {
            assert!(error.to_string().contains(&number.to_string()), "{error}");
        }
        assert!(ours.next().await.is_none(), "one error, then the end");
    }
}

/// More than the default goes where the system's limit allows it.
#[tokio::test]
async fn the_send_buffer_grows_when_asked() {
    let most = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap();
    // The kernel doubles what it grants.
    let grantable = 2 * most.trim().parse::<usize>().unwrap() - 32;
    let wanted = (2 * system_limit()).min(grantable);
    let (mut ours, mut theirs) = seqpacket::Options::new().max_len(wanted).pair().unwrap();
    let large = body(3, wanted);
    ours.send(large.clone()).await.unwrap();
    assert_eq!(theirs.next().await.unwrap().unwrap(), large);

    let (mut ours, _theirs) = seqpacket::Options::new().max_len(1 << 30).pair().unwrap();
    let refused = ours.send(Bytes::from(vec![0; 1 << 28])).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "what cannot be had is not promised");
}

/// Room is made for what can come, not for what was asked for.
#[tokio::test]
async fn a_limit_that_nothing_reaches_is_none() {
    for limit in [usize::MAX, isize::MAX as usize, isize::MAX as usize >> 8] {
        let (mut ours, mut theirs) = seqpacket::Options::new().max_len(limit).pair().unwrap();
        let large = body(1, system_limit());
        ours.send(large.clone()).await.unwrap();
        assert_eq!(theirs.next().await.unwrap().unwrap(), large);
    }
}

/// Kept messages keep their bytes, however many come after.
#[tokio::test]
async fn messages_that_are_kept_stay_as_they_are() {
    let (mut ours, mut theirs) = seqpacket::pair().unwrap();
    let mut kept = Vec::new();
    for n in 0..2000 {
        ours.send(body(n, n as usize * 37 % 900)).await.unwrap();
        kept.push(theirs.next().await.unwrap().unwrap());
    }
    for (n, message) in kept.iter().enumerate() {
        assert_eq!(*message, body(n as u64, n * 37 % 900));
    }
}
