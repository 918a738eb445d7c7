//! Too many, too few, and none where there should be some.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use framewire::{
    Error, ErrorKind, tcp,
    unix::{self, Detailed, Outgoing},
};
use futures::{FutureExt, SinkExt, StreamExt};
use rustix::{
    fs::{Mode, OFlags},
    net::{Shutdown, shutdown},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::{
    common::{Census, role, within},
    pair, raw,
};

fn null() -> OwnedFd {
    rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

fn nulls(count: usize) -> Vec<OwnedFd> {
    (0..count).map(|_| null()).collect()
}

/// The error that a stream ends with, and that it ends.
async fn end(of: &mut Detailed) -> Error {
    let error = within(of.next()).await.expect("an error").unwrap_err();
    assert!(within(of.next()).await.is_none());
    error
}

async fn hears(of: &mut Detailed, body: &str) {
    assert_eq!(within(of.next()).await.expect("it was sent").unwrap().body(), body);
}

#[tokio::test]
async fn too_many_are_refused_where_they_are_sent() {
    let (mut ours, mut theirs) = pair();
    let refused = ours.send(Outgoing::new("17").with_all(nulls(17))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert!(refused.to_string().contains("17 descriptors, limit 16"), "{refused}");
    // Nothing of it was queued, and the next can be sent.
    ours.send(Outgoing::new("16").with_all(nulls(16))).await.unwrap();
    let (body, _) = within(theirs.next()).await.unwrap().unwrap().exactly::<16>().unwrap();
    assert_eq!(body, "16");

    // Nor is anything where the body is what is too large.
    let (mut ours, mut theirs) = {
        let (ours, theirs) = unix::Options::new().max_len(4).pair().unwrap();
        (ours.detailed().unwrap(), theirs.detailed().unwrap())
    };
    let refused = ours.send(Outgoing::new("12345").with(null())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    ours.send(Outgoing::new("1234")).await.unwrap();
    within(theirs.next()).await.unwrap().unwrap().exactly::<0>().unwrap();
}

#[tokio::test]
async fn the_limit_is_an_option_and_the_system_s_at_most() {
    for (asked, limit) in [(0, 0), (1, 1), (100, 100), (253, 253), (usize::MAX, 253)] {
        let options = unix::Options::new().max_descriptors(asked);
        let (ours, theirs) = options.pair().unwrap();
        let (mut ours, mut theirs) = (ours.detailed().unwrap(), theirs.detailed().unwrap());
        ours.send(Outgoing::new("most").with_all(nulls(limit))).await.unwrap();
        let received = within(theirs.next()).await.unwrap().unwrap();
        assert_eq!(received.descriptors().len(), limit);
        let more = Outgoing::new("more").with_all(nulls(limit + 1));
        assert_eq!(ours.send(more).await.unwrap_err().kind(), ErrorKind::TooLarge);

        // The other end's own limit may be another.
        if limit < 253 {
            let (raw, mut ours) = raw::pair(&options);
            let null = null();
            raw::send_all(&raw, &raw::frame(b"in front"), &[]);
            raw::send_all(&raw, &raw::frame(b"one more"), &vec![null.as_fd(); limit + 1]);
            raw::send_all(&raw, &raw::frame(b"behind"), &[]);
            hears(&mut ours, "in front").await;
            let error = end(&mut ours).await;
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
            assert!(error.to_string().contains("max_descriptors"), "what to do: {error}");
        }
    }
}

#[tokio::test]
async fn a_message_with_more_or_fewer_than_expected_is_told_of() {
    let (mut ours, mut theirs) = pair();
    for count in [0, 2, 3] {
        ours.send(Outgoing::new("some").with_all(nulls(count))).await.unwrap();
        let received = within(theirs.next()).await.unwrap().unwrap();
        let error = received.exactly::<1>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        let expected = format!("{count} descriptors, expected 1");
        assert!(error.to_string().contains(&expected), "{error}");
    }
    // The stream goes on.
    ours.send(Outgoing::new("one").with(null())).await.unwrap();
    within(theirs.next()).await.unwrap().unwrap().exactly::<1>().unwrap();
}

#[tokio::test]
async fn only_unix_sockets_carry_any() {
    let mut listener = tcp::listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().to_string();
    let (ours, _theirs) = tokio::join!(tcp::connect(&*address), listener.next());
    let error = ours.unwrap().detailed().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains(&address), "{error}");
}

/// What only the whole of a process tells.
#[test]
fn what_belongs_to_no_message_is_closed() {
    role::must_pass("gets strays");
}

pub(crate) fn gets_strays() {
    /// What is sent by one call, and how many descriptors beside it.
    type Call = (&'static [u8], usize);
    let sent: [(&str, &[Call], ErrorKind); 6] = [
        ("within a frame", &[(b"\0\0\0\x09with", 0), (b"in a", 1)], ErrorKind::Malformed),
        ("in one with its own", &[(b"\0\0\0\x09with", 1), (b"in a", 3)], ErrorKind::Malformed),
        ("with its last byte", &[(b"\0\0\0\x02a", 0), (b"b", 1)], ErrorKind::Malformed),
        ("with each byte", &[(b"\0", 1), (b"\0", 1)], ErrorKind::Malformed),
        ("too many of an unfinished one", &[(b"\0\0\0\x09with", 17)], ErrorKind::TooLarge),
        ("of an unfinished one", &[(b"\0\0\0\x09with", 3)], ErrorKind::Truncated),
    ];
    role::block_on(async {
        let null = null();
        let before = raw::open();
        for (name, calls, kind) in sent {
            let (raw, mut ours) = raw::pair(&unix::Options::new());
            raw::send_all(&raw, &raw::frame(b"in front"), &[]);
            hears(&mut ours, "in front").await;
            let connected = raw::open();
            for (bytes, count) in calls {
                assert!(ours.next().now_or_never().is_none(), "{name}: too early");
                raw::send_all(&raw, bytes, &vec![null.as_fd(); *count]);
            }
            // The others are told of while the peer is there, and waits.
            if kind == ErrorKind::Truncated {
                assert!(ours.next().now_or_never().is_none());
                assert_eq!(raw::open(), connected + 3, "{name}: they are held");
                shutdown(&raw, Shutdown::Write).unwrap();
            }
            let error = end(&mut ours).await;
            assert_eq!(error.kind(), kind, "{name}: {error}");
            assert_eq!(raw::open(), connected, "{name}: they are closed with the error");
        }
        assert_eq!(raw::open(), before);
    });
}

/// The peer of one who passes descriptors may know nothing of them.
#[test]
fn a_plain_connection_ignores_them() {
    role::must_pass("ignores descriptors");
}

pub(crate) fn ignores_descriptors() {
    role::block_on(async {
        let (ours, mut theirs) = unix::pair().unwrap();
        let mut ours = ours.detailed().unwrap();
        let files = raw::memfds(16);
        let before = Census::take();
        for i in 0..300 {
            let clones = files[..i % 17].iter().map(|file| file.try_clone().unwrap());
            ours.send(Outgoing::new("plain").with_all(clones)).await.unwrap();
            assert_eq!(within(theirs.next()).await.unwrap().unwrap(), "plain");
        }
        before.assert_back();
    });
}

#[test]
fn where_no_descriptor_is_left_some_arrive_and_all_are_closed() {
    role::must_pass("has no descriptor left");
}

pub(crate) fn has_no_descriptor_left() {
    role::block_on(async {
        for room in 0..8 {
            let before = raw::open();
            let (mut ours, mut theirs) = pair();
            ours.send(Outgoing::new("in front")).await.unwrap();
            ours.send(Outgoing::new("eight").with_all(nulls(8))).await.unwrap();
            ours.send(Outgoing::new("behind")).await.unwrap();

            let usual = getrlimit(Resource::Nofile);
            let open = raw::open();
            // The lowest number that is free, with room for so many behind it.
            let next = null().as_raw_fd() as u64;
            let current = Some(next + room);
            setrlimit(Resource::Nofile, Rlimit { current, maximum: usual.maximum }).unwrap();
            let first = within(theirs.next()).await;
            let then = within(theirs.next()).await;
            let last = within(theirs.next()).await;
            setrlimit(Resource::Nofile, usual).unwrap();

            assert_eq!(first.unwrap().unwrap().body(), "in front");
            let error = then.expect("an error").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exhausted, "room for {room}: {error}");
            assert!(error.to_string().contains("open files"), "what to do: {error}");
            assert!(last.is_none());
            assert_eq!(raw::open(), open, "room for {room}: they are closed with the error");
            drop((ours, theirs));
            assert_eq!(raw::open(), before);
        }
    });
}

#[test]
fn too_many_on_their_way_are_sent_later() {
    role::must_pass("has too many in flight");
}

pub(crate) fn has_too_many_in_flight() {
    // What others of our user have on their way counts as well, and may arrive at any time.
    let alone = rustix::process::geteuid().is_root();
    if alone {
        // Root has no such limit; a user whom nobody else is has one of its own.
        let nobody_else = 50_000 + std::process::id() % 10_000;
        let user = rustix::process::Uid::from_raw(nobody_else);
        rustix::thread::set_thread_res_uid(user, user, user).unwrap();
    }
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(60), maximum }).unwrap();
    role::block_on(async {
        let (mut ours, mut theirs) = pair();
        let before = raw::open();
        let (mut sent, mut met) = (0, 0);
        while met < 5 {
            let message = Outgoing::new(format!("{sent}")).with_all(nulls(7));
            sent += 1;
            if let Err(error) = ours.send(message).await {
                assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
                assert!(error.is_retryable());
                assert!(error.to_string().contains("flush again"), "what to do: {error}");
                met += 1;
                // What is refused is not lost, nor is it sent twice.
                ours.feed(Outgoing::new("plain")).await.unwrap();
                let again = ours.flush().await;
                assert!(again.is_err() || !alone, "nothing was received meanwhile");
                for i in 0..sent {
                    let refused = i + 1 == sent;
                    if refused {
                        flushed(&mut ours).await;
                    }
                    let received = within(theirs.next()).await.unwrap().unwrap();
                    let (body, _) = received.exactly::<7>().unwrap();
                    assert_eq!(body, format!("{i}"));
                }
                hears(&mut theirs, "plain").await;
                sent = 0;
            }
            assert!(sent < 100, "there is no limit");
        }
        assert_eq!(raw::open(), before);
    });
}

/// Flushes until others of our user have received theirs as well.
async fn flushed(ours: &mut Detailed) {
    within(async {
        while ours.flush().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}
