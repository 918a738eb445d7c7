use std::{
    ffi::{OsStr, OsString},
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    thread,
};

use super::{Directory, FileKind};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry, Identity},
};

/// The first word of a lock file of ours. A file that begins otherwise is not written to: a name
/// that ends in `.lock` may well be somebody's data.
const MAGIC: &str = "framewire";

/// Longer than any content of ours.
const CONTENT_MAX: usize = 128;

/// How often an owner may go away under our hands before we give up. Each round means that
/// somebody else has got on, so that there is no waiting here.
const ROUNDS: usize = 1000;

/// A lock file that is open and locked, and was at its name when it was locked.
///
/// It holds one line: the magic, the owner's pid, and the temporary name that the owner was about
/// to use, so that the next owner can clear away what a killed one left.
#[derive(Debug)]
pub(super) struct Lock {
    file: OwnedFd,
    identity: Identity,
    /// An owner had written into it before: one that was killed.
    inherited: bool,
}

impl Lock {
    /// A lock that another process has taken and shares with us.
    pub(super) fn shared(file: OwnedFd) -> Result<Self> {
        let entry = Entry::of(&file)?;
        // A no-op for the open file that has the lock, and proof that this is the one.
        if entry.kind == FileKind::File && sys::try_lock(&file)? {
            return Ok(Self { file, identity: entry.identity, inherited: false });
        }
        Err(Error::new(ErrorKind::Malformed, "a descriptor that does not have the lock"))
    }

    /// Takes the lock, and returns what an owner that was killed has left of a draft.
    pub(super) fn take(
        directory: &Directory,
        name: &OsStr,
        claimed: &Path,
    ) -> Result<(Self, Option<OsString>)> {
        let path = directory.path().join(name);
        let doing = |cause: io::Error| Error::from(cause).doing(format!("lock {}", path.display()));
        for _ in 0..ROUNDS {
            let file = sys::open_lock_at(directory, name)
                .or_else(|cause| Err(refusal(directory, name, &path)?.unwrap_or(doing(cause))))?;
            let entry = Entry::of(&file).map_err(doing)?;
            if entry.links == 0 {
                // Its owner unlinked it before we looked: the name is free, or another's.
                continue;
            }
            check(&entry, &path)?;
            let locked = sys::try_lock(&file).map_err(doing)?;
            let current = Entry::at(directory, name).map_err(doing)?;
            if current.is_none_or(|current| current.identity != entry.identity) {
                // It was unlinked between opening and locking: what we have locked, or failed to
                // lock, is nobody's any more.
                thread::yield_now();
                continue;
            }
            let (length, content) = read(&file).map_err(doing)?;
            if !locked {
                return Err(in_use(claimed, content.and_then(|(pid, _)| pid)));
            }
            let Some((_, draft)) = content else {
                let cause = format!("{} is there and is not a lock file of ours", path.display());
                return Err(Error::new(ErrorKind::Denied, cause)
                    .remedy("move it away by hand, or choose another path"));
            };
            let inherited = length > 0;
            return Ok((Self { file, identity: entry.identity, inherited }, draft));
        }
        Err(in_use(claimed, None))
    }

    /// Whether it was left by an owner that was killed.
    pub(super) fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Writes who we are and which temporary name we are going to use.
    pub(super) fn record(&self, draft: Option<&str>) -> io::Result<()> {
        let line = format!("{MAGIC} {} {}\n", std::process::id(), draft.unwrap_or("-"));
        sys::overwrite(&self.file, line.as_bytes())
    }

    pub(super) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Removes the file, while the lock on it is held: whoever opened it before finds, having
    /// locked it, that it is at its name no more.
    pub(super) fn remove(&self, directory: &Directory, name: &OsStr) -> io::Result<()> {
        sys::remove_if_at(directory.as_fd(), name, self.identity)
    }
}

/// The error for a name whose owner is alive.
pub(super) fn in_use(path: &Path, pid: Option<u32>) -> Error {
    let path = path.display();
    let cause = match pid {
        Some(pid) => format!("process {pid} owns {path}"),
        None => format!("another process owns {path}"),
    };
    Error::new(ErrorKind::InUse, cause).remedy("stop it first, or choose another path")
}

/// Why a lock file that could not be opened is none, if that is why.
fn refusal(directory: &Directory, name: &OsStr, path: &Path) -> Result<Option<Error>> {
    Ok(match Entry::at(directory, name)? {
        Some(entry) => check(&entry, path).err(),
        None => None,
    })
}

/// Refuses what others could hold, or what has another name by which it is somebody's data.
fn check(entry: &Entry, path: &Path) -> Result<()> {
    entry.expect(FileKind::File, path)?;
    let shown = path.display();
    let cause = if entry.links > 1 {
        format!("{shown} has {} names and is no lock file of ours", entry.links)
    } else if entry.mode & 0o077 != 0 {
        format!("{shown} is open to others (mode {:04o}), who could hold the lock", entry.mode)
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Denied, cause).remedy("move it away by hand, or choose another path"))
}

/// The owner's pid, if it runs, and its draft.
type Content = (Option<u32>, Option<OsString>);

/// How long it is, and what it says; `None` if the file is not ours. An empty one is: its owner was killed, or has not yet got round to writing.
fn read(file: &OwnedFd) -> io::Result<(usize, Option<Content>)> {
    let mut buf = [0; CONTENT_MAX];
    let length = sys::read_start(file, &mut buf)?;
    Ok((length, parse(&buf[..length])))
}

fn parse(content: &[u8]) -> Option<Content> {
    if content.is_empty() {
        return Some((None, None));
    }
    let content = std::str::from_utf8(content).ok()?;
    let (line, tail) = content.split_once('\n')?;
    // Who is killed while writing leaves the end of a longer line behind its own.
    if !tail.is_empty() && tail.find('\n') != Some(tail.len() - 1) {
        return None;
    }
    let mut words = line.split(' ');
    let (magic, pid, draft) = (words.next()?, words.next()?, words.next()?);
    if magic != MAGIC || words.next().is_some() {
        return None;
    }
    let pid = pid.parse().ok()?;
    let draft = super::draft::is_temporary(draft).then(|| draft.into());
    Some((Some(pid).filter(|&pid| sys::is_running(pid)), draft))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_wrote_is_understood() {
        let draft = ".0123456789abcdef";
        let line = format!("framewire {} {draft}\n", std::process::id());
        assert_eq!(
            parse(line.as_bytes()),
            Some((Some(std::process::id()), Some(OsString::from(draft))))
        );
        assert_eq!(parse(b""), Some((None, None)));
        for content in ["\n", "x", "[[package]]\n", "framewire\n", "framewire 1\n", "framewire 1 -"]
        {
            assert_eq!(parse(content.as_bytes()), None, "{content:?}");
        }
        // One line was being written over a longer one.
        let both = format!("framewire 4294967295 -\n{}", &line[line.len() - 9..]);
        assert_eq!(parse(both.as_bytes()), Some((None, None)));
        for tail in ["\n\n", "and so on", "of\nmine\n"] {
            assert_eq!(parse(format!("framewire 4294967295 -\n{tail}").as_bytes()), None);
        }
        // A name that leads elsewhere is never one of our drafts.
        for draft in ["-", "..", "../../etc/passwd", ".0123456789abcdeF", ".0123456789abcde/"] {
            let line = format!("framewire {} {draft}\n", std::process::id());
            assert_eq!(parse(line.as_bytes()), Some((Some(std::process::id()), None)), "{draft}");
        }
        assert_eq!(parse(b"framewire 4294967295 -\n"), Some((None, None)));
    }
}
