//! Who is at the other end of a Unix socket.

#![allow(unsafe_code)]

use std::{io, os::fd::BorrowedFd};

use interprocess::{local_socket::traits::StreamCommon, os::unix::uds_local_socket::Stream};
use rustix::{io::Errno, net::AddressFamily};

use crate::Peer;

/// The credentials of the peer, and a descriptor of its process if `pidfd` asks for it.
pub(crate) fn peer(stream: &Stream, pidfd: bool) -> io::Result<Peer> {
    let creds = stream.peer_creds()?;
    let process = if pidfd { self::pidfd(stream)?.map(Into::into) } else { None };
    Ok(Peer {
        uid: creds.euid(),
        gid: creds.egid(),
        // A peer outside our process namespace has pid 0.
        pid: creds.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0),
        pidfd: process,
        ..Peer::default()
    })
}

/// `SO_PEERPIDFD`, Linux from 6.5; unix(7).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn pidfd(stream: &Stream) -> io::Result<Option<std::os::fd::OwnedFd>> {
    use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

    const SO_PEERPIDFD: libc::c_int = 77;
    let mut fd: libc::c_int = -1;
    let mut len = size_of_val(&fd) as libc::socklen_t;
    // SAFETY: the two pointers are to locals that live through the call, and `len` says how many
    // bytes the kernel may write to `fd`.
    let answer = unsafe {
        libc::getsockopt(
            stream.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PEERPIDFD,
            (&raw mut fd).cast(),
            &raw mut len,
        )
    };
    if answer == 0 {
        // SAFETY: the kernel has made this descriptor for us just now (close-on-exec, as all
        // pidfds), and nobody else knows its number.
        return Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // An older kernel; a process that had ended already, or that the kernel did not note.
        Some(libc::ENOPROTOOPT | libc::EINVAL | libc::ESRCH | libc::ENODATA) => Ok(None),
        _ => Err(error),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn pidfd(_: &Stream) -> io::Result<Option<std::os::fd::OwnedFd>> {
    Ok(None)
}

/// Whether this socket has a peer.
pub(crate) fn is_connected(fd: BorrowedFd<'_>) -> io::Result<bool> {
    match rustix::net::getpeername(fd) {
        Ok(_) => Ok(true),
        Err(Errno::NOTCONN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether this is a Unix socket.
pub(crate) fn is_unix(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(rustix::net::getsockname(fd)?.address_family() == AddressFamily::UNIX)
}

/// Whether there are abstract socket names here.
pub(crate) const HAS_ABSTRACT_NAMES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Whether fchmod(2) on a socket gives its name that mode before it exists.
pub(crate) const SOCKETS_HAVE_MODES: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Whether the process that a pidfd is of has ended: pidfd_open(2).
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_ended(process: BorrowedFd<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut watched = [PollFd::from_borrowed_fd(process, PollFlags::IN)];
    matches!(poll(&mut watched, Some(&Timespec::default())), Ok(ready) if ready > 0)
}
