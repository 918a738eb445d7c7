//! Messages of Unix sockets that keep their boundaries: `SOCK_SEQPACKET` and `SOCK_DGRAM`.

#![allow(unsafe_code)]

use std::{
    io,
    mem::{MaybeUninit, offset_of, zeroed},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use bytes::BytesMut;
use rustix::{
    fs,
    net::{
        self, AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, addr::SocketAddrStorage,
    },
};

use super::ancillary::{self, Credentials};
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::ancillary::{Arrived, ControlBuffer, recv_with};

/// What the kernel keeps of a send buffer for itself: a message may have the rest.
/// (`unix_dgram_sendmsg` in Linux's net/unix/af_unix.c)
#[cfg(any(target_os = "linux", target_os = "android"))]
const KEPT: usize = 32;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const KEPT: usize = 0;

/// Room for the control message of the credentials: 16 bytes of header, 12 of body, 4 of padding.
/// There is none left for descriptors, which the kernel then does not open here.
#[repr(C, align(8))]
struct Control([u8; 32]);

/// Whether the kernel says of each message who sent it.
pub(crate) const MESSAGES_HAVE_CREDENTIALS: bool =
    cfg!(any(target_os = "linux", target_os = "android"));

/// What one recvmsg(2) brought.
#[derive(Debug)]
pub(crate) struct Packet {
    /// The length of the message; more than there was room for where it was cut off.
    pub(crate) len: usize,
    /// `None` where the kernel said nothing.
    pub(crate) credentials: Option<Credentials>,
    /// How many messages the kernel has dropped on this socket for want of room, in all, where it
    /// says so; the count wraps.
    pub(crate) dropped: Option<u32>,
    /// Where it came from; `None` where the sender's socket has no name, or one that no address
    /// has room for.
    pub(crate) from: Option<SocketAddrAny>,
    /// The kernel had more to say than there was room for.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    pub(crate) more: bool,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Packet {
    /// Whether it is the end of a connection whose messages carry credentials, and no message.
    #[inline]
    pub(crate) fn is_end(&self) -> bool {
        // What else who shares the socket has asked for can have taken their room.
        self.len == 0 && self.credentials.is_none() && !self.more
    }
}

/// A socket of this type, close-on-exec, whose messages carry their sender's credentials.
pub(crate) fn packet_socket(kind: SocketType) -> io::Result<OwnedFd> {
    let socket = socket(kind)?;
    carry_credentials(socket.as_fd())?;
    Ok(socket)
}

/// Binds to an address; a socket file has this mode before it has its name.
pub(crate) fn bind_with_mode(
    socket: BorrowedFd<'_>,
    address: &SocketAddrUnix,
    mode: u32,
) -> io::Result<()> {
    if super::SOCKETS_HAVE_MODES {
        // The cast narrows to 16 bits on some platforms; a mode has 12.
        let mode = fs::Mode::from_raw_mode((mode & 0o7777) as fs::RawMode);
        fs::fchmod(socket, mode)?;
    }
    Ok(net::bind(socket, address)?)
}

/// listen(2). On a socket that is listened on already it has those who connect see this process as
/// their peer, and so many of them wait.
pub(crate) fn listen(socket: BorrowedFd<'_>, backlog: u32) -> io::Result<()> {
    Ok(net::listen(socket, backlog.min(i32::MAX as u32) as i32)?)
}

/// accept(2), close-on-exec
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn accept(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(net::accept_with(socket, net::SocketFlags::CLOEXEC)?)
}

/// accept(2). Apple has no call that makes it close-on-exec at once.
#[cfg(target_vendor = "apple")]
pub(crate) fn accept(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let accepted = net::accept(socket)?;
    rustix::io::fcntl_setfd(&accepted, rustix::io::FdFlags::CLOEXEC)?;
    Ok(accepted)
}

/// An abstract name as an address; only Linux has them.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn abstract_address(name: &str) -> io::Result<SocketAddrUnix> {
    Ok(SocketAddrUnix::new_abstract_name(name.as_bytes())?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn abstract_address(_: &str) -> io::Result<SocketAddrUnix> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux has abstract socket names"))
}

/// Two connected ones.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn packet_pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        net::socketpair(AddressFamily::UNIX, kind, net::SocketFlags::CLOEXEC, None)?;
    carry_credentials(ours.as_fd())?;
    carry_credentials(theirs.as_fd())?;
    Ok((ours, theirs))
}

#[cfg(not(target_vendor = "apple"))]
fn socket(kind: SocketType) -> io::Result<OwnedFd> {
    let flags = net::SocketFlags::CLOEXEC | net::SocketFlags::NONBLOCK;
    Ok(net::socket_with(AddressFamily::UNIX, kind, flags, None)?)
}

/// Apple has no call that does all.
#[cfg(target_vendor = "apple")]
fn socket(kind: SocketType) -> io::Result<OwnedFd> {
    let socket = net::socket(AddressFamily::UNIX, kind, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    super::set_nonblocking(socket.as_fd())?;
    Ok(socket)
}

/// Has each message that is received carry its sender's credentials, which tells an empty message
/// from the end of a connection: that carries none.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn carry_credentials(socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(net::sockopt::set_socket_passcred(socket, true)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn carry_credentials(_: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

/// Has the kernel count the messages that it drops for want of room, and tell the count.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn count_dropped(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    let len = size_of_val(&on) as libc::socklen_t;
    let value = (&raw const on).cast();
    // SAFETY: `value` is to a local of `len` bytes, which the kernel only reads.
    let answer = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RXQ_OVFL, value, len)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn count_dropped(_: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

/// sendto(2), without waiting: the whole message or nothing.
#[inline]
pub(crate) fn send_to(
    socket: BorrowedFd<'_>,
    message: &[u8],
    to: &SocketAddrAny,
) -> io::Result<()> {
    net::sendto(socket, message, super::bytes::SEND, to)?;
    Ok(())
}

/// The largest message that this socket sends, in bytes; the send buffer is made larger where it
/// can be and `wanted` asks for it.
pub(crate) fn fit_send_buffer(socket: BorrowedFd<'_>, wanted: Option<usize>) -> io::Result<usize> {
    let limit = |size: usize| size.saturating_sub(KEPT);
    let size = net::sockopt::socket_send_buffer_size(socket)?;
    match wanted {
        Some(wanted) if wanted > limit(size) => {
            // Linux doubles what it is asked for, after it has cut it down to the system's limit.
            let _ = net::sockopt::set_socket_send_buffer_size(socket, wanted.saturating_add(KEPT));
            Ok(limit(net::sockopt::socket_send_buffer_size(socket)?).min(wanted))
        }
        Some(wanted) => Ok(wanted),
        None => Ok(limit(size)),
    }
}

/// recvmsg(2), without waiting, into the spare capacity of an empty buffer. What does not fit is
/// gone, and `len` tells of it; descriptors that came along were not asked for and are closed.
#[inline]
pub(crate) fn recv_packet(
    fd: BorrowedFd<'_>,
    into: &mut BytesMut,
    named: bool,
) -> io::Result<Packet> {
    into.clear();
    let spare = into.spare_capacity_mut();
    let room = spare.len();
    let mut control = Control([0; 32]);
    let mut name = MaybeUninit::<SocketAddrStorage>::uninit();
    let mut slice = libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: room };
    // SAFETY: a `msghdr` is numbers and pointers, for all of which zero is a value.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = &raw mut slice;
    header.msg_iovlen = 1;
    if cfg!(any(target_os = "linux", target_os = "android")) {
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = control.0.len() as _;
    }
    if named {
        header.msg_name = name.as_mut_ptr().cast();
        header.msg_namelen = size_of_val(&name) as _;
    }
    // On Linux this answers a message's whole length whatever there was room for.
    let flags = ancillary::RECV | libc::MSG_TRUNC;
    // SAFETY: the header's pointers are to `spare`, `control` and `name`, which live through the
    // call, each with its length; the kernel only writes to them.
    let len = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags) };
    let Ok(len) = usize::try_from(len) else { return Err(io::Error::last_os_error()) };
    // SAFETY: the kernel has written so many bytes of the spare capacity.
    unsafe { into.set_len(len.min(room)) };
    // Elsewhere it answers how much it has filled.
    let cut_off = header.msg_flags & libc::MSG_TRUNC != 0;
    let len = if cut_off { len.max(room + 1) } else { len };
    let from = if named { address(&name, header.msg_namelen) } else { None };
    let written = control.0.len().min(header.msg_controllen as _);
    // Where somebody has switched the credentials off, there was room for a few descriptors.
    // SAFETY: this is what the call above has written for its one message, and it is here for the
    // first time that anybody looks at it.
    let (credentials, dropped) = unsafe { ancillary::beside(&control.0[..written]) };
    let more = header.msg_flags & libc::MSG_CTRUNC != 0;
    Ok(Packet { len, credentials, dropped, from, more })
}

/// The same for a connected socket, with the descriptors that come beside the message.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn recv_packet_with(
    fd: BorrowedFd<'_>,
    into: &mut BytesMut,
    control: &mut ControlBuffer,
) -> io::Result<Arrived> {
    into.clear();
    let arrived = recv_with(fd, into.spare_capacity_mut(), control)?;
    // SAFETY: the kernel has written so many bytes of the spare capacity.
    unsafe { into.set_len(arrived.len) };
    Ok(arrived)
}

fn address(name: &MaybeUninit<SocketAddrStorage>, len: libc::socklen_t) -> Option<SocketAddrAny> {
    let size = len as usize;
    if size <= size_of::<libc::sa_family_t>() || size > size_of_val(name) {
        return None;
    }
    // SAFETY: the kernel has written `len` bytes of an address there, its family included.
    let address = unsafe { SocketAddrAny::read(name.as_ptr(), len) };
    let is_unix = address.address_family() == AddressFamily::UNIX;
    // Linux binds paths that fill an address to the last byte, and tells them with a zero behind:
    // such an address is longer than any that a message can be sent to.
    let usable = !is_unix || (size <= UNIX && unix_name(&address).is_some());
    usable.then_some(address)
}

/// The longest address of a Unix socket.
const UNIX: usize = size_of::<libc::sockaddr_un>();

/// The name in a Unix socket's address, as it stands there: a path with or without zeros behind it,
/// or on Linux a zero and an abstract name.
pub(crate) fn unix_name(address: &SocketAddrAny) -> Option<&[u8]> {
    if address.address_family() != AddressFamily::UNIX {
        return None;
    }
    let first = address.as_ptr().cast::<u8>();
    // SAFETY: so many bytes of an address are there and written, for as long as it is borrowed.
    let bytes = unsafe { std::slice::from_raw_parts(first, address.addr_len() as usize) };
    let name = bytes.get(offset_of!(libc::sockaddr_un, sun_path)..)?;
    let named = super::HAS_ABSTRACT_NAMES || name.first() != Some(&0);
    (named && !name.is_empty()).then_some(name)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
