//! Buffers of anybody's making, and what the kernel really writes.

use std::os::{
    fd::{AsFd, IntoRawFd},
    unix::net::UnixStream,
};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_getfd};

use super::*;

/// A part as a kernel writes it, but for what its header says of its length.
fn laid(len: usize, level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    // SAFETY: it is integers.
    let mut header: libc::cmsghdr = unsafe { mem::zeroed() };
    header.cmsg_len = len as _;
    (header.cmsg_level, header.cmsg_type) = (level, kind);
    let mut bytes = vec![0; HEADER];
    // SAFETY: `bytes` is as long as a padded header, and need not be aligned.
    unsafe { ptr::write_unaligned(bytes.as_mut_ptr().cast(), header) };
    bytes.extend_from_slice(data);
    bytes.resize(space(data.len()), 0xff);
    bytes
}

fn rights(numbers: &[RawFd]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    laid(HEADER + data.len(), libc::SOL_SOCKET, libc::SCM_RIGHTS, &data)
}

fn numbers_in(control: &[u8]) -> Vec<RawFd> {
    let mut found = Vec::new();
    for part in parts(control) {
        if let Part::Descriptors(data) = part {
            found.extend(numbers(data));
        }
    }
    found
}

#[test]
fn parts_are_found_wherever_the_buffer_lies() {
    let unknown = laid(HEADER + 5, 4711, 4712, b"12345");
    let control = [rights(&[7]), unknown, rights(&[8, 9, 10]), rights(&[])].concat();
    for shift in 0..16 {
        let mut shifted = vec![0xee; shift];
        shifted.extend_from_slice(&control);
        assert_eq!(numbers_in(&shifted[shift..]), [7, 8, 9, 10], "shifted by {shift}");
    }
    for cut in 0..=control.len() {
        let found = numbers_in(&control[..cut]);
        assert!([7, 8, 9, 10].starts_with(&found), "{found:?} in {cut} bytes");
    }
}

#[test]
fn a_length_that_lies_makes_nothing_up() {
    let data = [1, 2, 3].map(i32::to_ne_bytes).concat();
    let behind = rights(&[4]);
    let all = |len: usize| {
        let first = laid(len, libc::SOL_SOCKET, libc::SCM_RIGHTS, &data);
        numbers_in(&[first, behind.clone()].concat())
    };
    for short in 0..HEADER {
        assert!(all(short).is_empty(), "{short} bytes are no header");
    }
    assert!(all(HEADER).is_empty(), "what follows is no header of descriptors");
    assert_eq!(all(HEADER + 11), [1, 2, 4], "what is cut is no number");
    assert_eq!(all(HEADER + 12), [1, 2, 3, 4]);
    for long in [data.len() + 1000, u32::MAX as usize, usize::MAX >> 1, usize::MAX] {
        let found = all(HEADER.saturating_add(long));
        assert!(found.len() <= (data.len() + behind.len() + ALIGN) / NUMBER, "{found:?}");
        // A kernel with shorter headers keeps less of such a length.
        assert!(found.is_empty() || found.starts_with(&[1, 2, 3]), "{found:?}");
    }
}

#[test]
fn garbage_ends() {
    let mut state = 1_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let mut control: Vec<u8> = (0..random() % 200).map(|_| random() as u8).collect();
        // Often lengths that are about right.
        for at in (0..control.len()).step_by(8) {
            if random() % 2 == 0 {
                control[at..].iter_mut().take(8).for_each(|byte| *byte = 0);
                control[at] = random() as u8 % 64;
            }
        }
        let found = numbers_in(&control);
        assert!(found.len() <= control.len() / NUMBER);
        assert!(parts(&control).count() <= control.len() / HEADER + 1);
    }
}

fn same_file(one: impl AsFd, other: impl AsFd) -> bool {
    let (one, other) = (rustix::fs::fstat(one).unwrap(), rustix::fs::fstat(other).unwrap());
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

#[test]
fn what_is_sent_arrives_and_is_close_on_exec() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let passed = [ours.as_fd(), theirs.as_fd(), ours.as_fd()];
    let mut control = ControlBuffer::new(MAX_DESCRIPTORS);
    let mut into = [MaybeUninit::uninit(); 16];
    // Once more than the buffer is used for the first time.
    for _ in 0..3 {
        let pieces = [IoSlice::new(b"he"), IoSlice::new(b"llo")];
        assert_eq!(send_with(theirs.as_fd(), &pieces, &passed).unwrap(), 5);
        let arrived = recv_with(ours.as_fd(), &mut into, &mut control).unwrap();
        assert_eq!((arrived.len, arrived.cut, arrived.descriptors_cut), (5, false, false));
        assert_eq!(arrived.descriptors.len(), passed.len());
        for (arrived, passed) in arrived.descriptors.iter().zip(passed) {
            assert!(same_file(arrived, passed));
            assert!(fcntl_getfd(arrived).unwrap().contains(FdFlags::CLOEXEC));
        }

        assert_eq!(send_with(theirs.as_fd(), &pieces, &[]).unwrap(), 5);
        let arrived = recv_with(ours.as_fd(), &mut into, &mut control).unwrap();
        assert_eq!((arrived.len, arrived.descriptors_cut), (5, false));
        assert_eq!(arrived.descriptors.capacity(), 0, "nothing is allocated");
        assert_eq!(arrived.credentials, None);
    }
    let nothing = recv_with(ours.as_fd(), &mut into, &mut control).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn as_many_as_one_call_takes_arrive_and_one_more_is_refused() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut control = ControlBuffer::new(usize::MAX);
    let mut into = [MaybeUninit::uninit(); 16];
    let byte = [IoSlice::new(b"!")];
    let most = [ours.as_fd(); MAX_DESCRIPTORS];
    assert_eq!(send_with(theirs.as_fd(), &byte, &most).unwrap(), 1);
    let arrived = recv_with(ours.as_fd(), &mut into, &mut control).unwrap();
    assert_eq!(arrived.descriptors.len(), MAX_DESCRIPTORS);
    assert!(!arrived.descriptors_cut);

    let more = [ours.as_fd(); MAX_DESCRIPTORS + 1];
    assert!(send_with(theirs.as_fd(), &byte, &more).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn what_there_is_no_room_for_is_told_of() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut control = ControlBuffer::new(2);
    let mut into = [MaybeUninit::uninit(); 16];
    let many = [ours.as_fd(); 200];
    send_with(theirs.as_fd(), &[IoSlice::new(b"!")], &many).unwrap();
    let arrived = recv_with(ours.as_fd(), &mut into, &mut control).unwrap();
    assert!(arrived.descriptors_cut);
    assert!((2..36).contains(&arrived.descriptors.len()), "{}", arrived.descriptors.len());
}

#[test]
#[cfg(target_os = "linux")]
fn credentials_come_where_they_are_asked_for() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    rustix::net::sockopt::set_socket_passcred(&ours, true).unwrap();
    let mut control = ControlBuffer::new(MAX_DESCRIPTORS);
    let mut into = [MaybeUninit::uninit(); 16];
    let most = [ours.as_fd(); MAX_DESCRIPTORS];
    send_with(theirs.as_fd(), &[IoSlice::new(b"!")], &most).unwrap();
    let arrived = recv_with(ours.as_fd(), &mut into, &mut control).unwrap();
    assert_eq!(arrived.descriptors.len(), MAX_DESCRIPTORS);
    assert!(!arrived.descriptors_cut);
    let us = Credentials {
        pid: std::process::id(),
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
    };
    assert_eq!(arrived.credentials, Some(us));
}

/// A listener that was made elsewhere can have its connections bring more than we ask for.
#[test]
#[cfg(target_os = "linux")]
fn what_nobody_here_asked_for_leaves_room() {
    let kind = rustix::net::SocketType::SEQPACKET;
    // A pid descriptor's option is from Linux 6.5, and not in the C library's headers.
    for option in [libc::SO_PASSCRED, libc::SO_TIMESTAMP, libc::SO_TIMESTAMPNS, 76] {
        for asked in [1, 2, 16, MAX_DESCRIPTORS] {
            let (ours, theirs) = super::super::packet_pair(kind).unwrap();
            let (on, level): (libc::c_int, _) = (1, libc::SOL_SOCKET);
            let (value, len) = ((&raw const on).cast(), size_of_val(&on) as _);
            // SAFETY: `value` is to a local of `len` bytes, which the kernel only reads.
            if unsafe { libc::setsockopt(ours.as_raw_fd(), level, option, value, len) } != 0 {
                // This kernel does not know it.
                continue;
            }
            let mut control = ControlBuffer::new(asked);
            let mut into = [MaybeUninit::uninit(); 16];
            let passed = vec![ours.as_fd(); asked];
            send_with(theirs.as_fd(), &[IoSlice::new(b"!")], &passed).unwrap();
            let arrived = recv_with(ours.as_fd(), &mut into, &mut control).unwrap();
            assert_eq!(arrived.descriptors.len(), asked, "with option {option}");
            assert!(!arrived.descriptors_cut, "{asked} with option {option}");
            assert!(arrived.credentials.is_some(), "{asked} with option {option}");
        }
    }
}

/// A descriptor of the sender's process that only who shares our socket can have asked for.
#[test]
#[cfg(target_os = "linux")]
fn what_nobody_here_asked_for_is_closed() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    // Numbers that no other test comes by.
    let [wanted, unwanted] = [900, 950].map(|from| fcntl_dupfd_cloexec(&ours, from).unwrap());
    let [wanted, unwanted] = [wanted, unwanted].map(IntoRawFd::into_raw_fd);
    let process = laid(HEADER + NUMBER, libc::SOL_SOCKET, 4, &unwanted.to_ne_bytes());
    let control = [process, rights(&[-1, wanted])].concat();
    // SAFETY: both numbers are open, were given up above, and come here once.
    let (descriptors, _) = unsafe { take_over(&control) };
    assert_eq!(descriptors.iter().map(AsRawFd::as_raw_fd).collect::<Vec<_>>(), [wanted]);
    // SAFETY: it is only asked whether there is such a descriptor.
    let gone = unsafe { BorrowedFd::borrow_raw(unwanted) };
    assert_eq!(fcntl_getfd(gone), Err(Errno::BADF));
}
