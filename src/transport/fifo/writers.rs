//! Who may write: the file `<path>.writers`.
//!
//! The receiver makes it before its FIFO is there to be opened, and removes it with the FIFO. A
//! sender takes a lock on it, shared or exclusive, before it opens the FIFO, and has it until it has
//! closed that. So an exclusive sender has the FIFO to itself, and its frames can be longer than what
//! the kernel writes as one; the kernel gives a dead sender's lock up.
//!
//! That leaves the frame that a killed exclusive sender was in the middle of. Were the next sender
//! to open the FIFO before the receiver has noticed, there would be no hang-up to notice, and its
//! bytes would pass for the rest of that frame. So the file holds two numbers: `begun` is raised by
//! each exclusive sender before its first byte, and `ended` is made equal to it when that sender ends
//! between two frames, or else by the receiver, once it has seen the hang-up. Nobody writes while
//! the two differ. What this rests on:
//!
//! 1. Whoever writes has the lock on the file that is at the path *after* the FIFO was opened. A
//!    receiver replaces this file before it places its FIFO, so that a lock on a predecessor's file is
//!    found out, and is good for nothing. And it leaves the new one empty, which reads as if the two
//!    differed, until it has its FIFO open and in place: with a lock on a file that has numbers in it,
//!    nobody opens a predecessor's FIFO, and begins what this receiver would never see the end of.
//! 2. Whoever writes saw `begun == ended` with the lock in hand. That still holds when it writes:
//!    only who has the exclusive lock raises `begun`.
//! 3. An exclusive sender opens the FIFO, raises `begun`, and then writes. So as long as it lives
//!    and has not ended, the receiver sees no hang-up.
//! 4. The receiver sets `ended` to a `begun` that it had read *before* it found the FIFO empty and
//!    without writers. By 3, who raised `begun` to that has closed the FIFO by then, and all its
//!    bytes were read. Another sender that came meanwhile has raised `begun` further, and the two
//!    still differ: that is why they are numbers and not a flag.
//! 5. The receiver drops what it has of a frame before it reads what is written after 4.
//! 6. No hang-up is missed: the receiver opens its next reading end, which reports the hang-ups of
//!    all writers that were there or came since, before it reads `begun` for 4.
//!
//! Who writes without this file is not held back by any of it. A sender that finds it missing,
//! because the reader is another program, has a lock on the FIFO instead, and an exclusive one has
//! both: a receiver may come while it writes. `echo` in a shell has none, and while it has the FIFO
//! open there is no hang-up, and no end of a killed sender to be seen.
//!
//! A receiver that is killed leaves the file. The next one makes a new one and a new FIFO, since in
//! the old FIFO there may be the second half of a frame for as long as somebody has it open. The old
//! FIFO's writers find that nobody reads it; who was about to open it finds out by 1.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, ErrorKind, Result,
    names::{Claim, Directory, FileKind},
    sys::{self, Entry, Identity},
};

/// What the file begins with: one that does not is somebody's data.
const MAGIC: [u8; 16] = *b"framewire fifo 1";
/// Where `ended` is, behind `begun`.
const ENDED: usize = MAGIC.len() + size_of::<u64>();
const LEN: usize = ENDED + size_of::<u64>();
const SUFFIX: &str = ".writers";
/// The longest name, in bytes, that file systems agree on.
const NAME_MAX: usize = 255;

/// The file beside this path.
pub(super) fn beside(path: &Path) -> PathBuf {
    path.with_file_name(named(path.file_name().unwrap_or_default()))
}

fn named(name: &OsStr) -> OsString {
    let mut name = name.to_owned();
    name.push(SUFFIX);
    name
}

fn name_beside(claim: &Claim) -> Result<OsString> {
    let name = named(claim.name());
    if name.len() > NAME_MAX {
        let most = NAME_MAX - SUFFIX.len();
        let cause = format!("a name of {} bytes, limit {most}", claim.name().len());
        return Err(Error::new(ErrorKind::Address, cause).remedy("use a shorter name"));
    }
    Ok(name)
}

/// How far the exclusive senders are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    begun: u64,
    ended: u64,
}

impl Generation {
    /// What the file says; `None` until senders are let in.
    fn read(file: &OwnedFd) -> io::Result<Option<Self>> {
        let mut content = [0; LEN];
        if sys::read_start(file, &mut content)? < LEN {
            return Ok(None);
        }
        let number = |at: usize| {
            let mut bytes = [0; size_of::<u64>()];
            bytes.copy_from_slice(&content[at..at + size_of::<u64>()]);
            u64::from_ne_bytes(bytes)
        };
        Ok(Some(Self { begun: number(MAGIC.len()), ended: number(ENDED) }))
    }
}

/// The file as the receiver has it, until this is dropped.
#[derive(Debug)]
pub(super) struct Writers {
    file: OwnedFd,
    identity: Identity,
    directory: Arc<Directory>,
    name: OsString,
}

impl Writers {
    /// Whether a receiver that was killed has left one, which is removed.
    pub(super) fn clear(claim: &Claim) -> Result<bool> {
        let name = name_beside(claim)?;
        let path = beside(claim.path());
        let Some(entry) = Entry::at(claim.directory(), &name)? else { return Ok(false) };
        entry.expect(FileKind::File, &path)?;
        let doing = |cause: io::Error| Error::from(cause).doing(format!("read {}", path.display()));
        let Some(file) = sys::open_lock(&path, false).map_err(doing)? else { return Ok(false) };
        let mut content = [0; LEN];
        let length = sys::read_start(&file, &mut content).map_err(doing)?;
        let same = Entry::of(&file)?.identity == entry.identity;
        let is_ours = same && entry.links == 1 && is_start_of_ours(&content[..length]);
        if !is_ours {
            let cause = format!("{} is there and is not a file of ours", path.display());
            return Err(Error::new(ErrorKind::Denied, cause)
                .remedy("move it away by hand, or choose another path"));
        }
        sys::remove_if_at(claim.directory().as_fd(), &name, entry.identity)?;
        Ok(true)
    }

    /// Makes one for a FIFO of this mode: who may write to that may lock this, and waits until
    /// [`open`](Self::open).
    pub(super) fn make(claim: &Claim, mode: u32) -> Result<Self> {
        let name = name_beside(claim)?;
        let directory = claim.shared_directory();
        let doing = |cause: io::Error| {
            Error::from(cause).doing(format!("make {}", beside(claim.path()).display()))
        };
        // To lock it takes opening it, and to see `begun` and `ended` takes reading it.
        let mode = mode | (mode & 0o222) << 1;
        let file = sys::create_lock_at(&*directory, &name, mode).map_err(doing)?;
        let identity = Entry::of(&file).map_err(doing)?.identity;
        Ok(Self { file, identity, directory, name })
    }

    /// Lets senders in: what is at the path is the FIFO that we read.
    pub(super) fn open(&self) -> Result<()> {
        self.write().map_err(|cause| {
            let file = self.directory.path().join(&self.name);
            Error::from(cause).doing(format!("write {}", file.display()))
        })
    }

    fn write(&self) -> io::Result<()> {
        let mut content = [0; LEN];
        content[..MAGIC.len()].copy_from_slice(&MAGIC);
        sys::write_at(&self.file, &content, 0)
    }

    /// How far the exclusive senders are, to be read before looking whether any is there.
    pub(super) fn generation(&self) -> io::Result<Option<Generation>> {
        Generation::read(&self.file)
    }

    /// All bytes were read that were written up to this generation, and the writers are gone.
    pub(super) fn settle(&self, seen: Option<Generation>) -> io::Result<()> {
        // Somebody has cut it short, and keeps all who would write from it.
        let Some(seen) = seen else { return self.write() };
        match self.generation()? {
            // Whoever raised it is gone without having set `ended`, and nobody else does.
            Some(Generation { begun, ended }) if begun == seen.begun && begun != ended => {
                sys::write_at(&self.file, &begun.to_ne_bytes(), ENDED as u64)
            }
            // They ended in order, just after we had looked: an old number would hold others up.
            _ => Ok(()),
        }
    }

    pub(super) fn remove(&self) {
        // What cannot be removed is left as a killed process leaves it.
        let _ = sys::remove_if_at(self.directory.as_fd(), &self.name, self.identity);
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A receiver that is killed early leaves the start of it, or nothing.
fn is_start_of_ours(content: &[u8]) -> bool {
    let magic = content.len().min(MAGIC.len());
    content[..magic] == MAGIC[..magic]
}

/// A sender's lock, until this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    file: OwnedFd,
    identity: Identity,
    exclusive: bool,
}

impl Permit {
    /// Takes the lock; `None` where there is no such file.
    pub(super) fn take(path: &Path, exclusive: bool, owners: &[u32]) -> Result<Option<Self>> {
        let shown = beside(path);
        let doing =
            |cause: io::Error| Error::from(cause).doing(format!("lock {}", shown.display()));
        let Some(file) = sys::open_lock(&shown, exclusive).map_err(doing)? else {
            return Ok(None);
        };
        let entry = Entry::of(&file).map_err(doing)?;
        if entry.kind != FileKind::File || !owners.contains(&entry.owner) {
            let Entry { kind, owner, .. } = entry;
            let cause = format!("{} is {kind} of user {owner}, no receiver's", shown.display());
            return Err(Error::new(ErrorKind::Denied, cause)
                .remedy("allow the receiver's user with `fifo::Options::owners`"));
        }
        let lock = if exclusive { sys::try_lock(&file) } else { sys::try_lock_shared(&file) };
        if !lock.map_err(doing)? {
            return Err(refused(path, exclusive));
        }
        let mut start = [0; MAGIC.len()];
        let length = sys::read_start(&file, &mut start).map_err(doing)?;
        if !is_start_of_ours(&start[..length]) {
            let cause = format!("{} is there and is no receiver's", shown.display());
            return Err(Error::new(ErrorKind::Denied, cause).remedy("choose another path"));
        }
        Ok(Some(Self { file, identity: entry.identity, exclusive }))
    }

    /// Whether no frame of a killed sender is in the way.
    pub(super) fn is_settled(&self) -> io::Result<bool> {
        let generation = Generation::read(&self.file)?;
        Ok(generation.is_some_and(|generation| generation.begun == generation.ended))
    }

    /// Whether this, or the absence of any, is what stands at the path now.
    pub(super) fn is_current(permit: Option<&Self>, path: &Path) -> io::Result<bool> {
        let now = Entry::at_path(&beside(path))?;
        Ok(now.map(|entry| entry.identity) == permit.map(|permit| permit.identity))
    }

    /// From here on there may be a part of a frame.
    pub(super) fn begin(&self) -> io::Result<()> {
        if !self.exclusive {
            return Ok(());
        }
        let begun = Generation::read(&self.file)?.map_or(0, |generation| generation.begun);
        sys::write_at(&self.file, &begun.wrapping_add(1).to_ne_bytes(), MAGIC.len() as u64)
    }

    /// There is no part of a frame, and nothing more will be written.
    pub(super) fn end(&self) -> io::Result<()> {
        match Generation::read(&self.file)? {
            Some(Generation { begun, .. }) if self.exclusive => {
                sys::write_at(&self.file, &begun.to_ne_bytes(), ENDED as u64)
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn refused(path: &Path, exclusive: bool) -> Error {
    let path = path.display();
    let (cause, remedy) = if exclusive {
        (format!("others write to {path}"), "stop them first, or send without `exclusive`")
    } else {
        (format!("an exclusive sender writes to {path}"), "stop it first")
    };
    Error::new(ErrorKind::InUse, cause).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(scratch: &Path) -> (Writers, PathBuf) {
        let path = scratch.join("f");
        let claim = Claim::take(&path).unwrap();
        (Writers::make(&claim, 0o600).unwrap(), path)
    }

    fn permit(path: &Path) -> Permit {
        Permit::take(path, true, &[sys::our_uid()]).unwrap().unwrap()
    }

    /// Until then the FIFO at the path can be a predecessor's, whose hang-ups we never see.
    #[test]
    fn nobody_begins_before_the_receiver_has_its_fifo() {
        let scratch = tempfile::tempdir().unwrap();
        let (writers, path) = made(scratch.path());
        assert!(!permit(&path).is_settled().unwrap());
        writers.open().unwrap();
        assert!(permit(&path).is_settled().unwrap());
    }

    #[test]
    fn who_has_ended_in_order_is_not_ended_once_more() {
        let scratch = tempfile::tempdir().unwrap();
        let (writers, path) = made(scratch.path());
        writers.open().unwrap();
        let one = permit(&path);
        one.begin().unwrap();
        let seen = writers.generation().unwrap();
        one.end().unwrap();
        drop(one);
        let next = permit(&path);
        next.begin().unwrap();
        next.end().unwrap();
        drop(next);
        writers.settle(seen).unwrap();
        assert!(permit(&path).is_settled().unwrap());

        // One that is killed is ended.
        permit(&path).begin().unwrap();
        assert!(!permit(&path).is_settled().unwrap());
        writers.settle(writers.generation().unwrap()).unwrap();
        assert!(permit(&path).is_settled().unwrap());
    }
}
