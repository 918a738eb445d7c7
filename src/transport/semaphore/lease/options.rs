//! What can be chosen about permits that come back.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Leases,
    place::{self, Place},
    pool::Pool,
};
use crate::{Endpoint, Error, ErrorKind, Result, runtime, sys, wait::Strategy};

/// Options of handles.
///
/// # Examples
///
/// Permits for the processes of a group:
///
/// ```
/// use framewire::semaphore::lease;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("connections");
/// let options = lease::Options::new().mode(0o660).owners([0, 1000]);
/// # let options = options.owners([rustix::process::geteuid().as_raw()]);
/// let connections = options.open(path, 3).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) mode: u32,
    owners: Option<Vec<u32>>,
    strategy: Strategy,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self { mode: 0o600, owners: None, strategy: Strategy::default() }
    }

    /// The mode of a file that is made: 0600, whatever the umask. One that is found may not be open
    /// to more readers or writers.
    ///
    /// To hold permits takes reading and writing: give others both (0660), or none. Whoever may can
    /// hold all of them; and whoever may only read can keep them from everybody, by a lock that is
    /// shared.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// The users whose files are opened: our own and root.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn owners(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.owners = Some(uids.into_iter().collect());
        self
    }

    /// How to wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{semaphore::lease, wait::Strategy};
    ///
    /// let options = lease::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    pub(super) fn owners_or_usual(&self) -> Vec<u32> {
        self.owners.clone().unwrap_or_else(|| vec![sys::our_uid(), 0])
    }

    /// Opens the file that stands for `n` permits; it is made where there is none, in one step: nobody
    /// ever meets a shorter one.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): it stands for another number; the error has both.
    /// [`Denied`](crate::ErrorKind::Denied): something else has the name, or another user's file, or
    /// one that is open to more readers or writers than `mode`, or has two names; or others can write to its
    /// directory. It is neither touched nor followed. [`NotFound`](crate::ErrorKind::NotFound): there
    /// is no such directory. [`Address`](crate::ErrorKind::Address): `n` is not from 1 to
    /// [`MOST`](super::MOST), or the path does not end in a name, or in one of more than 250 bytes.
    /// [`InUse`](crate::ErrorKind::InUse): somebody has been making it for half a second. And when
    /// there is no Tokio runtime here.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a file that was made stays, and is the next one's.
    pub async fn open(&self, path: impl Into<PathBuf>, n: usize) -> Result<Leases> {
        let path = path.into();
        let place = Place::open(self, &path, Some(n)).await;
        self.leases(&path, place)
    }

    /// Opens the file that is there, however many permits it stands for.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, semaphore::lease};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("connections");
    /// let nothing = lease::find(&*path).await.unwrap_err();
    /// assert_eq!(nothing.kind(), ErrorKind::NotFound);
    ///
    /// lease::open(&*path, 3).await?;
    /// assert_eq!(lease::find(&*path).await?.count(), 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): there is none. Else as [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn find(&self, path: impl Into<PathBuf>) -> Result<Leases> {
        let path = path.into();
        let found = || {
            runtime::here()?;
            Place::find(self, &path, None)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "nothing has this name")
                    .remedy("make it with `lease::open`, which is told how many permits there are")
            })
        };
        self.leases(&path, found())
    }

    /// Opens the file that is there, or makes one that stands for one permit: what an address is
    /// for, which says no number.
    pub(crate) async fn open_any(&self, path: &Path) -> Result<Leases> {
        let place = Place::open(self, path, None).await;
        self.leases(path, place)
    }

    fn leases(&self, path: &Path, place: Result<Place>) -> Result<Leases> {
        let place = place.map_err(|error| place::failed("open", path, error))?;
        let endpoint = Arc::new(Endpoint::Lease(path.to_owned()));
        tracing::debug!(%endpoint, count = place.count, "opened");
        Ok(Leases::new(Pool::new(place, endpoint, self.strategy)))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
