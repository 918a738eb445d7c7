use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::Arc,
};

use super::{Claim, Estate};
use crate::{
    Result,
    sys::{self, Entry, Identity},
};

/// An object at the path that was claimed for it, until this is dropped: then the path is removed
/// if it still stands for this object, and the claim is given up after that.
///
/// Whether it does is decided by device and inode number, so that an owner whose object was
/// replaced by hand leaves its successor's alone. On Linux and Android this holds a descriptor of
/// the object (`O_PATH`: it neither reads nor writes), by which its inode number stays its own.
/// Elsewhere, drop it before you close the object itself; that has the same effect.
///
/// # Examples
///
/// ```
/// use framewire::names::Claim;
///
/// # fn main() -> framewire::Result<()> {
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("jobs");
/// let draft = Claim::take(&path)?.draft()?;
/// std::fs::write(draft.path(), "ours")?;
/// let placed = draft.place()?;
/// assert!(placed.is_current()?);
///
/// // Somebody clears the directory by hand, and another takes the path.
/// std::fs::remove_file(&path)?;
/// std::fs::write(&path, "theirs")?;
/// assert!(!placed.is_current()?);
/// drop(placed);
/// assert_eq!(std::fs::read(&path)?, b"theirs");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Placed(Arc<Object>);

#[derive(Debug)]
struct Object {
    identity: Identity,
    // Open for the sake of the inode number alone.
    _pin: Option<OwnedFd>,
    // Dropped last: nobody may take the path while we decide whether to remove it.
    claim: Claim,
}

impl Placed {
    pub(super) fn new(claim: Claim, identity: Identity, pin: Option<OwnedFd>) -> Self {
        Self(Arc::new(Object { identity, _pin: pin, claim }))
    }

    /// The same object: the path is removed when the last of both is dropped.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// What another process needs to become the owner.
    pub(crate) fn estate(&self) -> Result<Estate> {
        Estate::of(&self.0.claim, self.0.identity)
    }

    /// Makes this the owner of the path, or no longer: who is not leaves the path, and the file of
    /// the lock, to who is.
    pub(crate) fn set_owner(&self, owner: bool) {
        self.0.claim.set_owner(owner);
    }

    /// Whether this is the owner of the path.
    pub(crate) fn is_owner(&self) -> bool {
        self.0.claim.is_owner()
    }

    /// Writes down that this process has the path.
    pub(crate) fn record(&self) -> Result<()> {
        self.0.claim.record(None)
    }

    /// Whether the path still stands for this object: if not, it was removed or replaced behind
    /// our back, and nobody who asks for the path reaches us any more.
    ///
    /// # Examples
    ///
    /// See [`Placed`].
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// # let draft = framewire::names::Claim::take(directory.path().join("jobs"))?.draft()?;
    /// # std::fs::write(draft.path(), "ours")?;
    /// let placed = draft.place()?;
    /// assert!(placed.is_current()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As the system has them, from `fstatat(2)`.
    pub fn is_current(&self) -> Result<bool> {
        let Object { identity, claim, .. } = &*self.0;
        let entry = Entry::at(claim.directory(), claim.name())?;
        Ok(entry.is_some_and(|entry| entry.identity == *identity))
    }

    /// Removes the path now, if it still stands for this object; the claim is kept.
    pub(crate) fn remove(&self) {
        self.0.remove();
    }

    /// The right to the path.
    pub(crate) fn claim(&self) -> &Claim {
        &self.0.claim
    }

    /// The path, as it was claimed.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("jobs");
    /// # let draft = framewire::names::Claim::take(&path)?.draft()?;
    /// # std::fs::write(draft.path(), "ours")?;
    /// assert_eq!(draft.place()?.path(), path);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> &Path {
        self.0.claim.path()
    }
}

impl Object {
    fn remove(&self) {
        // What cannot be removed is left as a killed process leaves it: the next owner replaces it.
        let directory = self.claim.directory().as_fd();
        let _ = sys::remove_if_at(directory, self.claim.name(), self.identity);
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.claim.is_owner() {
            self.remove();
        }
    }
}
