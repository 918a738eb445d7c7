//! Making FIFOs and opening them without waiting for a partner.

use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{self, Mode, OFlags},
    io::{Errno, retry_on_intr},
};

/// The longest write, in bytes, that nobody else's bytes get into; pipe(7).
pub(crate) const PIPE_BUF: usize = rustix::pipe::PIPE_BUF;

/// What both ends are opened with: no waiting, no link followed, no controlling terminal in case
/// somebody has put a device there.
const WITH: OFlags =
    OFlags::NONBLOCK.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// Makes a FIFO of the mode 0600, or less where the umask says so.
pub(crate) fn make_fifo(path: &Path) -> io::Result<()> {
    interprocess::os::unix::fifo_file::create_fifo(path, 0o600)
}

/// Opens what has this name for reading; whether it is a FIFO is for the caller to look.
///
/// Linux reports no hang-up on it until a writer came and left after this.
pub(crate) fn open_to_read_at(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(retry_on_intr(|| fs::openat(directory, name, OFlags::RDONLY | WITH, Mode::empty()))?)
}

/// Opens what is there for writing; `None` where nobody reads it, or nothing is there.
pub(crate) fn open_to_write(path: &Path) -> io::Result<Option<OwnedFd>> {
    match retry_on_intr(|| fs::open(path, OFlags::WRONLY | WITH, Mode::empty())) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NXIO | Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether there was a writer since this end was opened, and there is none now.
pub(crate) fn has_hung_up(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    retry_on_intr(|| poll(&mut fds, Some(&Timespec::default())))?;
    Ok(fds[0].revents().contains(PollFlags::HUP))
}

/// Has those go on who wait in open(2) to write to a FIFO that lost its name, and would wait for
/// ever. What they write fails, or is lost if they are quick: nobody reads it.
pub(crate) fn let_waiting_writers_go(pin: impl AsFd) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::os::fd::AsRawFd;
        let path = format!("/proc/self/fd/{}", pin.as_fd().as_raw_fd());
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        // Without a mounted `/proc` they wait on, until somebody ends them.
        drop(fs::open(path, flags, Mode::empty()));
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = pin;
    }
}
