//! The file: what can be one, how it is made, and whether it still has its name.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;

use super::{MOST, Options};
use crate::{
    Endpoint, Error, ErrorKind, Result,
    names::{Claim, Directory, FileKind, split},
    runtime,
    sys::{self, Entry, Identity},
};

/// For how long a refusal is doubted: who makes a file has the right to its name for a moment.
const DOUBT: Duration = Duration::from_millis(500);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(2);

/// Tells an error what was being done, and where.
#[cold]
pub(super) fn failed(doing: &'static str, path: &Path, error: Error) -> Error {
    error.doing(doing).on(Endpoint::Lease(path.to_owned()))
}

/// A file that stands for permits, as it was found or made.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    directory: Directory,
    pub(super) file: OwnedFd,
    identity: Identity,
    /// How many it stands for.
    pub(super) count: u16,
}

impl Place {
    /// The file that is there, or one that is made: with `wanted` permits, or else one.
    pub(super) async fn open(
        options: &Options,
        path: &Path,
        wanted: Option<usize>,
    ) -> Result<Self> {
        if let Some(wanted) = wanted {
            check_count(wanted)?;
        }
        runtime::here()?;
        let until = Instant::now() + DOUBT;
        loop {
            if let Some(found) = Self::find(options, path, wanted)? {
                return Ok(found);
            }
            match Claim::take(path) {
                Ok(claim) => return Self::make(options, claim, path, wanted),
                Err(error) if error.kind() == ErrorKind::InUse && Instant::now() < until => {
                    runtime::sleep(PAUSE)?.await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The file that is there.
    pub(super) fn find(
        options: &Options,
        path: &Path,
        wanted: Option<usize>,
    ) -> Result<Option<Self>> {
        let directory = Directory::of(path)?;
        // Looked at before as well: to open some files does something to others.
        let Some(entry) = Entry::at(&directory, split(path)?.1)? else { return Ok(None) };
        check(&entry, path, &options.owners_or_usual(), options.mode)?;
        let Some(file) = sys::open_lock(path, true)? else { return Ok(None) };
        let entry = Entry::of(&file)?;
        check(&entry, path, &options.owners_or_usual(), options.mode)?;
        let count = count_of(file.as_fd(), wanted, path)?;
        let (path, identity) = (path.to_owned(), entry.identity);
        Ok(Some(Self { path, directory, file, identity, count }))
    }

    /// A fresh one, unless somebody was faster: whoever has the claim is alone with the name.
    fn make(options: &Options, claim: Claim, path: &Path, wanted: Option<usize>) -> Result<Self> {
        if let Some(found) = Self::find(options, path, wanted)? {
            return Ok(found);
        }
        let count = wanted.unwrap_or(1);
        let draft = claim.draft()?.mode(options.mode);
        let file = sys::create_lock_at(draft.directory(), draft.name(), options.mode)?;
        sys::write_at(&file, &vec![0; count], 0).map_err(|cause| match cause.kind() {
            io::ErrorKind::StorageFull => Error::new(ErrorKind::Exhausted, cause)
                .remedy("make room in the file system, or choose another path"),
            _ => cause.into(),
        })?;
        let identity = Entry::of(&file)?.identity;
        let (_claim, put) = draft.put();
        put?;
        let directory = Directory::of(path)?;
        Ok(Self { path: path.to_owned(), directory, file, identity, count: count as u16 })
    }

    /// Fails where the name stands for another file, or for none.
    pub(super) fn expect_current(&self) -> Result<()> {
        let entry = Entry::at(&self.directory, split(&self.path)?.1)?;
        if entry.is_some_and(|entry| entry.identity == self.identity) {
            return Ok(());
        }
        let path = self.path.display();
        let cause = format!("{path} was removed or replaced: who comes now has other permits");
        Err(Error::new(ErrorKind::Closed, cause).remedy("open it anew"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

pub(super) fn remove(path: &Path) -> Result<bool> {
    let directory = Directory::of(path)?;
    let name = split(path)?.1;
    let Some(entry) = Entry::at(&directory, name)? else { return Ok(false) };
    check(&entry, path, &[sys::our_uid()], !0)?;
    let Some(file) = sys::open_lock(path, false)? else { return Ok(false) };
    count_of(file.as_fd(), None, path)?;
    let identity = Entry::of(&file)?.identity;
    sys::remove_if_at(directory.as_fd(), name, identity)?;
    Ok(true)
}

fn check_count(wanted: usize) -> Result<()> {
    if (1..=MOST).contains(&wanted) {
        return Ok(());
    }
    let cause = format!("{wanted} permits, and there can be 1 to {MOST}");
    Err(Error::new(ErrorKind::Address, cause).remedy("ask for as many as there are resources"))
}

/// How many permits a file stands for.
fn count_of(file: BorrowedFd<'_>, wanted: Option<usize>, path: &Path) -> Result<u16> {
    let path = path.display();
    let len = sys::file_len(file)?;
    let count = usize::try_from(len).unwrap_or(usize::MAX);
    match wanted {
        Some(wanted) if wanted != count => {
            let cause = format!("{path} stands for {len} permits, and {wanted} were asked for");
            Err(Error::new(ErrorKind::Malformed, cause).remedy(format!(
                "ask for {len}, or, when nobody uses it, remove it with `lease::remove`"
            )))
        }
        _ if !(1..=MOST).contains(&count) => {
            let cause = format!("{path} has {len} bytes, and permits are files of 1 to {MOST}");
            Err(Error::new(ErrorKind::Malformed, cause).remedy("is the path right?"))
        }
        _ => Ok(count as u16),
    }
}

/// Refuses what others could hold locks on, be it only by reading, or is no file of these users'.
fn check(entry: &Entry, path: &Path, owners: &[u32], mode: u32) -> Result<()> {
    let path = path.display();
    let others = entry.mode & 0o066 & !mode;
    let (cause, remedy) = if entry.kind != FileKind::File {
        let remedy = "move it away by hand, or choose another path";
        (format!("{path} is {}, not a regular file", entry.kind), remedy.to_owned())
    } else if !owners.contains(&entry.owner) {
        let cause = format!("{path} belongs to user {}, allowed: {owners:?}", entry.owner);
        (cause, "allow its user with `lease::Options::owners`, or choose another path".into())
    } else if entry.links > 1 {
        let cause = format!("{path} has {} names, and each could be removed", entry.links);
        (cause, "remove the others, or choose another path".into())
    } else if others != 0 {
        let how = if others & 0o022 != 0 { "write to" } else { "read" };
        let cause = format!("others can {how} {path} (mode {:04o})", entry.mode);
        (cause, format!("chmod {:o} {path}, or allow it by `mode`", entry.mode & !others))
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Denied, cause).remedy(remedy))
}
