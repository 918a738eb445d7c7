//! Making and inheriting pipes.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd},
};

use rustix::fs::{FileType, Mode, OFlags};

use super::inherit;

/// A pipe, both ends close-on-exec: read end, write end.
///
/// Where the kernel can do it in one call it is done in one, so that a child that another thread
/// starts at that moment never inherits a write end, which would keep the stream from ending.
/// interprocess makes its pipes without that flag.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

/// A pipe, both ends close-on-exec: read end, write end. Apple has no call that does both.
#[cfg(target_vendor = "apple")]
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (write_end, read_end) = interprocess::unnamed_pipe::pipe()?;
    let (read_end, write_end) = (OwnedFd::from(read_end), OwnedFd::from(write_end));
    rustix::io::fcntl_setfd(&read_end, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::fcntl_setfd(&write_end, rustix::io::FdFlags::CLOEXEC)?;
    Ok((read_end, write_end))
}

/// Takes over a pipe end that this process was started with, and keeps it from its own children.
///
/// The caller hands in each number once: it is owned from here on.
pub(crate) fn inherit_pipe(fd: RawFd) -> io::Result<OwnedFd> {
    inherit(fd, |number| match is_pipe(number)? {
        true => Ok(()),
        false => Err(io::Error::other(format!("descriptor {fd} is not a pipe"))),
    })
}

/// Standard input and output as an open file of our own, so that making it non-blocking is seen
/// by nobody who shares the original.
///
/// Then the originals are put out of use: 0 becomes `/dev/null`, 1 what 2 is, so that a stray
/// `println!` does not end up between frames and the peer sees our end when we close it.
pub(crate) fn take_stdio() -> io::Result<(OwnedFd, OwnedFd)> {
    let stdin = own_copy(rustix::stdio::stdin(), OFlags::RDONLY)?;
    let stdout = own_copy(rustix::stdio::stdout(), OFlags::WRONLY)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(null)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((stdin, stdout))
}

/// Whether it is a pipe or FIFO.
pub(crate) fn is_pipe(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(file_type(fd)? == FileType::Fifo)
}

fn file_type(fd: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

fn own_copy(fd: BorrowedFd<'_>, mode: OFlags) -> io::Result<OwnedFd> {
    match file_type(fd)? {
        FileType::Fifo => reopen(fd, mode),
        // Sockets are used with MSG_DONTWAIT: nothing of the open file is changed.
        FileType::Socket => Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?),
        other => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("standard input or output is neither a pipe nor a socket but {other:?}"),
        )),
    }
}

/// proc_pid_fd(5): opening the link makes a new open file of the same pipe.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reopen(fd: BorrowedFd<'_>, mode: OFlags) -> io::Result<OwnedFd> {
    use std::os::fd::AsRawFd;

    let path = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    let flags = mode | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reopen(fd: BorrowedFd<'_>, _: OFlags) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), 3)?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, IntoRawFd};

    use rustix::io::FdFlags;

    use super::*;

    #[test]
    fn only_what_an_exec_can_have_left_is_taken_over() {
        let (read_end, write_end) = pipe().unwrap();
        // Somebody's here, whatever the environment says.
        assert!(inherit_pipe(read_end.as_raw_fd()).is_err());
        assert!(inherit_pipe(-1).is_err());
        let null = rustix::fs::open("/dev/null", OFlags::RDONLY, Mode::empty()).unwrap();
        assert!(inherit_pipe(null.as_raw_fd()).is_err());
        // As it comes out of an exec, with nobody here who owns it.
        rustix::io::fcntl_setfd(&write_end, FdFlags::empty()).unwrap();
        let number = write_end.into_raw_fd();
        let taken = inherit_pipe(number).unwrap();
        assert!(rustix::io::fcntl_getfd(&taken).unwrap().contains(FdFlags::CLOEXEC));
        assert!(inherit_pipe(number).is_err(), "taken twice");
    }
}
