//! Non-blocking reads and writes of byte streams.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::BorrowedFd,
};

use rustix::net::{self, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

/// Set on each send: a peer that is gone is an error here and not a signal. Apple has no such
/// flag; Rust programs ignore SIGPIPE there as everywhere.
#[cfg(not(target_vendor = "apple"))]
pub(super) const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
pub(super) const SEND: SendFlags = SendFlags::DONTWAIT;

/// `IOV_MAX`, the same wherever there is one: with more slices, sendmsg(2) fails with `EMSGSIZE`.
pub(super) const SLICES: usize = 1024;

/// recv(2)
#[inline]
pub(crate) fn recv(fd: BorrowedFd<'_>, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    let ((filled, _), _) = net::recv(fd, into, RecvFlags::DONTWAIT)?;
    Ok(filled.len())
}

/// read(2), on a descriptor that is `O_NONBLOCK`
#[inline]
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    let (filled, _) = rustix::io::read(fd, into)?;
    Ok(filled.len())
}

/// send(2)
#[inline]
pub(crate) fn send(fd: BorrowedFd<'_>, from: &[u8]) -> io::Result<usize> {
    Ok(net::send(fd, from, SEND)?)
}

/// sendmsg(2); of more slices than it takes, the first.
#[inline]
pub(crate) fn send_vectored(fd: BorrowedFd<'_>, from: &[IoSlice<'_>]) -> io::Result<usize> {
    let from = &from[..from.len().min(SLICES)];
    Ok(net::sendmsg(fd, from, &mut SendAncillaryBuffer::default(), SEND)?)
}

/// write(2), on a descriptor that is `O_NONBLOCK`
#[inline]
pub(crate) fn write(fd: BorrowedFd<'_>, from: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(fd, from)?)
}

/// writev(2), on a descriptor that is `O_NONBLOCK`; rustix hands on as many slices as it takes.
#[inline]
pub(crate) fn write_vectored(fd: BorrowedFd<'_>, from: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(rustix::io::writev(fd, from)?)
}

/// Takes nothing in any more: whoever sends to it learns that.
pub(crate) fn shutdown_read(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(net::shutdown(fd, Shutdown::Read)?)
}

/// Ends our direction of a socket; the other goes on.
pub(crate) fn shutdown_write(fd: BorrowedFd<'_>) -> io::Result<()> {
    match net::shutdown(fd, Shutdown::Write) {
        // The peer has ended both directions already.
        Err(rustix::io::Errno::NOTCONN) => Ok(()),
        other => Ok(other?),
    }
}

/// Sets `O_NONBLOCK`.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    Ok(rustix::fs::fcntl_setfl(fd, flags | rustix::fs::OFlags::NONBLOCK)?)
}

/// Asks for a pipe that holds this many bytes; where that is not to be had, it stays as it is.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn grow_pipe(fd: BorrowedFd<'_>, bytes: usize) {
    // Refused where the user's share of pipe pages is used up: slower, and no error.
    let _ = rustix::pipe::fcntl_setpipe_size(fd, bytes);
}

/// Only Linux lets a program size its pipes.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn grow_pipe(_: BorrowedFd<'_>, _: usize) {}
