//! What comes beside the bytes of a Unix socket: descriptors and credentials.

#![allow(unsafe_code)]

use std::{
    fmt,
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use rustix::{
    cmsg_space,
    io::Errno,
    net::{self, SendAncillaryBuffer, SendAncillaryMessage},
};

use super::bytes::{SEND, SLICES};

/// The most descriptors that one call passes: Linux's `SCM_MAX_FD`. See unix(7).
pub(crate) const MAX_DESCRIPTORS: usize = 253;

/// Whether the first byte of the read that brings descriptors is the first byte of the call that
/// sent them. So it is on the BSDs. On Linux bytes of calls before it can come in front, but none
/// of a later call behind.
pub(crate) const DESCRIPTORS_COME_FIRST: bool =
    !cfg!(any(target_os = "linux", target_os = "android"));

/// Descriptors are close-on-exec from the moment they are here, where the kernel can do that.
#[cfg(not(target_vendor = "apple"))]
pub(super) const RECV: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
pub(super) const RECV: libc::c_int = libc::MSG_DONTWAIT;

/// A header as it stands in front of its data, padded.
const HEADER: usize = {
    // SAFETY: it is arithmetic.
    let len = unsafe { libc::CMSG_LEN(0) };
    len as usize
};
/// What headers and data are padded to.
const ALIGN: usize = {
    // SAFETY: it is arithmetic.
    let one_byte = unsafe { libc::CMSG_SPACE(1) };
    one_byte as usize - HEADER
};

/// A descriptor's number, and each of the three that credentials are, in bytes.
const NUMBER: usize = size_of::<RawFd>();
const CREDENTIALS: usize = space(3 * NUMBER);
/// What else who has made or shares the socket can have asked for: when a message came, as two
/// numbers of 64 bits, and a descriptor of the sender's process.
const UNASKED: usize = space(16) + space(NUMBER);
const OTHERS: usize = CREDENTIALS + UNASKED;
const ROOM: usize = space(MAX_DESCRIPTORS * NUMBER) + OTHERS;

/// What a part with so many bytes of data takes.
const fn space(data: usize) -> usize {
    HEADER + data.next_multiple_of(ALIGN)
}

/// Where the kernel puts what comes beside the bytes of one call.
#[repr(C, align(8))]
pub(crate) struct ControlBuffer {
    bytes: [u8; ROOM],
    room: usize,
}

// The kernel writes headers to it, the first at its start.
const _: () = assert!(align_of::<ControlBuffer>() >= align_of::<libc::cmsghdr>());

impl ControlBuffer {
    /// Room for at least this many descriptors, though no more than [`MAX_DESCRIPTORS`], and for
    /// what else comes: that must not have a message with as many pass for cut. The kernel closes what there is no room for, and says so.
    pub(crate) const fn new(descriptors: usize) -> Self {
        let most = if descriptors < MAX_DESCRIPTORS { descriptors } else { MAX_DESCRIPTORS };
        Self { bytes: [0; ROOM], room: space(most * NUMBER) + OTHERS }
    }

    /// For `msg_control` and `msg_controllen`.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.room]
    }
}

impl fmt::Debug for ControlBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlBuffer").field("room", &self.room).finish_non_exhaustive()
    }
}

/// Who has sent a message, as the kernel vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Credentials {
    /// 0 where the process is in none of our name spaces.
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What one call has brought.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// Bytes.
    pub(crate) len: usize,
    /// There were more bytes in the message than room for them; never so of a stream.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    pub(crate) cut: bool,
    /// There was more beside the bytes than could be taken over: no room, no permission, or no
    /// descriptor left in this process. The kernel has closed the rest.
    pub(crate) descriptors_cut: bool,
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Only where the socket has `SO_PASSCRED`.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    pub(crate) credentials: Option<Credentials>,
}

/// recvmsg(2), with what comes beside the bytes. Nothing is allocated where nothing does.
pub(crate) fn recv_with(
    fd: BorrowedFd<'_>,
    into: &mut [MaybeUninit<u8>],
    control: &mut ControlBuffer,
) -> io::Result<Arrived> {
    let control = control.bytes_mut();
    let room = control.len();
    let mut piece = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: it is integers and pointers, all of which may be zero: no address, no pieces.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = room as _;
    // SAFETY: `message` describes `piece` and `control`, and `piece` describes `into`, each with
    // its length; all are borrowed for longer than the call, and nothing else touches them.
    let len = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, RECV) };
    let Ok(len) = usize::try_from(len) else { return Err(io::Error::last_os_error()) };
    let written = room.min(message.msg_controllen as _);
    // SAFETY: this is what the call above has written for its one message, and it is here for the
    // first time that anybody looks at it.
    let (descriptors, credentials) = unsafe { take_over(&control[..written]) };
    #[cfg(target_vendor = "apple")]
    for descriptor in &descriptors {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok(Arrived {
        len,
        cut: message.msg_flags & libc::MSG_TRUNC != 0,
        descriptors_cut: message.msg_flags & libc::MSG_CTRUNC != 0,
        descriptors,
        credentials,
    })
}

/// sendmsg(2), with descriptors beside the bytes. They are passed with the first byte if any byte
/// is sent, and not at all otherwise. Of more slices than it takes, the first are sent.
pub(crate) fn send_with(
    fd: BorrowedFd<'_>,
    from: &[IoSlice<'_>],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    let rights = SendAncillaryMessage::ScmRights(descriptors);
    if !descriptors.is_empty() && !control.push(rights) {
        return Err(Errno::INVAL.into());
    }
    let from = &from[..from.len().min(SLICES)];
    Ok(net::sendmsg(fd, from, &mut control, SEND)?)
}

/// Whether a send was refused because too many descriptors of this user are on their way, which
/// those who receive them put an end to. See "ETOOMANYREFS" in unix(7).
pub(crate) fn is_too_many_in_flight(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::TOOMANYREFS)
}

/// Takes over what came beside the bytes of a message.
///
/// # Safety
///
/// `control` is what recvmsg(2) or recvmmsg(2) has written for one message, and comes here once:
/// nobody else has taken over the descriptors that it tells of.
pub(crate) unsafe fn take_over(control: &[u8]) -> (Vec<OwnedFd>, Option<Credentials>) {
    let mut descriptors = Vec::new();
    let mut credentials = None;
    for part in parts(control) {
        match part {
            // SAFETY: the caller says so of all of `control`.
            Part::Descriptors(data) => descriptors.extend(unsafe { owned(data) }),
            // Only who shares the socket can have asked for it.
            // SAFETY: the caller says so of all of `control`.
            Part::Process(data) => unsafe { owned(data) }.for_each(drop),
            Part::Credentials(sender) => credentials = Some(sender),
            Part::Dropped(_) | Part::Other => {}
        }
    }
    (descriptors, credentials)
}

/// Who has sent a message, and how many the kernel has dropped. Descriptors are closed.
///
/// # Safety
///
/// As for [`take_over`].
#[inline]
pub(crate) unsafe fn beside(control: &[u8]) -> (Option<Credentials>, Option<u32>) {
    let mut told = (None, None);
    for part in parts(control) {
        match part {
            // SAFETY: the caller says so of all of `control`.
            Part::Descriptors(data) | Part::Process(data) => unsafe { owned(data) }.for_each(drop),
            Part::Credentials(sender) => told.0 = Some(sender),
            Part::Dropped(count) => told.1 = Some(count),
            Part::Other => {}
        }
    }
    told
}

/// The descriptors of these numbers.
///
/// # Safety
///
/// The kernel has opened them for us just now, and nobody else knows of them.
unsafe fn owned(data: &[u8]) -> impl Iterator<Item = OwnedFd> + '_ {
    // The kernel says with a negative number that there is none.
    let open = numbers(data).filter(|number| *number >= 0);
    // SAFETY: the caller says that it is open and that nobody owns it.
    open.map(|number| unsafe { OwnedFd::from_raw_fd(number) })
}

/// A part of what comes beside the bytes.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    /// `SCM_RIGHTS`: numbers.
    Descriptors(&'a [u8]),
    /// `SCM_PIDFD`: the number of a descriptor of the sender's process.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    Process(&'a [u8]),
    /// `SCM_CREDENTIALS`; other systems' are not asked for.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    Credentials(Credentials),
    /// `SO_RXQ_OVFL`: how many messages were dropped for want of room.
    #[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
    Dropped(u32),
    Other,
}

/// The parts of a control buffer, whatever is in it: the first header that is not whole, or tells
/// of fewer bytes than its own, is its end.
fn parts(mut control: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        let header = header(control)?;
        let len: usize = header.cmsg_len as _;
        if len < HEADER {
            return None;
        }
        // Some kernels say of a part that there was no room for how long it would have been.
        let data = control.get(HEADER..len.min(control.len())).unwrap_or_default();
        let next = len.checked_next_multiple_of(ALIGN).unwrap_or(usize::MAX);
        control = control.get(next..).unwrap_or_default();
        Some(part(&header, data))
    })
}

fn header(control: &[u8]) -> Option<libc::cmsghdr> {
    let bytes = control.get(..size_of::<libc::cmsghdr>())?;
    // SAFETY: `bytes` is as long as a header, which is integers: any bytes make one. It need not
    // be aligned.
    Some(unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn part<'a>(header: &libc::cmsghdr, data: &'a [u8]) -> Part<'a> {
    /// Linux from 6.5, and not in the C library's headers.
    const SCM_PIDFD: libc::c_int = 4;

    match (header.cmsg_level, header.cmsg_type) {
        (libc::SOL_SOCKET, libc::SCM_RIGHTS) => Part::Descriptors(data),
        (libc::SOL_SOCKET, SCM_PIDFD) => Part::Process(data),
        (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
            let mut numbers = numbers(data).map(|number| number as u32);
            match (numbers.next(), numbers.next(), numbers.next()) {
                (Some(pid), Some(uid), Some(gid)) => {
                    Part::Credentials(Credentials { pid, uid, gid })
                }
                _ => Part::Other,
            }
        }
        (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
            numbers(data).next().map_or(Part::Other, |count| Part::Dropped(count as u32))
        }
        _ => Part::Other,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn part<'a>(header: &libc::cmsghdr, data: &'a [u8]) -> Part<'a> {
    match (header.cmsg_level, header.cmsg_type) {
        (libc::SOL_SOCKET, libc::SCM_RIGHTS) => Part::Descriptors(data),
        _ => Part::Other,
    }
}

/// The numbers in the data of a part; one that is cut is none.
fn numbers(data: &[u8]) -> impl ExactSizeIterator<Item = i32> + '_ {
    data.chunks_exact(NUMBER).map(|number| {
        let mut bytes = [0; NUMBER];
        bytes.copy_from_slice(number);
        i32::from_ne_bytes(bytes)
    })
}

#[cfg(test)]
mod tests;
