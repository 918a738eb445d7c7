//! What can be chosen about FIFOs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tracing::Instrument;

use super::{End, Receiver, Sender, opening};
use crate::{Endpoint, Error, Result, frame::MAX_LEN, sys, wait::Strategy};

/// Options of receivers and senders.
///
/// # Examples
///
/// ```
/// use framewire::fifo;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("jobs");
/// let options = fifo::Options::new().max_len(64 << 20).exclusive(true);
/// let receiver = options.receiver(&*path).await?;
/// let sender = options.sender(&*path).await?;
/// assert_eq!(sender.max_len(), 64 << 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) max_len: usize,
    pub(super) strategy: Strategy,
    pub(super) end: End,
    pub(super) exclusive: bool,
    pub(super) mode: u32,
    pub(super) deadline: Option<Duration>,
    owners: Option<Vec<u32>>,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            max_len: MAX_LEN,
            strategy: Strategy::default(),
            end: End::default(),
            exclusive: false,
            mode: 0o600,
            deadline: None,
            owners: None,
        }
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB. Where many may write, a
    /// sender sends none above 4,092 (Linux) whatever this is.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// How both ends wait: [`Strategy::Adaptive`]. For a partner to come, they always park.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{fifo, wait::Strategy};
    ///
    /// let options = fifo::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// When a receiver ends: [`End::Never`].
    ///
    /// # Examples
    ///
    /// See [`End`].
    pub fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// Whether a sender is to be the only one, which takes the limit of what is written as one from
    /// its messages: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, fifo};
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let mut receiver = fifo::receiver(&*path).await?;
    /// let mut alone = fifo::Options::new().exclusive(true).sender(&*path).await?;
    /// let refused = fifo::sender(&*path).await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::InUse);
    ///
    /// alone.send(vec![7; 100_000].into()).await?;
    /// assert_eq!(receiver.next().await.expect("it was sent")?.len(), 100_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// The mode of a FIFO that a receiver makes, which says who may write to it, and the most that
    /// one it finds may allow: 0600. It holds before the name exists, whatever the umask.
    ///
    /// Who may read a FIFO can take its messages: give nobody else more than to write (0620).
    ///
    /// # Examples
    ///
    /// ```
    /// let the_group_may_write = framewire::fifo::Options::new().mode(0o620);
    /// ```
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// How long [`sender`](Self::sender) waits for a receiver: for as long as it takes.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, fifo};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let options = fifo::Options::new().deadline(Duration::from_millis(20));
    /// let late = options.sender(&*path).await.unwrap_err();
    /// assert_eq!(late.kind(), ErrorKind::TimedOut);
    /// # }
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The users whose FIFO a sender writes to: our own and root.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::fifo::Options::new().owners([0, 1000]);
    /// ```
    pub fn owners(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.owners = Some(uids.into_iter().collect());
        self
    }

    pub(super) fn owners_or_usual(&self) -> Vec<u32> {
        self.owners.clone().unwrap_or_else(|| vec![sys::our_uid(), 0])
    }

    /// Becomes the one reader of a FIFO, which is made where there is none. It is there for senders
    /// when this returns; none of them is waited for.
    ///
    /// One that was made by hand (`mkfifo -m 600`) is used, and left when the receiver is dropped;
    /// one of ours is removed. One that a killed receiver left is replaced: those who still have it
    /// open get [`Closed`](crate::ErrorKind::Closed), since in it there may be the second half of a
    /// message. Beside it there are two more files while it is read: `<path>.lock`, by which there
    /// is one reader, and `<path>.writers`, by which senders know whether they may write.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): somebody reads it already.
    /// [`Denied`](crate::ErrorKind::Denied): something else has the name, or another user's FIFO, or
    /// one that is open to more than `mode`; or others can write to its directory. It is neither
    /// touched nor followed. [`NotFound`](crate::ErrorKind::NotFound): there is no such directory.
    /// [`Address`](crate::ErrorKind::Address): the path does not end in a name, or in one of more
    /// than 247 bytes. And when there is no Tokio runtime here.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn receiver(&self, path: impl Into<PathBuf>) -> Result<Receiver> {
        let path = path.into();
        let endpoint = Arc::new(Endpoint::Fifo(path.clone()));
        let receiver = Receiver::open(self, &path, &endpoint);
        let receiver = receiver.map_err(|error| error.doing("receive on").on(endpoint.clone()))?;
        tracing::debug!(%endpoint, "receiving");
        Ok(receiver)
    }

    /// Opens a FIFO to send to its reader, and waits until there is one: for the name to appear,
    /// and for somebody to open it. Meanwhile no thread is blocked, and nothing is done until
    /// something happens there. Only a FIFO that is there and that nobody reads is tried again after
    /// pauses that double from 10 ms to a second: a reader that waits for a writer to come, as
    /// `cat` does, makes no event.
    ///
    /// # Examples
    ///
    /// The sender is first:
    ///
    /// ```
    /// use framewire::fifo;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let (sender, receiver) = tokio::try_join!(fifo::sender(&*path), fifo::receiver(&*path))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): an [exclusive](Self::exclusive) sender is there, or we
    /// are to be one and another is there, for 50 ms on end. [`Denied`](crate::ErrorKind::Denied):
    /// what has the name is no FIFO, is a symbolic link, or belongs to a user who is not among the
    /// [owners](Self::owners); or its mode keeps us from writing.
    /// [`NotFound`](crate::ErrorKind::NotFound): there is no such directory.
    /// [`TimedOut`](crate::ErrorKind::TimedOut): nobody read it until the
    /// [deadline](Self::deadline). And when there is no Tokio runtime here, or it lacks what is
    /// needed to wait.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing of a wait is left.
    ///
    /// # Platform
    ///
    /// On Linux and Android the wait is for events; inotify(7). Elsewhere, and where a user's share
    /// of them is used up or the directory may not be read, it is looked again after 10 ms, and then
    /// after pauses that double to a second.
    pub async fn sender(&self, path: impl Into<PathBuf>) -> Result<Sender> {
        let path = path.into();
        let endpoint = Arc::new(Endpoint::Fifo(path.clone()));
        let span = tracing::debug_span!("open", %endpoint);
        let opening = opening::open(self, &path).instrument(span);
        let failed = |error: Error| error.doing("send to").on(Arc::clone(&endpoint));
        Ok(Sender::new(opening.await.map_err(failed)?, self, &endpoint))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
