use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

use super::{Claim, Directory, FileKind, Placed, directory::split, lock::Lock};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry, Identity},
};

/// What a process leaves of a path that it owns, for another to own it without a moment in between
/// in which nobody does.
///
/// The lock belongs to the open file and not to a process: it is held for as long as either of the
/// two has a descriptor of it. Who owns the path, and so removes it one day, is for the two to
/// agree on ([`Placed::set_owner`]).
#[derive(Debug)]
pub(crate) struct Estate {
    /// The open file that has the lock.
    pub(crate) lock: OwnedFd,
    pub(crate) directory: OwnedFd,
    /// Which object it is that stands at the path.
    pub(crate) identity: Identity,
    /// As it was claimed, and so perhaps relative to a directory that is not ours.
    pub(crate) path: PathBuf,
}

impl Estate {
    /// Copies of what the owner has; its own stay with it.
    pub(super) fn of(claim: &Claim, identity: Identity) -> Result<Self> {
        let copy = |fd: &dyn AsFd| fd.as_fd().try_clone_to_owned();
        let copies =
            || -> io::Result<_> { Ok((copy(claim.lock().file())?, copy(claim.directory())?)) };
        let (lock, directory) = copies().map_err(|cause| {
            Error::from(cause).doing(format!("hand over {}", claim.path().display()))
        })?;
        Ok(Self { lock, directory, identity, path: claim.path().to_owned() })
    }

    /// The object at its path, which is not owned by us before [`Placed::set_owner`].
    pub(crate) fn inherit(self) -> Result<Placed> {
        let Self { lock, directory, identity, path } = self;
        let failed = |error: Error| error.doing(format!("take over {}", path.display()));
        if Entry::of(&directory)?.kind != FileKind::Directory {
            let cause = "what should be its directory is none";
            return Err(failed(Error::new(ErrorKind::Malformed, cause)));
        }
        let lock = Lock::shared(lock).map_err(failed)?;
        let (parent, name) = split(&path).map_err(failed)?;
        // Pinned if it is still there: who has displaced it is left alone either way.
        let pin = sys::pin_at(directory.as_fd(), name).ok().flatten();
        let pin = pin.filter(|pin| Entry::of(pin).is_ok_and(|entry| entry.identity == identity));
        let name = name.to_owned();
        let directory = Directory::shared(directory, parent.unwrap_or(".".as_ref()).to_owned());
        Ok(Placed::new(Claim::shared(directory, name, path, lock), identity, pin))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// As between two processes, but for the exec.
    #[test]
    fn a_path_and_its_lock_go_to_who_owns_it() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("jobs");
        let draft = Claim::take(&path).unwrap().draft().unwrap();
        fs::write(draft.path(), "ours").unwrap();
        let old = draft.place().unwrap();
        let new = old.estate().unwrap().inherit().unwrap();
        assert!(old.is_owner() && !new.is_owner() && new.is_current().unwrap());

        // It comes to nothing: the heir leaves everything.
        drop(new);
        assert!(old.is_current().unwrap());
        assert_eq!(Claim::take(&path).unwrap_err().kind(), ErrorKind::InUse);

        // It succeeds: the old owner does.
        let new = old.estate().unwrap().inherit().unwrap();
        old.set_owner(false);
        new.set_owner(true);
        drop(old);
        assert!(new.is_current().unwrap());
        assert_eq!(Claim::take(&path).unwrap_err().kind(), ErrorKind::InUse);
        drop(new);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_does_not_have_the_lock_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("jobs");
        let draft = Claim::take(&path).unwrap().draft().unwrap();
        fs::write(draft.path(), "ours").unwrap();
        let placed = draft.place().unwrap();
        let stranger = || OwnedFd::from(fs::File::open(scratch.path().join("jobs.lock")).unwrap());

        let estate = placed.estate().unwrap();
        let error = Estate { lock: stranger(), ..estate }.inherit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        let estate = placed.estate().unwrap();
        let error = Estate { directory: stranger(), ..estate }.inherit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(placed.is_current().unwrap());
    }
}
