//! A descriptor of our own that another thread makes readable.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::fs::{OFlags, fcntl_getfl, readlink};
use rustix::io::Errno;

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::Entry;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::names::FileKind;

/// The ringing end: each [`ring`](Self::ring) is an event for whoever watches the other end,
/// whether or not there was one before, and nobody ever has to read what it writes.
#[derive(Debug)]
pub(crate) struct Ringer {
    write: OwnedFd,
    /// The other end of a pipe; an eventfd has one end for both.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    read: OwnedFd,
}

/// The end to watch, and the one to ring: eventfd(2).
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn event() -> io::Result<(OwnedFd, Ringer)> {
    let watch = eventfd()?;
    let write = watch.try_clone()?;
    Ok((watch, Ringer { write }))
}

/// One end for both, which never blocks and is close-on-exec.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    use rustix::event::EventfdFlags;

    Ok(rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?)
}

/// Whether it is what [`eventfd`] makes: to write eight bytes to it then does nothing else.
///
/// Only `/proc` says so. Where it is not mounted, it is enough that the kernel made it and it is
/// no file, socket or device: of what has no name, next to nothing can be written to at all.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_eventfd(fd: std::os::fd::BorrowedFd<'_>) -> io::Result<bool> {
    use std::os::fd::AsRawFd;

    if Entry::of(fd)?.kind != FileKind::Other {
        return Ok(false);
    }
    let never_blocks = fcntl_getfl(fd)?.contains(OFlags::NONBLOCK);
    let what = readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new());
    Ok(never_blocks && what.map_or(true, |what| what.as_bytes() == b"anon_inode:[eventfd]"))
}

/// The end to watch, and the one to ring: a pipe, since there is no eventfd here.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) fn event() -> io::Result<(OwnedFd, Ringer)> {
    // The crate that carries our pipes makes them CLOEXEC in the way each platform has for that.
    let (write, watch) = interprocess::unnamed_pipe::pipe()?;
    let (write, watch) = (OwnedFd::from(write), OwnedFd::from(watch));
    super::set_nonblocking(write.as_fd())?;
    super::set_nonblocking(watch.as_fd())?;
    // The ringer keeps a reading end as well: it is never told that its pipe is broken.
    let read = watch.try_clone()?;
    Ok((watch, Ringer { write, read }))
}

impl Ringer {
    /// Rings an eventfd that somebody else watches, in this process or another.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn of(write: OwnedFd) -> Self {
        Self { write }
    }

    /// Makes an event. It never blocks, and no event is ever left out for want of room: epoll and
    /// kqueue, edge-triggered, report each write, even one to what is readable already; and one
    /// that finds no room (a pipe after thousands of rings, an eventfd after 2^64 - 2) empties it
    /// and is made again. Emptying takes nothing from the other end, for which only the event
    /// counts.
    pub(crate) fn ring(&self) -> io::Result<()> {
        loop {
            // Eight bytes: what an eventfd wants, and a write that a pipe never splits.
            match rustix::io::write(&self.write, &1_u64.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.empty()?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn empty(&self) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        let read = self.write.as_fd();
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        let read = self.read.as_fd();
        match rustix::io::read(read, &mut [0; 4096]) {
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    #[test]
    fn a_full_one_rings_on() {
        let (watch, ringer) = event().unwrap();
        // As much as fits an eventfd, and nothing special to a pipe.
        let full = u64::MAX - 1;
        rustix::io::write(&ringer.write, &full.to_ne_bytes()).unwrap();
        for _ in 0..3 {
            ringer.ring().unwrap();
            let mut watched = [PollFd::new(&watch, PollFlags::IN)];
            assert_eq!(poll(&mut watched, Some(&Timespec::default())).unwrap(), 1);
        }
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    #[test]
    fn an_eventfd_is_told_from_all_else() {
        use rustix::event::{EventfdFlags, epoll};

        let is = |fd: OwnedFd| is_eventfd(fd.as_fd()).unwrap();
        assert!(is(eventfd().unwrap()));
        assert!(!is(rustix::event::eventfd(0, EventfdFlags::CLOEXEC).unwrap()), "it blocks");
        assert!(!is(epoll::create(epoll::CreateFlags::CLOEXEC).unwrap()));
        assert!(!is(std::fs::File::open("/dev/null").unwrap().into()));
        assert!(!is(std::os::unix::net::UnixDatagram::unbound().unwrap().into()));
        assert!(!is(crate::sys::anonymous_memory("anon_inode:[eventfd]", 8).unwrap()));
    }
}
