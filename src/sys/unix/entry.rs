//! Entries of a directory: looked at, opened, renamed and removed relative to its descriptor.

use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags, RawMode, Stat},
    io::{Errno, retry_on_intr},
};

use crate::names::FileKind;

/// Which file it is, whatever its name: two entries with one identity are one file, for as long
/// as somebody keeps that file from being freed and its number from being given out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// What the system says of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: FileKind,
    /// The user it belongs to.
    pub(crate) owner: u32,
    /// Permissions, with the set-id and sticky bits.
    pub(crate) mode: u32,
    /// How many names it has.
    pub(crate) links: u64,
    pub(crate) identity: Identity,
}

impl Entry {
    /// The file behind a descriptor.
    pub(crate) fn of(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self::from_stat(&fs::fstat(fd)?))
    }

    /// The file of this name, a symbolic link being itself; `None` where there is none.
    pub(crate) fn at(directory: impl AsFd, name: &OsStr) -> io::Result<Option<Self>> {
        match fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Self::from_stat(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// As [`Entry::at`], by path.
    pub(crate) fn at_path(path: &Path) -> io::Result<Option<Self>> {
        Self::at(CWD, path.as_os_str())
    }

    // The fields' types differ from platform to platform; some are as wide as ours already.
    #[allow(clippy::unnecessary_cast)]
    fn from_stat(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode as RawMode) {
            FileType::Socket => FileKind::Socket,
            FileType::Fifo => FileKind::Fifo,
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            FileType::Symlink => FileKind::Symlink,
            FileType::CharacterDevice | FileType::BlockDevice => FileKind::Device,
            _ => FileKind::Other,
        };
        Self {
            kind,
            owner: stat.st_uid as u32,
            mode: stat.st_mode as u32 & 0o7777,
            links: stat.st_nlink as u64,
            identity: Identity { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
        }
    }
}

/// The user that files of ours belong to.
pub(crate) fn our_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Opens a directory of the user's choosing. Symbolic links on the way are followed (`/tmp` is
/// one on macOS, `/var/run` on Linux): what counts is what is found at their end.
pub(crate) fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(retry_on_intr(|| fs::open(path, flags, Mode::empty()))?)
}

/// Opens the directory of this name, but no symbolic link to one.
pub(crate) fn open_directory_at(directory: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(retry_on_intr(|| fs::openat(directory.as_fd(), name, flags, Mode::empty()))?)
}

/// Makes a directory that is private from its first moment, unless the name is taken already.
pub(crate) fn make_directory_at(directory: impl AsFd, name: &OsStr) -> io::Result<()> {
    match fs::mkdirat(directory, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Sets the permissions of an entry of ours under a name that nobody else knows.
pub(crate) fn set_mode_at(directory: impl AsFd, name: &OsStr, mode: u32) -> io::Result<()> {
    // The cast narrows to 16 bits on some platforms; a mode has 12.
    let mode = Mode::from_raw_mode((mode & 0o7777) as RawMode);
    Ok(fs::chmodat(directory, name, mode, AtFlags::empty())?)
}

/// Gives an entry another name in the same directory, in place of what has that name.
pub(crate) fn rename_at(directory: impl AsFd, from: &OsStr, to: &OsStr) -> io::Result<()> {
    let directory = directory.as_fd();
    Ok(fs::renameat(directory, from, directory, to)?)
}

/// Removes a name, of anything but a directory.
pub(crate) fn remove_at(directory: impl AsFd, name: &OsStr) -> io::Result<()> {
    Ok(fs::unlinkat(directory, name, AtFlags::empty())?)
}

/// Removes a name if it still stands for this file, so that a successor's is left alone.
pub(crate) fn remove_if_at(
    directory: BorrowedFd<'_>,
    name: &OsStr,
    ours: Identity,
) -> io::Result<()> {
    match Entry::at(directory, name)? {
        Some(entry) if entry.identity == ours => remove_at(directory, name),
        _ => Ok(()),
    }
}

/// A descriptor of any entry, sockets too, that keeps its inode number from being given out
/// again; `None` on platforms without such descriptors.
pub(crate) fn pin_at(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<OwnedFd>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Some(retry_on_intr(|| fs::openat(directory, name, flags, Mode::empty()))?))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (directory, name);
        Ok(None)
    }
}

/// The longest path, in bytes, that fits into a Unix socket's address beside its final zero.
pub(crate) const SOCKET_PATH_MAX: usize =
    size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path) - 1;

/// A short path that leads into an open directory, where the platform has such paths.
pub(crate) fn path_of_directory(directory: BorrowedFd<'_>) -> Option<String> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::os::fd::AsRawFd;
        let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
        // Without a mounted `/proc`, as in some chroots, there is no such path.
        let found = fs::stat(path.as_str()).ok()?;
        let reached = Entry::from_stat(&found).identity;
        (reached == Entry::of(directory).ok()?.identity).then_some(path)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = directory;
        None
    }
}
