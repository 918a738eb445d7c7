//! What can be chosen about named regions.

use std::os::fd::AsFd;

use super::{
    Region, memory,
    name::{Name, Named, shown},
};
use crate::{
    Error, Result,
    sys::{self, Entry},
};

/// Options of named regions.
///
/// # Examples
///
/// A region for a group of users:
///
/// ```
/// use framewire::shm::region;
///
/// # fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-{}", std::process::id());
/// let options = region::Options::new().mode(0o660).owners([0, 1000]);
/// let region = options.create(name, 4096)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    mode: u32,
    owners: Option<Vec<u32>>,
    keep: bool,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self { mode: 0o600, owners: None, keep: false }
    }

    /// The permissions of a region that is made, whatever the umask: 0600. One that is opened may
    /// not be open to more writers.
    ///
    /// Whoever may write may truncate it as well: see [the module](super#sigbus).
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The users whose regions are opened: our own and root.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn owners(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.owners = Some(uids.into_iter().collect());
        self
    }

    /// Whether the name of a region that is made stays when that is dropped: no.
    ///
    /// # Examples
    ///
    /// See [`remove`](super::remove).
    pub fn keep(mut self, keep: bool) -> Self {
        self.keep = keep;
        self
    }

    /// Makes a region of so many zeros. When it is dropped its name is removed, if that is still its
    /// own, and who has it open keeps it.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): there is one of this name, be it that its maker is alive
    /// or was killed; the error says how to remove it. [`Denied`](crate::ErrorKind::Denied): something
    /// else has the name. [`Exhausted`](crate::ErrorKind::Exhausted): there is not so much memory.
    /// [`Address`](crate::ErrorKind::Address): it is no name for shm_open(3), which is a slash and 1
    /// to 255 bytes without another; or it would have no bytes.
    /// [`Unsupported`](crate::ErrorKind::Unsupported): there is no `/dev/shm` here, or no `/proc`.
    ///
    /// # Platform
    ///
    /// It is a file of `/dev/shm`, as shm_open(3) makes them. `O_TMPFILE` of open(2).
    pub fn create(&self, name: &str, len: usize) -> Result<Region> {
        self.create_with(name, len, |_| Ok(()))
    }

    /// As [`create`](Self::create), and nobody finds the region before this was done to it.
    ///
    /// # Examples
    ///
    /// Whoever opens it finds its version:
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use framewire::shm::region;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-{}", std::process::id());
    /// let region = region::Options::new().create_with(name, 64, |region| {
    ///     region.atomic::<AtomicU32>(0)?.store(3, Ordering::Relaxed);
    ///     region.write(4, b"hello\0")
    /// })?;
    /// let version = region::open(name)?.atomic::<AtomicU32>(0)?.load(Ordering::Relaxed);
    /// assert_eq!(version, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and what `begin` answers.
    pub fn create_with(
        &self,
        name: &str,
        len: usize,
        begin: impl FnOnce(&Region) -> Result<()>,
    ) -> Result<Region> {
        let create = || {
            let name = Name::new(name)?;
            let file = name.draft()?;
            let mut region = memory::take(file, len)?;
            begin(&region)?;
            let identity = Entry::of(region.as_fd())?.identity;
            name.place(region.as_fd(), self.mode)?;
            let named = if self.keep { Named::found(name) } else { Named::made(name, identity) };
            tracing::debug!(name = named.as_str(), len, "made a region");
            region.set_name(named);
            Ok(region)
        };
        create().map_err(|error: Error| error.doing(format!("create the region {}", shown(name))))
    }

    /// Opens a region that is there, with all the bytes that it has now:
    /// [`expect_len`](Region::expect_len) says how many it should have.
    ///
    /// What of its memory was not taken by its maker is taken now.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): there is none; or it has no bytes, as one that a
    /// program in C is about to make. [`Denied`](crate::ErrorKind::Denied): what has the name is no
    /// shared memory or a symbolic link, belongs to a user who is not among the
    /// [owners](Self::owners), or has a mode that lets more write to it than [`mode`](Self::mode),
    /// or not us. [`Exhausted`](crate::ErrorKind::Exhausted): there is not so much memory.
    /// [`Address`](crate::ErrorKind::Address): as [`create`](Self::create).
    pub fn open(&self, name: &str) -> Result<Region> {
        let open = || {
            let name = Name::new(name)?;
            let owners = self.owners.clone().unwrap_or_else(|| vec![sys::our_uid(), 0]);
            let mut region = memory::adopt(name.open(&owners, self.mode)?)?;
            region.set_name(Named::found(name));
            Ok(region)
        };
        open().map_err(|error: Error| error.doing(format!("open the region {}", shown(name))))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
