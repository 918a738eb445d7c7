//! POSIX message queues: mq_overview(7). On Linux `mqd_t` is a descriptor like any other.

#![allow(unsafe_code)]

use std::{
    ffi::CStr,
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::BytesMut;
use rustix::{
    fs::{self, Mode, RawMode},
    io::Errno,
    process::{Resource, getrlimit},
};

/// How much a queue holds; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueSizes {
    /// In messages.
    pub(crate) capacity: usize,
    /// Of one message, in bytes.
    pub(crate) max_len: usize,
}

/// How a queue is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueAccess {
    pub(crate) receive: bool,
    pub(crate) send: bool,
    /// Calls wait, for as long as they are told.
    pub(crate) waits: bool,
}

impl QueueAccess {
    fn flags(self) -> libc::c_int {
        let way = match (self.receive, self.send) {
            (true, true) => libc::O_RDWR,
            (true, false) => libc::O_RDONLY,
            (false, _) => libc::O_WRONLY,
        };
        way | libc::O_CLOEXEC | if self.waits { 0 } else { libc::O_NONBLOCK }
    }
}

/// Opens the queue of this name; `None` where there is none.
pub(crate) fn open_queue(name: &CStr, access: QueueAccess) -> io::Result<Option<OwnedFd>> {
    let opened = retry(|| {
        // SAFETY: `name` ends with a zero and lives through the call, and without O_CREAT there
        // are no further arguments.
        unsafe { libc::mq_open(name.as_ptr(), access.flags()) }
    });
    match opened {
        // SAFETY: the kernel has just made it for us, and nobody else knows its number.
        Ok(fd) => Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a queue of this name, these sizes and this mode, whatever the umask; `None` where there
/// is one. Until it has all of its mode, fewer may open it, and never more.
pub(crate) fn make_queue(
    name: &CStr,
    access: QueueAccess,
    sizes: QueueSizes,
    mode: u32,
) -> io::Result<Option<OwnedFd>> {
    let mut attributes = no_attributes();
    // What does not fit is more than the kernel takes, and it says so of the largest there is.
    attributes.mq_maxmsg = sizes.capacity.try_into().unwrap_or(libc::c_long::MAX as _);
    attributes.mq_msgsize = sizes.max_len.try_into().unwrap_or(libc::c_long::MAX as _);
    let flags = access.flags() | libc::O_CREAT | libc::O_EXCL;
    let made = retry(|| {
        let attributes = ptr::from_ref(&attributes);
        // SAFETY: `name` ends with a zero; with O_CREAT come a mode and a pointer to attributes.
        // Both pointers are good through the call, which only reads.
        unsafe { libc::mq_open(name.as_ptr(), flags, mode as libc::mode_t, attributes) }
    });
    let queue = match made {
        // SAFETY: the kernel has just made it for us, and nobody else knows its number.
        Ok(fd) => unsafe { OwnedFd::from_raw_fd(fd) },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(error),
    };
    if let Err(errno) = fs::fchmod(&queue, Mode::from_raw_mode((mode & 0o777) as RawMode)) {
        remove_queue(name)?;
        return Err(errno.into());
    }
    Ok(Some(queue))
}

/// mq_unlink(3), and whether there was one.
pub(crate) fn remove_queue(name: &CStr) -> io::Result<bool> {
    // SAFETY: `name` ends with a zero and lives through the call.
    match retry(|| unsafe { libc::mq_unlink(name.as_ptr()) }) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// How much it holds, and how many messages are in it now.
pub(crate) fn queue_sizes(queue: BorrowedFd<'_>) -> io::Result<(QueueSizes, usize)> {
    let mut attributes = no_attributes();
    // SAFETY: `attributes` is ours to be written, and lives through the call.
    retry(|| unsafe { libc::mq_getattr(queue.as_raw_fd(), &raw mut attributes) })?;
    // They are positive, and as wide as a pointer wherever Linux has more than 2 GiB.
    let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let sizes = QueueSizes {
        capacity: number(attributes.mq_maxmsg),
        max_len: number(attributes.mq_msgsize),
    };
    Ok((sizes, number(attributes.mq_curmsgs)))
}

/// mq_send(3): the whole message, or nothing of it.
#[inline]
pub(crate) fn queue_send(queue: BorrowedFd<'_>, body: &[u8], priority: u32) -> io::Result<()> {
    let (start, len) = (body.as_ptr().cast(), body.len());
    // SAFETY: the kernel reads `len` bytes of `body`, which lives through the call.
    retry(|| unsafe { libc::mq_send(queue.as_raw_fd(), start, len, priority) }).map(drop)
}

/// mq_timedsend(3): `TimedOut` where there was no room for so long.
pub(crate) fn queue_send_within(
    queue: BorrowedFd<'_>,
    body: &[u8],
    priority: u32,
    within: Duration,
) -> io::Result<()> {
    let (fd, start, len, until) = (queue.as_raw_fd(), body.as_ptr().cast(), body.len(), at(within));
    // SAFETY: the kernel reads `len` bytes of `body`, and `until`; both live through the call.
    retry(|| unsafe { libc::mq_timedsend(fd, start, len, priority, &raw const until) }).map(drop)
}

/// mq_receive(3) into a buffer with room for the queue's largest message: the priority.
#[inline]
pub(crate) fn queue_receive(queue: BorrowedFd<'_>, into: &mut BytesMut) -> io::Result<u32> {
    into.clear();
    let spare = into.spare_capacity_mut();
    let (start, room) = (spare.as_mut_ptr().cast(), spare.len());
    let mut priority = 0;
    let len = retry(|| {
        // SAFETY: the kernel writes at most `room` bytes from `start`, all of which are ours, and
        // the priority.
        unsafe { libc::mq_receive(queue.as_raw_fd(), start, room, &raw mut priority) }
    })?;
    // SAFETY: the kernel has written so many bytes of the spare capacity.
    unsafe { into.set_len(len as usize) };
    Ok(priority)
}

/// mq_timedreceive(3), likewise: `TimedOut` where no message came for so long.
pub(crate) fn queue_receive_within(
    queue: BorrowedFd<'_>,
    into: &mut BytesMut,
    within: Duration,
) -> io::Result<u32> {
    into.clear();
    let spare = into.spare_capacity_mut();
    let (start, room, until) = (spare.as_mut_ptr().cast(), spare.len(), at(within));
    let (fd, mut priority) = (queue.as_raw_fd(), 0);
    let len = retry(|| {
        // SAFETY: the kernel writes at most `room` bytes from `start`, all of which are ours, and
        // the priority; it reads `until`.
        unsafe { libc::mq_timedreceive(fd, start, room, &raw mut priority, &raw const until) }
    })?;
    // SAFETY: the kernel has written so many bytes of the spare capacity.
    unsafe { into.set_len(len as usize) };
    Ok(priority)
}

/// What `/proc/sys/fs/mqueue` says of this limit, if it is to be read here.
pub(crate) fn queue_limit(name: &str) -> Option<usize> {
    std::fs::read_to_string(format!("/proc/sys/fs/mqueue/{name}")).ok()?.trim().parse().ok()
}

/// How many bytes all queues of our user may take: `RLIMIT_MSGQUEUE` of this process; `None` where
/// there is no such limit.
pub(crate) fn queue_bytes_limit() -> Option<u64> {
    getrlimit(Resource::Msgqueue).current
}

/// Whether this process can open no more descriptors: `EMFILE` of mq_open(3) says that or that the
/// user's queues take too many bytes.
pub(crate) fn lacks_descriptors() -> bool {
    matches!(
        rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC),
        Err(Errno::MFILE | Errno::NFILE)
    )
}

fn no_attributes() -> libc::mq_attr {
    // SAFETY: it consists of numbers, for all of which zero is a value.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// The realtime clock's time after this long: the calls with a time know no other clock. Where
/// that is set back, they return later.
fn at(within: Duration) -> libc::timespec {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let until = now.saturating_add(within);
    // SAFETY: it consists of numbers, for all of which zero is a value. It has more fields on some
    // platforms.
    let mut time: libc::timespec = unsafe { MaybeUninit::zeroed().assume_init() };
    time.tv_sec = until.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    time.tv_nsec = until.subsec_nanos() as _;
    time
}

/// What a call answers, once a signal did not interrupt it.
#[inline]
fn retry<T: PartialOrd + From<i8>>(mut call: impl FnMut() -> T) -> io::Result<T> {
    loop {
        let answer = call();
        if answer >= T::from(0) {
            return Ok(answer);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
