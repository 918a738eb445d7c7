//! Being told that a name appears, and that somebody opens or changes what has it.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
    path::Path,
};

/// A descriptor that is readable when something has happened; inotify(7). Where there is no such
/// thing, or the user has no more of them, who waits has to look again from time to time.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn watch() -> io::Result<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, init};

    Ok(init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?)
}

/// From now on tells of names that appear in `directory`, of the opening of the file `opened`, and
/// of what is written to the file `changed`, where these two are there. To do so once more is to
/// take the two anew.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn look_at(
    watch: BorrowedFd<'_>,
    directory: &Path,
    opened: &Path,
    changed: &Path,
) -> io::Result<()> {
    use rustix::{
        fs::inotify::{WatchFlags, add_watch},
        io::Errno,
    };

    let file = |path: &Path, what: WatchFlags| match add_watch(
        watch,
        path,
        what | WatchFlags::DONT_FOLLOW,
    ) {
        Ok(_) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    };
    let appears = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
    add_watch(watch, directory, appears | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF)?;
    file(opened, WatchFlags::OPEN)?;
    Ok(file(changed, WatchFlags::MODIFY)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn watch() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn look_at(_: BorrowedFd<'_>, _: &Path, _: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
