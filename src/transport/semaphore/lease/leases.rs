//! The handle on a file of permits.

use std::{future::poll_fn, path::Path, sync::Arc};

use super::{acquire::Acquire, guard::Lease, pool::Pool, receiver::Receiver};
use crate::Result;

/// The permits that a file stands for. Clones share one open file, and one line of those who wait.
///
/// # Examples
///
/// See the [module](super).
#[derive(Clone, Debug)]
pub struct Leases(Arc<Pool>);

impl Leases {
    pub(super) fn new(pool: Pool) -> Self {
        Self(Arc::new(pool))
    }

    pub(super) fn ask(&self) -> Acquire {
        Acquire::new(&self.0)
    }

    /// Waits for a permit, and takes it.
    ///
    /// Those who wait at this handle and its clones get theirs in the order in which they were first
    /// polled. A wait that is neither polled nor dropped holds up those behind it.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore::lease;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("scanner");
    /// let scanner = lease::open(path, 1).await?;
    /// let held = scanner.acquire().await?;
    /// let wait = tokio::time::timeout(Duration::from_millis(20), scanner.acquire());
    /// assert!(wait.await.is_err());
    ///
    /// drop(held);
    /// assert_eq!(scanner.acquire().await?.index(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Closed`](crate::ErrorKind::Closed): the file was removed or replaced. And what fcntl(2)
    /// answers, and when there is no Tokio runtime here, or it lacks what is needed to wait: its I/O
    /// driver and its timers.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a permit is either returned or not taken. Whoever asks again is the last in the
    /// line.
    pub async fn acquire(&self) -> Result<Lease> {
        let mut acquire = self.ask();
        poll_fn(|cx| acquire.poll(cx)).await
    }

    /// Takes a permit if one is free. `None`, too, where others wait at this handle or its clones:
    /// they are first.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore::lease;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("scanner");
    /// let scanner = lease::open(path, 1).await?;
    /// let held = scanner.try_acquire()?;
    /// assert!(held.is_some() && scanner.try_acquire()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), but that it needs no runtime.
    pub fn try_acquire(&self) -> Result<Option<Lease>> {
        let taken = {
            let mut state = self.0.lock();
            let (held, line) = state.parts();
            if line.is_empty() { self.0.take(held) } else { Ok(None) }
        };
        match taken {
            Ok(index) => Ok(index.map(|index| Lease::new(&self.0, index))),
            Err(error) => Err(self.0.failed("acquire a lease of", error)),
        }
    }

    /// How many permits there are, taken or not.
    ///
    /// # Examples
    ///
    /// See [`remove`](super::remove).
    pub fn count(&self) -> usize {
        self.0.place().count.into()
    }

    /// How many permits nobody has, in any process. Each is looked at once, one after the other: it
    /// is a number for who watches, and may be another one by the time it is read.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// What fcntl(2) answers.
    pub fn free(&self) -> Result<usize> {
        self.0.free().map_err(|error| self.0.failed("count the leases of", error))
    }

    /// The path of the file, as it was given.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore::lease;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("scanner");
    /// assert_eq!(lease::open(&*path, 1).await?.path(), path);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> &Path {
        self.0.place().path()
    }

    /// Permits one after the other, as they are free.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore::lease;
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("ports");
    /// let mut ports = lease::open(path, 2).await?.receiver();
    /// let one = ports.next().await.expect("it never ends")?;
    /// let other = ports.next().await.expect("it never ends")?;
    /// assert_eq!((one.index(), other.index()), (0, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn receiver(&self) -> Receiver {
        Receiver::new(self.clone())
    }
}
