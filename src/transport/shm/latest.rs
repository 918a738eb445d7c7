//! The latest value over shared memory: one sender, any number of receivers, by a path.
//!
//! A watch channel across processes: a receiver sees the value that there is when it comes, and then
//! each newer one that it catches. Those in between are passed over without a word, and no receiver
//! can hold up the sender. All else is as for [`broadcast`](super::broadcast).
//!
//! | | |
//! |---|---|
//! | largest value | 256 KiB, or a quarter of [`Options::capacity`] |
//! | sent means | it is the latest value, until the next is sent |
//! | who may receive | whoever may write to the socket (0600: our user and root) |
//! | the end | behind the last value, when the sender closes or is dropped; where it was killed, an error |
//! | platform | Linux and Android |
//!
//! # Examples
//!
//! ```
//! use framewire::shm::latest;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("temperature");
//! let mut sender = latest::sender(&*path).await?;
//! sender.send("19".into()).await?;
//! sender.send("20".into()).await?;
//! let mut receiver = latest::receiver(&*path).await?;
//! assert_eq!(receiver.next().await.expect("there is one")?, "20");
//! sender.send("21".into()).await?;
//! sender.send("22".into()).await?;
//! assert_eq!(receiver.next().await.expect("there is a newer one")?, "22");
//! # Ok(())
//! # }
//! ```

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::broadcast::{self, Kind};
use crate::{Endpoint, Result, unix::Allow, wait::Strategy};

/// The one who sends: a `Sink` of values.
///
/// # Examples
///
/// See the [module](self).
pub type Sender = broadcast::Sender;

/// One of those who receive: a `Stream` of values, which never lags.
///
/// # Examples
///
/// See the [module](self).
pub type Receiver = broadcast::Receiver;

/// Becomes the one sender at this path, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`broadcast::Options::sender`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn sender(path: impl Into<PathBuf>) -> Result<Sender> {
    Options::new().sender(path).await
}

/// Receives from the sender at this path, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`broadcast::Options::receiver`].
///
/// # Cancel safety
///
/// Cancel-safe: a connection that is being made is closed.
pub async fn receiver(path: impl Into<PathBuf>) -> Result<Receiver> {
    Options::new().receiver(path).await
}

/// Options of senders and receivers: those of [`broadcast::Options`] that make a difference here.
///
/// # Examples
///
/// ```
/// use framewire::shm::latest;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("temperature");
/// let sender = latest::Options::new().capacity(64 << 10).mode(0o660).sender(path).await?;
/// assert_eq!(sender.max_len(), 16 << 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Options(broadcast::Options);

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self(broadcast::Options::new())
    }

    /// Four times the largest value, in bytes: [`broadcast::Options::capacity`].
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn capacity(self, bytes: usize) -> Self {
        Self(self.0.capacity(bytes))
    }

    /// [`broadcast::Options::strategy`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{shm::latest, wait::Strategy};
    ///
    /// let options = latest::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self(self.0.strategy(strategy))
    }

    /// [`broadcast::Options::max_receivers`].
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::latest::Options::new().max_receivers(8);
    /// ```
    pub fn max_receivers(self, most: usize) -> Self {
        Self(self.0.max_receivers(most))
    }

    /// [`broadcast::Options::deadline`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let hasty = framewire::shm::latest::Options::new().deadline(Duration::from_millis(100));
    /// ```
    pub fn deadline(self, deadline: Duration) -> Self {
        Self(self.0.deadline(deadline))
    }

    /// [`broadcast::Options::wait_for_sender`].
    ///
    /// # Examples
    ///
    /// ```
    /// let early = framewire::shm::latest::Options::new().wait_for_sender(true);
    /// ```
    pub fn wait_for_sender(self, wait: bool) -> Self {
        Self(self.0.wait_for_sender(wait))
    }

    /// [`broadcast::Options::allow`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{shm::latest, unix::Allow};
    ///
    /// let ours_and_roots = latest::Options::new().allow(Allow::same_user());
    /// ```
    pub fn allow(self, allow: Allow) -> Self {
        Self(self.0.allow(allow))
    }

    /// [`broadcast::Options::mode`].
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn mode(self, mode: u32) -> Self {
        Self(self.0.mode(mode))
    }

    /// Becomes the one sender at a path: [`broadcast::Options::sender`].
    ///
    /// # Examples
    ///
    /// See the [module](self).
    ///
    /// # Errors
    ///
    /// As [`broadcast::Options::sender`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn sender(&self, path: impl Into<PathBuf>) -> Result<Sender> {
        let path = path.into();
        let endpoint = Arc::new(Endpoint::ShmLatest(path.clone()));
        self.0.send(path, endpoint, Kind::Latest)
    }

    /// Receives from the sender at a path: [`broadcast::Options::receiver`].
    ///
    /// # Examples
    ///
    /// See the [module](self).
    ///
    /// # Errors
    ///
    /// As [`broadcast::Options::receiver`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn receiver(&self, path: impl Into<PathBuf>) -> Result<Receiver> {
        let path = path.into();
        let endpoint = Arc::new(Endpoint::ShmLatest(path.clone()));
        self.0.receive(path, endpoint, Kind::Latest).await
    }
}
