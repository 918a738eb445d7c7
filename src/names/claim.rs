use std::{
    ffi::{OsStr, OsString},
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Directory, Draft, FileKind, Placed, lock, lock::Lock, socket_path};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry},
};

/// The longest name, in bytes, that file systems agree on.
const NAME_MAX: usize = 255;

const SUFFIX: &str = ".lock";

/// The exclusive right to a path, for as long as it lives: of all processes that ask for it,
/// one has it.
///
/// The right is a lock on the file `<path>.lock`. The kernel gives it up when its holder ends,
/// however that comes about, so that what a killed process left is simply taken: no timeout
/// decides, and no pid that may be another's by now. The lock file holds the owner's pid for the
/// error message of whoever comes second. When the claim is dropped the lock file is removed; one
/// that a killed process left stays until the next claim on that path.
///
/// A claim binds those who make claims. That a program without one uses the path is for the
/// transport to find out, by connecting; see the example of [the module](super).
#[derive(Debug)]
pub struct Claim {
    directory: Arc<Directory>,
    name: OsString,
    path: PathBuf,
    lock: Lock,
    lock_name: OsString,
    /// Unless another process has the right, or will have it, by a copy of the lock's descriptor; or
    /// what a killed owner leaves is to be left.
    owner: AtomicBool,
}

impl Claim {
    /// Takes the right to `path`, or says who has it. Never waits.
    ///
    /// What stands at `path` itself is not looked at: see [`Claim::finds`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, names::Claim};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("jobs.sock");
    /// let claim = Claim::take(&path)?;
    /// assert_eq!(Claim::take(&path).unwrap_err().kind(), ErrorKind::InUse);
    ///
    /// drop(claim);
    /// assert!(Claim::take(&path).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// * `InUse`: somebody has it; the message has the pid, where it can be told.
    /// * `Denied`: the directory is not safe ([`Directory::of`]); or what stands at `<path>.lock`
    ///   is not a lock file of ours: a link, another's, open to others, or with content that we
    ///   did not write.
    /// * `Address`: the path does not end in a name, or its name is longer than 250 bytes.
    /// * `NotFound`: there is no such directory.
    /// * Others as the system has them: the file system is read-only, full, or has no locks.
    ///
    /// # Platform
    ///
    /// Unix; `flock(2)`. The descriptor is close-on-exec: a child that is forked without an
    /// `exec` would share the lock.
    pub fn take(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (directory, name) = Directory::and_name_of(path)?;
        if name.len() + SUFFIX.len() > NAME_MAX {
            let cause = format!(
                "a name of {} bytes, limit {}: {}",
                name.len(),
                NAME_MAX - SUFFIX.len(),
                path.display()
            );
            return Err(Error::new(ErrorKind::Address, cause).remedy("use a shorter name"));
        }
        let lock_name = lock_name(&name);
        let (lock, leftover) = Lock::take(&directory, &lock_name, path)?;
        // From here on dropping the claim removes the lock file, whatever goes wrong.
        let claim = Self {
            directory: Arc::new(directory),
            name,
            path: path.to_owned(),
            lock,
            lock_name,
            owner: AtomicBool::new(true),
        };
        if let Some(leftover) = leftover {
            claim.clear(&leftover);
        }
        claim.record(None)?;
        Ok(claim)
    }

    /// A claim whose lock another process has taken and shares with us, which is that one's as long
    /// as nothing else was said.
    pub(super) fn shared(directory: Directory, name: OsString, path: PathBuf, lock: Lock) -> Self {
        let lock_name = lock_name(&name);
        let owner = AtomicBool::new(false);
        Self { directory: Arc::new(directory), name, path, lock, lock_name, owner }
    }

    /// Whether something of this kind stands at the path, which is stale then unless it answers.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, names::{Claim, FileKind}};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("jobs.sock");
    /// let claim = Claim::take(&path)?;
    /// assert!(!claim.finds(FileKind::Socket)?);
    ///
    /// std::fs::write(&path, "somebody's thesis")?;
    /// let error = claim.finds(FileKind::Socket).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Denied);
    /// assert!(error.to_string().contains("is a regular file, not a socket"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Denied`: something else stands there, or another user's; the message names it. It is
    /// neither touched nor followed.
    pub fn finds(&self, kind: FileKind) -> Result<bool> {
        match Entry::at(&self.directory, &self.name)? {
            Some(entry) => entry.expect(kind, &self.path).map(|()| true),
            None => Ok(false),
        }
    }

    /// The error for a path whose object turns out to be alive though nobody had claimed it.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, names::Claim};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let claim = Claim::take(directory.path().join("jobs.sock"))?;
    /// assert_eq!(claim.in_use().kind(), ErrorKind::InUse);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn in_use(&self) -> Error {
        lock::in_use(&self.path, None)
    }

    /// A temporary name in the same directory, to create the object under.
    ///
    /// # Examples
    ///
    /// See [`Draft`].
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let claim = framewire::names::Claim::take(directory.path().join("jobs.sock"))?;
    /// let draft = claim.draft()?;
    /// assert_eq!(draft.path().parent(), Some(directory.path()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As the system has them, from writing the name into the lock file.
    pub fn draft(self) -> Result<Draft> {
        Draft::new(self)
    }

    /// Has the object made at the path itself, in place of a stale one, for what keeps the name
    /// that it was made under: a datagram socket tells its peers that one. For a moment in between
    /// nobody has the name, and whoever makes an object there first is not replaced.
    ///
    /// `make` is handed the path as a socket's address has room for it.
    pub(crate) fn make(
        self,
        kind: FileKind,
        mode: u32,
        make: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Placed> {
        let failed =
            |cause: io::Error| Error::from(cause).doing(format!("make {}", self.path.display()));
        if let Some(stale) = Entry::at(&self.directory, &self.name).map_err(failed)? {
            stale.expect(kind, &self.path)?;
            sys::remove_if_at(self.directory.as_fd(), &self.name, stale.identity)
                .map_err(failed)?;
        }
        let path = socket_path::short(&self.directory, &self.name, self.path.clone())?;
        make(&path)?;
        let Some(entry) = Entry::at(&self.directory, &self.name).map_err(failed)? else {
            let cause = format!("{} was removed as it was made", self.path.display());
            return Err(Error::new(ErrorKind::NotFound, cause).remedy("who else uses that path?"));
        };
        if entry.mode != mode {
            // The umask has taken something away.
            sys::set_mode_at(&self.directory, &self.name, mode).map_err(failed)?;
        }
        let pin = sys::pin_at(self.directory.as_fd(), &self.name).map_err(failed)?;
        Ok(Placed::new(self, entry.identity, pin))
    }

    /// The path, as it was given.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("jobs.sock");
    /// assert_eq!(framewire::names::Claim::take(&path)?.path(), path);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that the path lies in.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let claim = framewire::names::Claim::take(directory.path().join("jobs.sock"))?;
    /// assert_eq!(claim.directory().path(), directory.path());
    /// # Ok(())
    /// # }
    /// ```
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether the owner before us was killed: what stands at the path is as it left it.
    pub(crate) fn is_inherited(&self) -> bool {
        self.lock.is_inherited()
    }

    /// When it is dropped it is given up as if its owner were killed: the next one finds it
    /// [inherited](Self::is_inherited).
    pub(crate) fn abandon(&self) {
        self.set_owner(false);
    }

    /// The name in that directory.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(crate) fn shared_directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    pub(super) fn is_owner(&self) -> bool {
        // Relaxed: whoever drops the claim has it from the last of those who share it, and an `Arc`
        // orders that after all that they did.
        self.owner.load(Ordering::Relaxed)
    }

    pub(super) fn set_owner(&self, owner: bool) {
        // Relaxed: as above, for the load in `is_owner`.
        self.owner.store(owner, Ordering::Relaxed);
    }

    /// Writes down which temporary name may exist from now on.
    pub(super) fn record(&self, draft: Option<&str>) -> Result<()> {
        self.lock.record(draft).map_err(|cause| {
            Error::from(cause).doing(format!("write {}{SUFFIX}", self.path.display()))
        })
    }

    /// Removes the draft of an owner that was killed before it could place it.
    fn clear(&self, leftover: &OsStr) {
        let ours =
            |entry: Entry| entry.owner == sys::our_uid() && entry.kind != FileKind::Directory;
        // A failure is not ours to report: it costs an entry that nobody uses.
        if Entry::at(&self.directory, leftover).is_ok_and(|found| found.is_some_and(ours)) {
            let _ = sys::remove_at(&self.directory, leftover);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closing our copy of the descriptor, and nothing more, leaves the lock with its owner.
        if !self.is_owner() {
            return;
        }
        // The descriptor, and with it the lock, goes after this, with the fields. A file that
        // cannot be removed is left as a killed process leaves it: the next claim takes it.
        let _ = self.lock.remove(&self.directory, &self.lock_name);
    }
}

fn lock_name(name: &OsStr) -> OsString {
    let mut lock_name = name.to_owned();
    lock_name.push(SUFFIX);
    lock_name
}
