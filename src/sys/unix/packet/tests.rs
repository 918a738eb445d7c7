//! What who shares a socket may ask the kernel for, and what comes then.

use std::io::{ErrorKind, IoSlice};

use bytes::BytesMut;

use super::{super::ancillary::send_with, *};

/// Linux from 6.5, and not in the C library's headers.
const SO_PASSPIDFD: libc::c_int = 76;

fn set(socket: &OwnedFd, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    let (fd, level, value) = (socket.as_raw_fd(), libc::SOL_SOCKET, (&raw const value).cast());
    // SAFETY: `value` is to a local of `len` bytes, which the kernel only reads.
    let answer = unsafe { libc::setsockopt(fd, level, option, value, len) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn receive(socket: &OwnedFd) -> Packet {
    recv_packet(socket.as_fd(), &mut BytesMut::with_capacity(100), false).unwrap()
}

/// Whoever passes descriptors to who has not asked for any must not fill this process with them.
#[test]
fn descriptors_are_closed_whatever_was_switched_off() {
    for also in [libc::SO_PASSCRED, libc::SO_TIMESTAMP, libc::SO_RXQ_OVFL, SO_PASSPIDFD] {
        let (ours, theirs) = packet_pair(SocketType::SEQPACKET).unwrap();
        set(&ours, libc::SO_PASSCRED, 0).unwrap();
        let value = i32::from(also != libc::SO_PASSCRED);
        if set(&ours, also, value).is_err() {
            // This kernel does not know it.
            continue;
        }
        let (read_end, write_end) = super::super::pipe().unwrap();
        let passed = [write_end.as_fd(); 3];
        send_with(theirs.as_fd(), &[IoSlice::new(b"!")], &passed).unwrap();
        assert_eq!(receive(&ours).len, 1);
        drop(write_end);
        super::super::set_nonblocking(read_end.as_fd()).unwrap();
        let end = rustix::io::read(&read_end, &mut [0; 1]);
        // A write end that is still open somewhere makes it wait.
        assert_eq!(end.map_err(|errno| io::Error::from(errno).kind()), Ok(0), "with {also}");
    }
}

/// A time takes the room of the credentials.
#[test]
fn an_empty_message_is_no_end_whatever_was_switched_on() {
    for also in [libc::SO_TIMESTAMP, libc::SO_TIMESTAMPNS, libc::SO_PASSSEC, SO_PASSPIDFD] {
        let (ours, theirs) = packet_pair(SocketType::SEQPACKET).unwrap();
        if set(&ours, also, 1).is_err() {
            continue;
        }
        send_with(theirs.as_fd(), &[IoSlice::new(b"")], &[]).unwrap();
        send_with(theirs.as_fd(), &[IoSlice::new(b"")], &[theirs.as_fd()]).unwrap();
        assert!(!receive(&ours).is_end(), "with {also}");
        assert!(!receive(&ours).is_end(), "with {also}");
        let nothing = recv_packet(ours.as_fd(), &mut BytesMut::new(), false).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        drop(theirs);
        assert!(receive(&ours).is_end(), "with {also}");
    }
}
