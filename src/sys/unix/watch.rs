//! Being told that a name appears, and that somebody opens or changes what has it.

use std::{
    ffi::OsStr,
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
    // Losing a name changes how many it has, though somebody may have it open for long.
    Ok(file(changed, WatchFlags::MODIFY | WatchFlags::ATTRIB)?)
}

/// Reads what there is to tell, up to a limit: whether any of it is of these names in the directory,
/// or of what is watched itself.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn tells_of(watch: BorrowedFd<'_>, names: &[&OsStr]) -> io::Result<bool> {
    use std::{mem::MaybeUninit, os::unix::ffi::OsStrExt};

    use rustix::fs::inotify::Reader;

    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(watch, &mut buffer);
    let mut tells = false;
    loop {
        let event = events.next()?;
        tells |= event
            .file_name()
            .is_none_or(|told| names.iter().any(|name| name.as_bytes() == told.to_bytes()));
        if events.is_buffer_empty() {
            return Ok(tells);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn watch() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn look_at(_: BorrowedFd<'_>, _: &Path, _: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn tells_of(_: BorrowedFd<'_>, _: &[&OsStr]) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use std::{fs, os::fd::AsFd};

    use super::*;

    #[test]
    fn what_happens_to_others_is_told_apart() {
        let scratch = tempfile::tempdir().unwrap();
        let place = |name: &str| scratch.path().join(name);
        let watch = watch().unwrap();
        fs::write(place("f.writers"), "").unwrap();
        let _held = fs::File::open(place("f.writers")).unwrap();
        look_at(watch.as_fd(), scratch.path(), &place("f"), &place("f.writers")).unwrap();
        let names = ["f".as_ref(), "f.writers".as_ref()];
        let told = || tells_of(watch.as_fd(), &names);
        let nothing = || told().unwrap_err().kind() == io::ErrorKind::WouldBlock;
        assert!(nothing());
        for other in ["other", "f.lock", "ff"] {
            fs::write(place(other), "").unwrap();
            assert!(!told().unwrap(), "{other}");
        }
        fs::write(place("one more"), "").unwrap();
        fs::write(place("f"), "").unwrap();
        assert!(told().unwrap(), "it appears");
        fs::write(place("f.writers"), "numbers").unwrap();
        assert!(told().unwrap(), "it is written to");
        fs::remove_file(place("f.writers")).unwrap();
        assert!(told().unwrap(), "it loses its name");
        assert!(nothing());
    }
}
