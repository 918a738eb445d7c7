//! Where names are, and what stands at one.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use super::{layout::Layout, role::Attached};
use crate::{
    Error, ErrorKind, Result,
    names::{Claim, Directory, Draft, FileKind},
    sys::{self, Entry, SEGMENTS},
};

/// How often those who leave at the same moment make way for each other.
const ROUNDS: u32 = 50;

/// What a name is for. Each has a file of its own, so that they do not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A sender and a receiver: one ring.
    OneWay,
    /// A listener and who connects: a ring each way.
    Duplex,
}

impl Purpose {
    pub(super) fn rings(self) -> usize {
        match self {
            Self::OneWay => 1,
            Self::Duplex => 2,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::OneWay => "ring",
            Self::Duplex => "pair",
        }
    }
}

/// The path of a name.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    purpose: Purpose,
}

/// What stands at a path.
pub(super) enum Found {
    Nothing,
    /// A file of ours, and how it is laid out; not, where it is none of this version's.
    File(OwnedFd, Option<Layout>),
}

impl Place {
    /// In this directory, or else in the one that all processes of our user look in.
    pub(super) fn of(name: &str, purpose: Purpose, directory: Option<&PathBuf>) -> Result<Self> {
        let file = format!("{name}.{}", purpose.suffix());
        let directory = match directory {
            Some(directory) => directory.clone(),
            None => {
                let ours = format!("framewire-{}", sys::our_uid());
                let ours = Directory::private_in(SEGMENTS.as_ref(), &ours);
                let elsewhere = "or choose another directory: `named::Options::directory`";
                ours.map_err(|error| error.remedy(elsewhere))?.path().to_owned()
            }
        };
        Ok(Self { path: directory.join(file), purpose })
    }

    /// The right to change what stands there. Who has it has it for a moment, a listener excepted.
    pub(super) fn claim(&self) -> Result<Claim> {
        Claim::take(&self.path)
    }

    pub(super) fn find(&self) -> Result<Found> {
        let file = match sys::open_segment(&self.path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                // A directory that is missing is another matter.
                Directory::of(&self.path)?;
                return Ok(Found::Nothing);
            }
            Err(cause) => {
                // The error number for what cannot be opened like that says less than what it is.
                if let Some(entry) = Entry::at_path(&self.path)? {
                    self.check(&entry)?;
                }
                return Err(cause.into());
            }
        };
        self.check(&Entry::of(&file)?)?;
        let layout = Layout::read(&file, self.purpose.rings())?;
        Ok(Found::File(file, layout))
    }

    /// Refuses what others could write to, or had a hand in.
    fn check(&self, entry: &Entry) -> Result<()> {
        entry.expect(FileKind::File, &self.path)?;
        let path = self.path.display();
        let cause = if entry.mode & 0o077 != 0 {
            format!("{path} is open to others (mode {:04o})", entry.mode)
        } else if entry.links > 1 {
            format!("{path} has {} names", entry.links)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Denied, cause).remedy("remove it by hand"))
    }

    /// A fresh file under a temporary name.
    pub(super) fn make(&self, draft: &Draft, capacity: usize) -> Result<(OwnedFd, Layout)> {
        let layout = Layout { rings: self.purpose.rings(), capacity };
        let file = sys::create_lock_at(draft.directory(), draft.name(), 0o600)?;
        layout.write(file.as_fd()).map_err(|cause| match cause.kind() {
            io::ErrorKind::StorageFull => Error::new(ErrorKind::Exhausted, cause)
                .remedy("make room in its directory, or ask for less: `named::Options::capacity`"),
            _ => Error::from(cause).remedy("is its directory one of memory, a tmpfs?"),
        })?;
        Ok((file, layout))
    }

    /// Removes the name if it stands for this file, and nobody has a part in it or left anything
    /// unread: called by who has just left.
    pub(super) fn tidy(&self, attached: &Attached) {
        let is_over = || -> io::Result<bool> {
            let named = attached.entry()?.links > 0;
            Ok(named && attached.is_deserted()? && attached.ring(0).is_drained())
        };
        for _ in 0..ROUNDS {
            if !is_over().unwrap_or(false) {
                return;
            }
            if let Ok(claim) = self.claim() {
                // Once more, now that nobody can come.
                if let (Ok(true), Ok(entry)) = (is_over(), attached.entry()) {
                    self.remove(&claim, &entry);
                }
                return;
            }
            // Its holder is about to be done, or to come in.
            std::thread::yield_now();
        }
    }

    /// Removes the name if it stands for this file.
    pub(super) fn remove(&self, claim: &Claim, entry: &Entry) {
        let directory = claim.directory().as_fd();
        // What cannot be removed is left as a killed process leaves it: the next one replaces it.
        let _ = sys::remove_if_at(directory, claim.name(), entry.identity);
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
