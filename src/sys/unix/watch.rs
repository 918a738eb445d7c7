//! Being told that a name appears, and that somebody opens or changes what has it.

#[cfg(target_os = "linux")]
use std::time::Duration;
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

/// Pauses after which locks are looked at again once a file was closed: that is told a moment before
/// they are free, and a machine may make much of a moment.
#[cfg(target_os = "linux")]
pub(crate) const AFTER_A_CLOSE: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// From now on tells of what may set locks on this open file free: that somebody reads from it, as
/// [`stir`] does, or closes it; and that it may have lost its name. The answer is the number to
/// [`unfollow`] it by.
#[cfg(target_os = "linux")]
pub(crate) fn follow(watch: BorrowedFd<'_>, file: BorrowedFd<'_>, path: &Path) -> io::Result<i32> {
    use std::os::fd::AsRawFd;

    use rustix::{
        fs::inotify::{WatchFlags, add_watch},
        io::Errno,
    };

    let what = WatchFlags::ACCESS
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::ATTRIB
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF;
    match add_watch(watch, format!("/proc/self/fd/{}", file.as_raw_fd()), what) {
        // Without a mounted `/proc`, by its name. Whether that is still its own is to be looked at
        // after this.
        Err(Errno::NOENT) => Ok(add_watch(watch, path, what | WatchFlags::DONT_FOLLOW)?),
        other => Ok(other?),
    }
}

/// Tells no more of it. What has happened by now is still told.
#[cfg(target_os = "linux")]
pub(crate) fn unfollow(watch: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    Ok(rustix::fs::inotify::remove_watch(watch, number)?)
}

/// What has happened to a file that is followed.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Not only was it read from: somebody may have closed it.
    pub(crate) closed: bool,
    /// Nothing more will be told of it.
    pub(crate) over: bool,
    /// There is more to be read: an event that is like the last of those makes nothing readable.
    pub(crate) more: bool,
}

#[cfg(target_os = "linux")]
impl News {
    /// All of this, and what was heard after it.
    pub(crate) fn and(self, next: Self) -> Self {
        let (closed, over) = (self.closed || next.closed, self.over || next.over);
        Self { closed, over, more: next.more }
    }
}

/// Reads what there is to tell of the file that is followed by this number, up to a limit.
#[cfg(target_os = "linux")]
pub(crate) fn news_of(watch: BorrowedFd<'_>, number: i32) -> io::Result<News> {
    use std::mem::MaybeUninit;

    use rustix::{
        fs::inotify::{ReadFlags, Reader},
        io::Errno,
    };

    const READS: usize = 16;

    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut events = Reader::new(watch, &mut buffer);
    let mut news = News { more: true, ..News::default() };
    let mut reads = 0;
    loop {
        reads += usize::from(events.is_buffer_empty());
        if reads > READS {
            break;
        }
        match events.next() {
            // That some were lost is told as an event of nothing.
            Ok(event) => {
                news.closed |= event.events() != ReadFlags::ACCESS;
                news.over |= event.wd() == number && event.events().contains(ReadFlags::IGNORED);
            }
            Err(Errno::WOULDBLOCK) => {
                news.more = false;
                break;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(news)
}

/// Tells all who [`follow`] this file that locks on it were given up. Nothing in it is changed, and
/// nothing has to be written to a disk.
#[cfg(target_os = "linux")]
pub(crate) fn stir(file: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::io::{pread, retry_on_intr};

    if retry_on_intr(|| pread(file, &mut [0_u8], 0))? > 0 {
        return Ok(());
    }
    // Somebody has cut it to nothing, and nothing was read.
    super::knock(file)
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        fs,
        os::fd::{AsFd, AsRawFd},
    };

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

    #[test]
    fn reading_is_told_apart_from_closing() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("f");
        fs::write(&path, "x").unwrap();
        let open = || fs::File::options().read(true).write(true).open(&path).unwrap();
        // Opened before it is watched.
        let (ours, theirs) = (open(), open());
        let watch = watch().unwrap();
        let number = follow(watch.as_fd(), ours.as_fd(), &path).unwrap();
        let news = || news_of(watch.as_fd(), number).unwrap();
        let quiet = News::default();
        let closed = News { closed: true, ..quiet };
        assert_eq!(news(), quiet);
        stir(theirs.as_fd()).unwrap();
        assert_eq!(news(), quiet, "read from, and nothing else");
        drop(theirs);
        assert_eq!(news(), closed);
        ours.set_len(0).unwrap();
        stir(ours.as_fd()).unwrap();
        assert_eq!(news(), closed, "there is nothing to read");
        fs::remove_file(&path).unwrap();
        assert_eq!(news(), closed, "it has lost its name");
        unfollow(watch.as_fd(), number).unwrap();
        assert_eq!(news(), News { over: true, ..closed });

        let number = follow(watch.as_fd(), ours.as_fd(), &path).unwrap();
        ours.set_len(1).unwrap();
        for _ in 0..600 {
            stir(ours.as_fd()).unwrap();
            drop(
                fs::File::options().write(true).open(format!("/proc/self/fd/{}", ours.as_raw_fd())),
            );
        }
        let news = || news_of(watch.as_fd(), number).unwrap();
        assert_eq!(news(), News { more: true, ..closed });
        assert_eq!(news(), closed);
    }
}
