//! The end that messages come out of.

use std::{
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::Stream;

use super::{
    introduction::{Kind, Welcome},
    receiving::Receiving,
};
use crate::{
    Endpoint, Result,
    message::Messages,
    shared::Region,
    wait::{Doorbell, Strategy},
};

/// One of those who receive: a `Stream` of messages.
///
/// Where the sender has overtaken it, that is one `Err` ([`Lagged`](crate::ErrorKind::Lagged)),
/// which says how many messages were lost, and the stream goes on with the newest. It ends with
/// `None` behind the last message of a sender that has closed, and with one `Err`
/// ([`Closed`](crate::ErrorKind::Closed)) behind that of one that was killed.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// Receiving is cancel-safe: a message is taken in the last step.
#[derive(Debug)]
pub struct Receiver(Messages<Receiving, Doorbell>);

impl Receiver {
    pub(super) fn new(
        regions: (Region, Region),
        welcome: Welcome,
        kind: Kind,
        line: (Arc<OwnedFd>, Option<Arc<OwnedFd>>),
        bell: OwnedFd,
        strategy: Strategy,
    ) -> Result<Self> {
        let (socket, process) = &line;
        let doorbell =
            Doorbell::new(bell, [Arc::clone(socket)], strategy)?.and_the_end_of(process.clone());
        let receiving = Receiving::new(regions, welcome, kind, line, doorbell.stage());
        Ok(Self(Messages::new(receiving, doorbell)))
    }

    pub(super) fn on(self, endpoint: Arc<Endpoint>) -> Self {
        Self(self.0.on(endpoint))
    }

    /// The endpoint that is received from.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::broadcast;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("prices");
    /// let _sender = broadcast::sender(&*path).await?;
    /// let receiver = broadcast::receiver(&*path).await?;
    /// assert!(receiver.endpoint().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.0.endpoint()
    }

    /// How many messages were lost in all: overwritten before they were received.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, shm::broadcast};
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("prices");
    /// let mut sender = broadcast::sender(&*path).await?;
    /// let mut receiver = broadcast::receiver(&*path).await?;
    /// for _ in 0..10 {
    ///     sender.send(vec![7; 200_000].into()).await?;
    /// }
    /// let error = receiver.next().await.expect("it was overtaken").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Lagged);
    /// assert_eq!(receiver.lost(), 9);
    /// assert_eq!(receiver.next().await.expect("the newest is there")?.len(), 200_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn lost(&self) -> u64 {
        self.0.get_ref().lost()
    }

    /// Waits for a message, then takes it and all that are there by then, 64 at most; cheaper than
    /// as many calls of `next`. Says how many: 0 is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::broadcast;
    /// use futures::SinkExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("prices");
    /// let mut sender = broadcast::sender(&*path).await?;
    /// let mut receiver = broadcast::receiver(&*path).await?;
    /// sender.feed("one".into()).await?;
    /// sender.send("two".into()).await?;
    ///
    /// let mut messages = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut messages).await?, 2);
    /// assert_eq!(messages, ["one", "two"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them. Messages in front of an error are returned first.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: messages are taken in the last step.
    pub async fn recv_many(&mut self, messages: &mut Vec<Bytes>) -> Result<usize> {
        self.0.recv_many(messages).await
    }

    /// Waits for a message and lends it to `see`: cheaper than `next` where the bytes need not
    /// outlive the call. `None` is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::broadcast;
    /// use futures::SinkExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("prices");
    /// let mut sender = broadcast::sender(&*path).await?;
    /// let mut receiver = broadcast::receiver(&*path).await?;
    /// sender.send("hello".into()).await?;
    /// assert_eq!(receiver.with_next(|body| body.len()).await?, Some(5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: `see` is called in the last step, or not at all.
    pub async fn with_next<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        self.0.with_next(see).await
    }
}

impl Stream for Receiver {
    type Item = Result<Bytes>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().0).poll_next(cx)
    }
}
