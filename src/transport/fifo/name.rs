//! The FIFO's name, as its receiver has it.

use std::{
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use super::writers::{Generation, Writers};
use crate::{
    Error, ErrorKind, Result,
    names::{Claim, FileKind, Placed},
    sys::{self, Entry, Identity},
};

/// The right to a FIFO, and what is beside it.
///
/// A FIFO that is there and was made by hand is used as it is, and left when the receiver goes. One
/// that a killed receiver left is replaced, and so one that a receiver had to leave while somebody
/// was writing to it: see [`writers`](super::writers).
#[derive(Debug)]
pub(super) struct Name {
    // Dropped before the claim.
    writers: Writers,
    identity: Identity,
    held: Held,
    withdrawn: bool,
}

#[derive(Debug)]
enum Held {
    /// One of our making.
    Made(Placed),
    /// One that was there.
    Found(Claim),
}

impl Held {
    fn claim(&self) -> &Claim {
        match self {
            Self::Made(placed) => placed.claim(),
            Self::Found(claim) => claim,
        }
    }
}

impl Name {
    /// Takes the path, and opens what is there from now on for reading.
    pub(super) fn take(path: &Path, mode: u32) -> Result<(Self, OwnedFd)> {
        let mode = mode & 0o777;
        let claim = Claim::take(path)?;
        if claim.is_inherited() {
            // Should this fail, the next one has to know as well.
            claim.abandon();
        }
        let found = claim.finds(FileKind::Fifo)?;
        let left = Writers::clear(&claim)? || claim.is_inherited();
        if found && !left {
            return Self::adopt(claim, mode);
        }
        if found {
            claim.abandon();
        }
        Self::make(claim, mode)
    }

    fn make(claim: Claim, mode: u32) -> Result<(Self, OwnedFd)> {
        let old = if claim.finds(FileKind::Fifo)? {
            sys::pin_at(claim.directory().as_fd(), claim.name())?
        } else {
            None
        };
        let writers = Writers::make(&claim, mode)?;
        let draft = claim.draft()?.mode(mode);
        sys::make_fifo(&draft.path())?;
        // Ours to open, whatever the umask has left of it.
        sys::set_mode_at(draft.directory(), draft.name(), mode)?;
        let fd = sys::open_to_read_at(draft.directory().as_fd(), draft.name())?;
        let identity = Entry::of(&fd)?.identity;
        let placed = draft.place()?;
        placed.set_owner(true);
        writers.open()?;
        if let Some(old) = old {
            sys::let_waiting_writers_go(old);
        }
        Ok((Self { writers, identity, held: Held::Made(placed), withdrawn: false }, fd))
    }

    fn adopt(claim: Claim, mode: u32) -> Result<(Self, OwnedFd)> {
        let path = claim.path().display();
        let denied = |cause: String, remedy: String| {
            Err(Error::new(ErrorKind::Denied, cause).remedy(remedy))
        };
        let gone =
            || denied(format!("{path} was replaced while it was opened"), "try again".into());
        let Some(entry) = Entry::at(claim.directory(), claim.name())? else { return gone() };
        entry.expect(FileKind::Fifo, claim.path())?;
        if entry.mode & !mode != 0 {
            let cause = format!("{path} is open to more (mode {:04o}) than {mode:04o}", entry.mode);
            return denied(cause, format!("chmod {mode:o} {path}, or ask for its mode"));
        }
        if entry.links > 1 {
            let cause = format!("{path} has {} names, and each could have a reader", entry.links);
            return denied(cause, "remove the others, or choose another path".into());
        }
        // Before anybody can open the FIFO for writing.
        let writers = Writers::make(&claim, mode)?;
        let fd = sys::open_to_read_at(claim.directory().as_fd(), claim.name())?;
        if Entry::of(&fd)?.identity != entry.identity {
            return gone();
        }
        writers.open()?;
        let identity = entry.identity;
        Ok((Self { writers, identity, held: Held::Found(claim), withdrawn: false }, fd))
    }

    /// Opens the FIFO for reading once more.
    pub(super) fn open(&self) -> Result<OwnedFd> {
        let removed = |path: &Path| {
            let cause = format!("{} was removed or replaced: nobody can reach us", path.display());
            Error::new(ErrorKind::Closed, cause).remedy("make a new receiver")
        };
        let claim = self.held.claim();
        let fd = sys::open_to_read_at(claim.directory().as_fd(), claim.name());
        let fd = fd.map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => removed(claim.path()),
            _ => Error::from(cause),
        })?;
        if Entry::of(&fd)?.identity != self.identity {
            return Err(removed(claim.path()));
        }
        Ok(fd)
    }

    /// How far the exclusive senders are: to be asked for once [`open`](Self::open) is done.
    pub(super) fn generation(&self) -> Option<Generation> {
        // What cannot be read is as good as damaged: `settle` writes it anew.
        self.writers.generation().ok().flatten()
    }

    /// Since this generation was asked for, the FIFO was found empty and without writers.
    pub(super) fn settle(&self, seen: Option<Generation>) {
        if let Err(error) = self.writers.settle(seen) {
            tracing::warn!(%error, "senders that wait for the end of a killed one wait on");
        }
    }

    /// Gives everything up but the right to the path; `fd` is the last reading end, which is closed
    /// before that is given up as well.
    pub(super) fn withdraw(&mut self, fd: Option<BorrowedFd<'_>>) {
        if std::mem::replace(&mut self.withdrawn, true) {
            return;
        }
        match &mut self.held {
            // The FIFO first: whoever meets it finds the file beside it.
            Held::Made(placed) => {
                placed.remove();
                self.writers.remove();
            }
            // The file first: whoever opens the FIFO from here on finds that it is missing, and
            // whoever had opened it before is seen here.
            Held::Found(claim) => {
                self.writers.remove();
                let read = fd.map(|fd| sys::read(fd, &mut [MaybeUninit::uninit()]));
                if !matches!(read, Some(Ok(0))) {
                    claim.abandon();
                }
            }
        }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.withdraw(None);
    }
}
