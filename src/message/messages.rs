//! Whole messages as a `Stream` and `Sink`.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;

use super::TryRecv;
use crate::{
    Endpoint, Error, Result,
    place::Place,
    turn::{RUN, Turn},
    wait::{Direction, Wait},
};

/// Messages over any [`TryRecv`] (a `Stream`), [`TrySend`](super::TrySend) (a `Sink`), or both.
///
/// The stream ends with `None` where the peer closed in order. It yields one error, then `None`,
/// where the mechanism broke; [`TryRecv::goes_on`] names the errors that it goes on behind.
///
/// The sink offers a message to the mechanism at once. One that there is no room for is kept until
/// there is, and none is accepted behind it: that is the back-pressure. One whose sending fails is
/// dropped, and the error is its own.
///
/// # Examples
///
/// Datagrams of one's own, waited for as this crate's messages are:
///
/// ```
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use bytes::Bytes;
/// use framewire::{message::{Messages, TryRecv, TrySend}, wait::Fd};
/// use futures::{SinkExt, StreamExt};
/// use std::{io, os::unix::net::UnixDatagram};
///
/// struct Datagrams(UnixDatagram);
///
/// impl TryRecv for Datagrams {
///     type Received = Bytes;
///
///     fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
///         let mut buffer = [0; 2048];
///         let len = self.0.recv(&mut buffer)?;
///         Ok(Some(Bytes::copy_from_slice(&buffer[..len])))
///     }
/// }
///
/// impl TrySend for Datagrams {
///     type Outgoing = Bytes;
///
///     fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
///         self.0.send(message).map(drop)
///     }
///
///     fn max_len(&self) -> usize {
///         2048
///     }
/// }
///
/// fn messages(socket: UnixDatagram) -> io::Result<Messages<Datagrams, Fd>> {
///     socket.set_nonblocking(true)?;
///     let ready = Fd::new(socket.try_clone()?.into())?;
///     Ok(Messages::new(Datagrams(socket), ready))
/// }
///
/// let (ours, theirs) = UnixDatagram::pair()?;
/// let (mut ours, mut theirs) = (messages(ours)?, messages(theirs)?);
/// ours.send("hello".into()).await?;
/// assert_eq!(theirs.next().await.transpose()?.as_deref(), Some(&b"hello"[..]));
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
///
/// # Cancel safety
///
/// Receiving is cancel-safe: a message is taken in the last step. Sending is not: a `send` that is
/// dropped early may or may not have queued its message, which then goes out with the next flush.
#[derive(Debug)]
pub struct Messages<T, W, O = Bytes> {
    pub(super) io: T,
    pub(super) wait: W,
    pub(super) place: Place,
    /// The stream has ended, in order or not.
    ended: bool,
    /// The end or the error that `recv_many` met behind messages that came first.
    met: Option<io::Result<()>>,
    /// Accepted when there was no room for it.
    pub(super) outbox: Option<O>,
    received: Turn,
    pub(super) sent: Turn,
}

// Neither the mechanism nor its wait is ever pinned: both are called through `&mut`.
impl<T, W, O> Unpin for Messages<T, W, O> {}

impl<T, W> Messages<T, W> {
    /// Messages of `io`, tried again when `wait` says so.
    ///
    /// # Examples
    ///
    /// See [`Messages`].
    pub fn new(io: T, wait: W) -> Self {
        Self {
            io,
            wait,
            place: Place::default(),
            ended: false,
            met: None,
            outbox: None,
            received: Turn::default(),
            sent: Turn::default(),
        }
    }
}

impl<T, W, O> Messages<T, W, O> {
    /// The same channel over a mechanism that carries more, or less, beside a body: what a
    /// transport's `detailed` is made of.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use framewire::message::{Messages, TryRecv};
    /// use std::io;
    ///
    /// /// One that counts what it delivers.
    /// struct Counted<T>(T, usize);
    ///
    /// impl<T: TryRecv> TryRecv for Counted<T> {
    ///     type Received = T::Received;
    ///
    ///     fn try_recv(&mut self) -> io::Result<Option<T::Received>> {
    ///         self.1 += 1;
    ///         self.0.try_recv()
    ///     }
    /// }
    ///
    /// fn counted<T, W>(messages: Messages<T, W>) -> Messages<Counted<T>, W> {
    ///     messages.map_io(|io| Counted(io, 0))
    /// }
    /// ```
    pub fn map_io<U, P: From<O>>(self, change: impl FnOnce(T) -> U) -> Messages<U, W, P> {
        let Self { io, wait, place, ended, met, outbox, received, sent } = self;
        let (io, outbox) = (change(io), outbox.map(P::from));
        Messages { io, wait, place, ended, met, outbox, received, sent }
    }

    /// Names the endpoint, for errors and events to mention.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Endpoint, message::Messages};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let (queue, wait) = ((), ());
    /// let endpoint: Endpoint = "mq:///jobs".parse()?;
    /// let messages = Messages::new(queue, wait).on(endpoint);
    /// assert!(messages.endpoint().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on(mut self, endpoint: impl Into<Arc<Endpoint>>) -> Self {
        self.place.set(endpoint);
        self
    }

    /// The endpoint, where there is one.
    ///
    /// # Examples
    ///
    /// See [`on`](Self::on).
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.place.endpoint()
    }

    /// The mechanism below.
    ///
    /// # Examples
    ///
    /// ```
    /// # let (queue, wait) = (7, ());
    /// let mut messages = framewire::message::Messages::new(queue, wait);
    /// assert_eq!(messages.get_ref(), &7);
    /// *messages.get_mut() = 8;
    /// assert_eq!(messages.into_parts(), (8, wait));
    /// ```
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The mechanism below, to be changed. What is received or sent through it is out of turn.
    ///
    /// # Examples
    ///
    /// See [`get_ref`](Self::get_ref).
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The mechanism and its wait. A message that was fed and not flushed may be dropped.
    ///
    /// # Examples
    ///
    /// See [`get_ref`](Self::get_ref).
    pub fn into_parts(self) -> (T, W) {
        (self.io, self.wait)
    }
}

impl<T: TryRecv, W: Wait, O> Messages<T, W, O> {
    /// Waits for a message, then takes it and all that are there by then, 64 at most; cheaper than
    /// as many calls of `next`. Says how many: 0 is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Result, message::{Messages, TryRecv}, wait::Wait};
    ///
    /// async fn all<T: TryRecv>(mut messages: Messages<T, impl Wait>) -> Result<Vec<T::Received>> {
    ///     let mut all = Vec::new();
    ///     while messages.recv_many(&mut all).await? > 0 {}
    ///     Ok(all)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them. Messages in front of an error are returned first.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: messages are taken in the last step.
    pub async fn recv_many(&mut self, messages: &mut Vec<T::Received>) -> Result<usize> {
        let first = poll_fn(|cx| self.poll_received(cx, T::try_recv)).await;
        let Some(first) = first.transpose()? else { return Ok(0) };
        messages.push(first);
        let mut count = 1;
        while count < usize::from(RUN) {
            match self.io.try_recv() {
                Ok(Some(message)) => messages.push(message),
                Err(error) if is_not_yet(&error) => break,
                met => {
                    self.met = Some(met.map(drop));
                    break;
                }
            }
            count += 1;
        }
        self.received.over();
        Ok(count)
    }

    /// Waits for a message and lends it to `see`: cheaper than `next` where the mechanism can lend
    /// and the bytes need not outlive the call. `None` is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Result, message::{Messages, TryRecv}, wait::Wait};
    ///
    /// async fn total(mut messages: Messages<impl TryRecv, impl Wait>) -> Result<usize> {
    ///     let mut total = 0;
    ///     while let Some(len) = messages.with_next(|body| body.len()).await? {
    ///         total += len;
    ///     }
    ///     Ok(total)
    /// }
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
        let mut see = Some(see);
        let lent = poll_fn(|cx| {
            self.poll_received(cx, |io| {
                Ok(io.try_lend(|body| see.take().map(|see| see(body)))?.flatten())
            })
        });
        lent.await.transpose()
    }

    /// What `take` takes, tried as often as the wait says that a try is worth it.
    #[inline]
    fn poll_received<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut T) -> io::Result<Option<R>>,
    ) -> Poll<Option<Result<R>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        ready!(self.received.poll(cx));
        let Self { io, wait, .. } = self;
        let taken = match self.met.take() {
            Some(met) => met.map(|()| None),
            None => ready!(wait.poll_io(cx, Direction::Receive, || take(io))),
        };
        self.received.passed();
        Poll::Ready(match taken {
            Ok(Some(message)) => Some(Ok(message)),
            Ok(None) => {
                self.ended = true;
                self.place.closed();
                None
            }
            Err(error) => Some(Err(self.broken(error))),
        })
    }

    #[cold]
    fn broken(&mut self, error: io::Error) -> Error {
        let error = self.place.failed("receive", error.into());
        self.ended = !self.io.goes_on(&error);
        error
    }
}

/// Whether a call that answers this is to be made again.
pub(super) fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl<T: TryRecv, W: Wait, O> Stream for Messages<T, W, O> {
    type Item = Result<T::Received>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_received(cx, T::try_recv)
    }
}
