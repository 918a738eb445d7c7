//! Priorities beside the messages.

use std::io;

use bytes::Bytes;

use super::{Inlet, Outlet, Ready};
use crate::{
    Error,
    message::{Body, Messages, TryRecv, TrySend},
};

/// A message that came, and its priority.
///
/// # Examples
///
/// See [`Receiver::detailed`](Messages::detailed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The message.
    pub body: Bytes,
    /// What it was sent with: 0 to 32,767.
    pub priority: u32,
}

impl Received {
    /// What it was sent with: 0 to 32,767.
    ///
    /// # Examples
    ///
    /// See [`Receiver::detailed`](Messages::detailed).
    pub fn priority(&self) -> u32 {
        self.priority
    }
}

impl Body for Received {
    fn body(&self) -> &Bytes {
        &self.body
    }
}

/// A message, and the priority that it goes with.
///
/// # Examples
///
/// See [`Sender::detailed`](Messages::detailed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outgoing {
    pub(super) body: Bytes,
    pub(super) priority: u32,
}

impl Outgoing {
    /// With the lowest priority, 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{message::Body, mq::Outgoing};
    ///
    /// assert_eq!(Outgoing::new("hello").body(), "hello");
    /// ```
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), priority: 0 }
    }

    /// With this priority, of at most 32,767: one above is refused when it is sent, as
    /// [`Unsupported`](crate::ErrorKind::Unsupported).
    ///
    /// # Examples
    ///
    /// ```
    /// let urgent = framewire::mq::Outgoing::new("fire").priority(31);
    /// ```
    pub fn priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }
}

/// With the lowest priority.
impl From<Bytes> for Outgoing {
    fn from(body: Bytes) -> Self {
        Self::new(body)
    }
}

impl Body for Outgoing {
    fn body(&self) -> &Bytes {
        &self.body
    }
}

/// An end of a queue whose messages have priorities.
///
/// # Examples
///
/// It is what [`DetailedReceiver`] and [`DetailedSender`] are made of.
///
/// ```
/// use framewire::mq::{self, Inlet, Ranked};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-ranked-{}", std::process::id());
/// let receiver = mq::Options::new().capacity(4).max_len(64).receiver(name).await?.detailed();
/// let ranked: &Ranked<Inlet> = receiver.get_ref();
/// assert_eq!(ranked.get_ref().capacity(), 4);
/// # mq::remove(name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Ranked<T>(pub(super) T);

impl<T> Ranked<T> {
    /// The end.
    ///
    /// # Examples
    ///
    /// See [`Ranked`].
    pub fn get_ref(&self) -> &T {
        &self.0
    }
}

/// A receiver with priorities: a `Stream` of [`Received`].
///
/// # Examples
///
/// See [`Receiver::detailed`](Messages::detailed).
pub type DetailedReceiver = Messages<Ranked<Inlet>, Ready>;

/// A sender with priorities: a `Sink` of [`Outgoing`].
///
/// # Examples
///
/// See [`Sender::detailed`](Messages::detailed).
pub type DetailedSender = Messages<Ranked<Outlet>, Ready, Outgoing>;

impl TryRecv for Ranked<Inlet> {
    type Received = Received;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Received>> {
        let (body, priority) = self.0.take()?;
        Ok(Some(Received { body, priority }))
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        self.0.try_lend(see)
    }

    fn goes_on(&self, _: &Error) -> bool {
        self.0.goes_on()
    }
}

impl TrySend for Ranked<Outlet> {
    type Outgoing = Outgoing;

    #[inline]
    fn try_send(&mut self, message: &Outgoing) -> io::Result<()> {
        self.0.give(&message.body, message.priority, None)
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        self.0.try_flush()
    }

    fn max_len(&self) -> usize {
        self.0.max_len()
    }
}

impl Messages<Inlet, Ready> {
    /// The same receiver with the priorities of its messages. They come highest first, and in the
    /// order in which they were sent within one priority, with or without this.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq::{self, Outgoing};
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-detailed-{}", std::process::id());
    /// let options = mq::Options::new().capacity(4).max_len(64);
    /// let mut sender = options.sender(name).await?.detailed();
    /// sender.send(Outgoing::new("tea is ready")).await?;
    /// sender.send(Outgoing::new("fire").priority(31)).await?;
    ///
    /// let mut receiver = options.receiver(name).await?.detailed();
    /// let first = receiver.next().await.expect("it was sent")?;
    /// assert_eq!((&first.body[..], first.priority()), (&b"fire"[..], 31));
    /// # mq::remove(name)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn detailed(self) -> DetailedReceiver {
        self.map_io(Ranked)
    }
}

impl Messages<Outlet, Ready> {
    /// The same sender with priorities for its messages, which have the lowest without this.
    ///
    /// # Examples
    ///
    /// See [`Receiver::detailed`](Messages::detailed).
    pub fn detailed(self) -> DetailedSender {
        self.map_io(Ranked)
    }
}
