//! Taking over the descriptors that this process was started with.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use rustix::io::{Errno, FdFlags};

/// Takes over a descriptor that this process was started with, if `check` finds that it is what it
/// should be, and keeps it from our own children.
///
/// A number is taken once: what was taken is close-on-exec from then on, and what is close-on-exec
/// was not inherited.
pub(crate) fn inherit(
    fd: RawFd,
    check: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: it is borrowed for a look at what it is, before anybody owns it; a number that is
    // not open makes the calls below fail, and -1 was excluded.
    let number = unsafe { BorrowedFd::borrow_raw(fd) };
    let flags = rustix::io::fcntl_getfd(number).map_err(|errno| match errno {
        Errno::BADF => io::Error::other(format!("descriptor {fd} is not open")),
        errno => errno.into(),
    })?;
    check(number)?;
    if flags.contains(FdFlags::CLOEXEC) {
        // No exec leaves such a one open: this process has opened it itself, and somebody in it
        // owns it. The number is from the environment of a process further up.
        return Err(io::Error::other(format!("descriptor {fd} was not inherited")));
    }
    rustix::io::fcntl_setfd(number, FdFlags::CLOEXEC)?;
    // SAFETY: it is open and not of this process's making, as Rust opens descriptors, so whoever
    // started this process left it to it; a second taking has failed above.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        os::{
            fd::{AsRawFd, IntoRawFd},
            unix::net::UnixStream,
        },
    };

    use super::*;

    #[test]
    fn what_is_open_and_nobody_s_here_is_taken_once() {
        let refused = |fd, says: &str| {
            let error = inherit(fd, |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        let (ours, _theirs) = UnixStream::pair().unwrap();
        refused(-1, "Bad file descriptor");
        refused(RawFd::MAX, "is not open");
        refused(ours.as_raw_fd(), "was not inherited");

        // As it comes out of an exec, with nobody here who owns it.
        rustix::io::fcntl_setfd(&ours, FdFlags::empty()).unwrap();
        let fd = ours.into_raw_fd();
        let error = inherit(fd, |_| Err(io::Error::other("not to our liking"))).unwrap_err();
        assert_eq!(error.to_string(), "not to our liking");
        let taken = inherit(fd, |_| Ok(())).unwrap();
        assert!(rustix::io::fcntl_getfd(&taken).unwrap().contains(FdFlags::CLOEXEC));
        refused(fd, "was not inherited");
    }

    #[test]
    fn any_kind_can_be_taken() {
        let file = File::open("/dev/null").unwrap();
        rustix::io::fcntl_setfd(&file, FdFlags::empty()).unwrap();
        drop(inherit(file.into_raw_fd(), |_| Ok(())).unwrap());
    }
}
