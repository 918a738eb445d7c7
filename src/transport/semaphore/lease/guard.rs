//! A permit that is held.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::pool::Pool;

/// A permit, until it is dropped, or its process ends.
///
/// It can be dropped anywhere, on a runtime or not; that never blocks.
///
/// # Examples
///
/// See the [module](super).
pub struct Lease {
    pool: Arc<Pool>,
    index: u16,
}

impl Lease {
    /// Of a lock that was taken.
    pub(super) fn new(pool: &Arc<Pool>, index: u16) -> Self {
        Self { pool: Arc::clone(pool), index }
    }

    /// Which of the permits it is, from 0: of all that are free, the one of the lowest number is
    /// given. Nobody else has it as long as this lives.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore::lease;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("ports");
    /// let ports = [7001, 7002, 7003];
    /// let lease = lease::open(path, ports.len()).await?.acquire().await?;
    /// assert_eq!(ports[lease.index()], 7001);
    /// # Ok(())
    /// # }
    /// ```
    pub fn index(&self) -> usize {
        self.index.into()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.release(self.index);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("index", &self.index).finish_non_exhaustive()
    }
}

/// As a message: its [index](Lease::index) in four bytes, big-endian. The permit is held for as long
/// as these bytes, or a part of them, are kept.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use framewire::semaphore::lease;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("gate");
/// let gate = lease::open(path, 2).await?;
/// let _first = gate.acquire().await?;
/// let message = Bytes::from(gate.acquire().await?);
/// assert_eq!(*message, [0, 0, 0, 1]);
/// assert_eq!(gate.free()?, 0);
///
/// drop(message);
/// assert_eq!(gate.free()?, 1);
/// # Ok(())
/// # }
/// ```
impl From<Lease> for Bytes {
    fn from(lease: Lease) -> Self {
        let index = u32::from(lease.index).to_be_bytes();
        Self::from_owner(Body { index, _lease: lease })
    }
}

/// What such bytes are kept by.
struct Body {
    index: [u8; 4],
    _lease: Lease,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.index
    }
}
