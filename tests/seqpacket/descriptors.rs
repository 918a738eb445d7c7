//! Descriptors beside messages.

use std::{
    fs::File,
    io::{IoSlice, Read, Seek, Write},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use framewire::{
    ErrorKind, unix,
    unix::{Outgoing, seqpacket},
};
use futures::{SinkExt, StreamExt};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use super::common::{Census, role, within};

fn pair(most: usize) -> (seqpacket::Connection, seqpacket::Detailed) {
    let options = unix::Options::new().max_descriptors(most).max_len(10_000).seqpacket();
    let (raw, ours) = options.pair().unwrap();
    (raw, ours.detailed())
}

/// Sends as a program would that calls the system itself.
fn send_raw(
    to: &seqpacket::Connection,
    body: &[u8],
    parts: &[Vec<BorrowedFd<'_>>],
) -> rustix::io::Result<usize> {
    let mut room = [MaybeUninit::uninit(); 16 * 1024];
    let mut control = SendAncillaryBuffer::new(&mut room);
    for part in parts {
        assert!(control.push(SendAncillaryMessage::ScmRights(part)));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::sendmsg(to.get_ref().as_fd(), &[IoSlice::new(body)], &mut control, flags)
}

#[tokio::test]
async fn they_come_with_their_message() {
    let (ours, theirs) = seqpacket::pair().unwrap();
    let (mut ours, mut theirs) = (ours.detailed(), theirs.detailed());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"in the file").unwrap();
    file.rewind().unwrap();
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();

    ours.feed(Outgoing::new("none")).await.unwrap();
    ours.feed(Outgoing::new("").with(file).with(socket)).await.unwrap();
    ours.send(Outgoing::new("a body")).await.unwrap();
    drop(ours);

    let (body, []) = theirs.next().await.unwrap().unwrap().exactly().unwrap();
    assert_eq!(body, "none");
    let (body, [file, _socket]): (_, [OwnedFd; 2]) =
        theirs.next().await.unwrap().unwrap().exactly().unwrap();
    assert_eq!(body, "", "an empty message carries them too");
    let mut read = String::new();
    File::from(file).read_to_string(&mut read).unwrap();
    assert_eq!(read, "in the file");
    assert_eq!(theirs.next().await.unwrap().unwrap().descriptors().len(), 0);
    assert!(theirs.next().await.is_none());
}

#[tokio::test]
async fn too_many_are_refused_at_either_end() {
    let (raw, mut ours) = pair(2);
    let null = File::open("/dev/null").unwrap();
    let three = || (0..3).map(|_| null.try_clone().unwrap());
    let refused = ours.send(Outgoing::new("three").with_all(three())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");

    send_raw(&raw, b"three", &[vec![null.as_fd(); 3]]).unwrap();
    let refused = ours.next().await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "{refused}");
    assert!(ours.next().await.is_none(), "one error, then the end");
}

/// Who does not ask for descriptors gets none, and keeps none.
pub(crate) fn ignores_and_survives() {
    role::block_on(async {
        let null = File::open("/dev/null").unwrap();
        let before = Census::take();
        {
            let (raw, mut ours) = seqpacket::pair().unwrap();
            for n in 0..100 {
                send_raw(&raw, b"with some", &[vec![null.as_fd(); 1 + n % 50]]).unwrap();
                assert_eq!(ours.next().await.unwrap().unwrap(), "with some");
            }
        }
        before.assert_back();

        let mut seed = 1_u64;
        let mut below = move |end: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((seed >> 33) % end) as usize
        };
        let (mut messages, mut errors) = (0, 0);
        for _ in 0..20_000 {
            let (raw, mut ours) = pair([0, 1, 16, 253][below(4)]);
            for _ in 0..1 + below(4) {
                let body = vec![7; [0, 1, 100, 10_000, 10_001][below(5)]];
                let parts: Vec<_> = (0..below(3))
                    .map(|_| vec![null.as_fd(); [0, 1, 2, 16, 17, 253, 254][below(7)]])
                    .collect();
                // What the kernel refuses does not come.
                let _ = send_raw(&raw, &body, &parts);
            }
            if below(4) > 0 {
                drop(raw);
                while let Some(next) = within(ours.next()).await {
                    match next {
                        Ok(_) => messages += 1,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
                            errors += 1;
                        }
                    }
                }
            }
        }
        assert!(messages > 5000 && errors > 1000, "{messages} messages, {errors} errors");
        before.assert_back();
    });
}

#[test]
fn none_is_left_of_a_hostile_peers() {
    role::must_pass("gets descriptors");
}
