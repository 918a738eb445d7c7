use std::{
    ffi::{OsStr, OsString},
    fmt::Write as _,
    hash::{BuildHasher, RandomState},
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::Arc,
};

use super::{Claim, Directory, FileKind, Placed, socket_path};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry, Identity},
};

/// Owner only.
const PRIVATE: u32 = 0o600;

/// A temporary name beside the claimed path, for creating the object under before it takes its
/// place.
///
/// The name is short (17 bytes), hidden, and cannot be guessed. It is removed when the draft is
/// dropped, and by the next [`Claim`] on the path when the process is killed: the lock file says
/// which it was.
///
/// # Examples
///
/// ```
/// use std::os::unix::fs::PermissionsExt;
/// use framewire::names::Claim;
///
/// # fn main() -> framewire::Result<()> {
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("state");
/// let draft = Claim::take(&path)?.draft()?;
/// std::fs::write(draft.path(), "all of it")?;
/// let placed = draft.place()?; // Nobody ever saw half of it.
///
/// assert_eq!(std::fs::read(&path)?, b"all of it");
/// assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Draft {
    // Dropped before the claim, so that the name is gone while it is ours alone.
    temporary: Temporary,
    claim: Claim,
    mode: u32,
}

impl Draft {
    pub(super) fn new(claim: Claim) -> Result<Self> {
        let name = temporary_name();
        // First the note, then the object: whoever is killed in between leaves at worst a note.
        claim.record(Some(&name))?;
        let temporary = Temporary { directory: claim.shared_directory(), name: name.into() };
        Ok(Self { temporary, claim, mode: PRIVATE })
    }

    /// The permissions that the object gets before it takes its place; 0600 unless said
    /// otherwise, whatever the umask.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::Claim;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let draft = Claim::take(directory.path().join("jobs"))?.draft()?.mode(0o660);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The temporary path.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::Claim;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let draft = Claim::take(directory.path().join("jobs"))?.draft()?;
    /// std::fs::write(draft.path(), "1")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> PathBuf {
        self.directory().path().join(self.name())
    }

    /// The temporary path as a socket can be bound to: [`Draft::path`] where it fits into a
    /// socket's address, else one through our descriptor of the directory, which leads there while
    /// this draft lives.
    ///
    /// # Examples
    ///
    /// See [the module](super).
    ///
    /// ```
    /// use framewire::names::Claim;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let draft = Claim::take(directory.path().join("jobs.sock"))?.draft()?;
    /// let listener = std::os::unix::net::UnixListener::bind(draft.socket_path()?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Address`: this path, or the claimed one, is too long even so; the message has its length
    /// and the limit.
    ///
    /// # Platform
    ///
    /// The way out is `/proc/self/fd` on Linux and Android. Elsewhere, the directory's path may
    /// have 18 bytes less than the limit of [`SocketPath`](super::SocketPath).
    pub fn socket_path(&self) -> Result<PathBuf> {
        // A listener that no client can reach would be no use: judge the final path as well.
        let path = self.claim.path().to_owned();
        socket_path::short(self.directory(), self.claim.name(), path)?;
        socket_path::short(self.directory(), self.name(), self.path())
    }

    /// The directory, for the calls that take a descriptor and a [name](Self::name).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// use framewire::names::Claim;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let draft = Claim::take(directory.path().join("jobs"))?.draft()?;
    /// let (directory, name) = (draft.directory().as_fd(), draft.name());
    /// # let _ = (directory, name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn directory(&self) -> &Directory {
        self.claim.directory()
    }

    /// The temporary name in that directory.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::Claim;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let draft = Claim::take(directory.path().join("jobs"))?.draft()?;
    /// assert_eq!(draft.name().len(), 17);
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> &OsStr {
        &self.temporary.name
    }

    /// Moves the object from its temporary name to the claimed path, in place of a stale one of
    /// the same kind, in one step: at every moment there is one object at the path.
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
    /// std::fs::write(draft.path(), "1")?;
    /// let placed = draft.place()?;
    /// assert!(path.exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// * `NotFound`: nothing was created under the temporary name.
    /// * `Denied`: something of another kind, or of another user, stands at the path.
    /// * `Unsupported`: what was created is a symbolic link.
    ///
    /// Nothing is left behind then, and the claim is given up.
    ///
    /// # Platform
    ///
    /// `renameat(2)`.
    pub fn place(self) -> Result<Placed> {
        let (identity, pin) = self.settle()?;
        Ok(Placed::new(self.claim, identity, pin))
    }

    /// The same for an object that stays when the claim on its path is given up: the claim comes
    /// back, for the next one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn put(self) -> (Claim, Result<()>) {
        let put = self.settle().map(drop);
        (self.give_up(), put)
    }

    /// Leaves what is at the path, and gives the claim back.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn give_up(self) -> Claim {
        // The temporary name goes with the rest.
        self.claim
    }

    /// Has the object take its place, and says which it is.
    fn settle(&self) -> Result<(Identity, Option<OwnedFd>)> {
        let Self { temporary, claim, mode } = self;
        let mode = *mode;
        let directory = &*temporary.directory;
        let shown = claim.path().display().to_string();
        let failed = |cause: io::Error| Error::from(cause).doing(format!("place {shown}"));
        let Some(entry) = Entry::at(directory, &temporary.name).map_err(failed)? else {
            let cause = format!("nothing was created under the temporary name for {shown}");
            return Err(
                Error::new(ErrorKind::NotFound, cause).remedy("create the object at `Draft::path`")
            );
        };
        if entry.kind == FileKind::Symlink {
            // To set its permissions would be to set those of another file.
            let cause = format!("a symbolic link was to be placed at {shown}");
            return Err(Error::new(ErrorKind::Unsupported, cause));
        }
        if entry.mode != mode {
            sys::set_mode_at(directory, &temporary.name, mode).map_err(failed)?;
        }
        let pin = sys::pin_at(directory.as_fd(), &temporary.name).map_err(failed)?;
        // Renaming replaces anything but a directory: look once more what that would be.
        claim.finds(entry.kind)?;
        sys::rename_at(directory, &temporary.name, claim.name()).map_err(failed)?;
        Ok((entry.identity, pin))
    }
}

/// A name to remove. Once the object has moved there is nothing left to remove under it.
#[derive(Debug)]
struct Temporary {
    directory: Arc<Directory>,
    name: OsString,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = sys::remove_at(&*self.directory, &self.name);
    }
}

/// A dot and 16 hexadecimal digits.
fn temporary_name() -> String {
    // The standard library's hash keys come from the system's source of randomness, each new
    // state has another, and SipHash does not tell the key: good enough not to be guessed. The
    // pid keeps apart two processes that were forked from one and share keys.
    let number = RandomState::new().hash_one(std::process::id());
    let mut name = String::with_capacity(17);
    let _ = write!(name, ".{number:016x}");
    name
}

/// Whether a name is one that [`temporary_name`] can have made.
pub(super) fn is_temporary(name: &str) -> bool {
    name.len() == 17
        && name.starts_with('.')
        && name[1..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_recognised_and_differ() {
        let names: std::collections::HashSet<_> = (0..1000).map(|_| temporary_name()).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| is_temporary(name)));
        assert!(!is_temporary(".jobs.sock"));
    }
}
