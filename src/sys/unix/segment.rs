//! Files of shared memory that are used as they are: named ones, and what is wanted of each.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, CWD, FallocateFlags, Mode, OFlags, RawMode, SealFlags, fcntl_add_seals},
    io::{Errno, retry_on_intr},
};

use super::{
    Entry, Identity,
    memory::{file_len, seals},
};

/// Where shm_open(3) of every C library for Linux has its files.
pub(crate) const SEGMENTS: &str = "/dev/shm";

/// Its size is fixed; what is in it is for all to change who have it.
const FIXED: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A file among the named ones that has no name yet.
pub(crate) fn unnamed_segment() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    Ok(retry_on_intr(|| fs::open(SEGMENTS, flags, Mode::RUSR | Mode::WUSR))?)
}

/// Gives it its mode, whatever the umask, and its name, unless something has that already.
pub(crate) fn name_segment(file: BorrowedFd<'_>, path: &Path, mode: u32) -> io::Result<()> {
    // The cast narrows to 16 bits on some platforms; a mode has 12.
    fs::fchmod(file, Mode::from_raw_mode((mode & 0o777) as RawMode))?;
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    match fs::linkat(CWD, itself, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        // Without a mounted `/proc`. Linux before 6.10 lets root alone do it this way.
        Err(Errno::NOENT) => Ok(fs::linkat(file, "", CWD, path, AtFlags::EMPTY_PATH)?),
        other => Ok(other?),
    }
}

/// Opens what has this name to read and write; it can be anything but a symbolic link.
pub(crate) fn open_segment(path: &Path) -> io::Result<OwnedFd> {
    let flags =
        OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(retry_on_intr(|| fs::open(path, flags, Mode::empty()))?)
}

/// Removes a name if it still stands for this file.
pub(crate) fn remove_segment(path: &Path, ours: Identity) -> io::Result<()> {
    match Entry::at_path(path)? {
        Some(entry) if entry.identity == ours => Ok(fs::unlink(path)?),
        _ => Ok(()),
    }
}

/// Makes a file this long, if it is shorter. Where a limit of the file system stands over it, the
/// memory for all of it is taken now: to touch what there is no page for is a SIGBUS.
///
/// A memfd has no such limit, and to take what the machine does not have would have the kernel kill
/// processes: its pages come when they are touched.
pub(crate) fn take_memory(file: BorrowedFd<'_>, len: usize) -> io::Result<()> {
    let system = fs::fstatfs(file)?;
    if system.f_blocks == 0 {
        let shorter = file_len(file)? < len as u64;
        return if shorter { Ok(fs::ftruncate(file, len as u64)?) } else { Ok(()) };
    }
    if (len as u64).div_ceil(system.f_bsize as u64) > system.f_blocks as u64 {
        return Err(rustix::io::Errno::NOSPC.into());
    }
    Ok(retry_on_intr(|| fs::fallocate(file, FallocateFlags::empty(), 0, len as u64))?)
}

/// Whether it was opened to read and to write.
pub(crate) fn is_read_write(file: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(fs::fcntl_getfl(file)? & OFlags::ACCMODE == OFlags::RDWR)
}

/// Nobody changes its size any more, us included.
pub(crate) fn fix_size(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_add_seals(file, FIXED)?)
}

/// Whether nobody will ever make it shorter.
pub(crate) fn has_fixed_size(file: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(seals(file)?.contains(SealFlags::SHRINK))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::anonymous_memory;

    #[test]
    fn a_fixed_size_stays() {
        let file = anonymous_memory("test", 100).unwrap();
        assert!(!has_fixed_size(file.as_fd()).unwrap());
        take_memory(file.as_fd(), 100).unwrap();
        fix_size(file.as_fd()).unwrap();
        assert!(has_fixed_size(file.as_fd()).unwrap());
        fs::ftruncate(&file, 99).unwrap_err();
        fs::ftruncate(&file, 101).unwrap_err();
        take_memory(file.as_fd(), 101).unwrap_err();
        assert_eq!(file_len(file.as_fd()).unwrap(), 100);
        assert!(is_read_write(file.as_fd()).unwrap());
    }
}
