//! Lock files: opened without trust, locked without waiting.

use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, FlockOperation, Mode, OFlags},
    io::{Errno, pread, pwrite, retry_on_intr},
    process::Pid,
};

/// Opens a lock file, creating it 0600 if there is none. What comes back can be anything that the
/// name stood for, a symbolic link excepted: look before writing.
pub(crate) fn open_lock_at(directory: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    // Non-blocking, in case somebody has put a FIFO there; no controlling terminal, in case of a
    // device.
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::CLOEXEC
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(retry_on_intr(|| fs::openat(directory.as_fd(), name, flags, mode))?)
}

/// Creates a lock file with this mode, whatever the umask, where there is nothing of the name.
pub(crate) fn create_lock_at(directory: impl AsFd, name: &OsStr, mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let private = Mode::RUSR | Mode::WUSR;
    let file = retry_on_intr(|| fs::openat(directory.as_fd(), name, flags, private))?;
    // The cast narrows to 16 bits on some platforms; a mode has 12.
    fs::fchmod(&file, Mode::from_raw_mode((mode & 0o7777) as fs::RawMode))?;
    Ok(file)
}

/// Opens a lock file of somebody else's, to write to it as well if `write` says so; `None` where
/// there is none. What comes back can be anything but a symbolic link: look before writing.
pub(crate) fn open_lock(path: &Path, write: bool) -> io::Result<Option<OwnedFd>> {
    let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match retry_on_intr(|| fs::open(path, flags, Mode::empty())) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes the exclusive lock if nobody has it. The lock belongs to the open file description:
/// a second opening in this process is a rival like any other, and the kernel gives the lock up
/// when the last copy of the descriptor is closed, however its process ends.
pub(crate) fn try_lock(file: impl AsFd) -> io::Result<bool> {
    match retry_on_intr(|| fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes a shared lock unless somebody has the exclusive one; otherwise as [`try_lock`].
pub(crate) fn try_lock_shared(file: impl AsFd) -> io::Result<bool> {
    match retry_on_intr(|| fs::flock(file.as_fd(), FlockOperation::NonBlockingLockShared)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Reads from the start of a file until `buf` is full or the file ends.
pub(crate) fn read_start(file: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buf.len() {
        let free = &mut buf[have..];
        match retry_on_intr(|| pread(file.as_fd(), &mut *free, have as u64))? {
            0 => break,
            read => have += read,
        }
    }
    Ok(have)
}

/// Writes all of `content` at this place of a file.
pub(crate) fn write_at(file: impl AsFd, content: &[u8], place: u64) -> io::Result<()> {
    let mut done = 0;
    while done < content.len() {
        let at = place + done as u64;
        match retry_on_intr(|| pwrite(file.as_fd(), &content[done..], at))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            wrote => done += wrote,
        }
    }
    Ok(())
}

/// Makes `content` all that a file holds. Who is killed on the way leaves what was there, or the
/// end of it behind `content`, and never an empty file.
pub(crate) fn overwrite(file: impl AsFd, content: &[u8]) -> io::Result<()> {
    write_at(file.as_fd(), content, 0)?;
    Ok(retry_on_intr(|| fs::ftruncate(file.as_fd(), content.len() as u64))?)
}

/// Whether there is a process of this number, as far as we can see.
pub(crate) fn is_running(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // Any answer but "no such process" speaks of one, "not permitted" too.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_content_replaces_a_longer_one() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("lock");
        std::fs::write(&path, "quite a long line\n").unwrap();
        let file = open_lock(&path, true).unwrap().unwrap();
        overwrite(&file, b"short\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"short\n");
    }
}
