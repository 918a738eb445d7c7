//! Telling those who have the same queue open that something about us is new, and hearing of it.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use rustix::fs::{
    Timespec, Timestamps, UTIME_NOW, futimens,
    inotify::{WatchFlags, add_watch},
};

/// From now on `watch` tells of every knock on this file, and where `ends` says so, each time that
/// somebody closes it, however that comes about. Fails without a mounted `/proc`.
///
/// A file that is closed by its process's end is told of a moment before its locks are given up.
pub(crate) fn hear_of(watch: BorrowedFd<'_>, file: BorrowedFd<'_>, ends: bool) -> io::Result<()> {
    let closes = WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE;
    let what = WatchFlags::ATTRIB | if ends { closes } else { WatchFlags::empty() };
    add_watch(watch, format!("/proc/self/fd/{}", file.as_raw_fd()), what)?;
    Ok(())
}

/// Has all hear of us who watch this file, by setting its times: it need only be writable.
pub(crate) fn knock(file: BorrowedFd<'_>) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::fd::AsFd};

    use super::*;
    use crate::sys::{tells_of, watch};

    #[test]
    fn a_knock_and_an_end_are_heard() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        fs::write(&path, "").unwrap();
        let open = || fs::File::options().write(true).open(&path).unwrap();
        let (file, knocks, all) = (open(), watch().unwrap(), watch().unwrap());
        hear_of(knocks.as_fd(), file.as_fd(), false).unwrap();
        hear_of(all.as_fd(), file.as_fd(), true).unwrap();
        let hears = |watch: BorrowedFd<'_>| match tells_of(watch, &[]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            told => told.unwrap(),
        };
        drop(open());
        assert!(!hears(knocks.as_fd()));
        assert!(hears(all.as_fd()));
        knock(open().as_fd()).unwrap();
        assert!(hears(knocks.as_fd()) && !hears(knocks.as_fd()));
    }
}
