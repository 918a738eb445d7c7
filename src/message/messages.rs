//! Whole messages as a `Stream` and `Sink`.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, Stream};

use super::{TryRecv, TrySend};
use crate::{
    Endpoint, Error, ErrorKind, Result,
    place::Place,
    turn::{RUN, Turn},
    wait::{Direction, Wait},
};

/// Messages over any [`TryRecv`] (a `Stream`), [`TrySend`] (a `Sink`), or both.
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
///     fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
///         let mut buffer = [0; 2048];
///         let len = self.0.recv(&mut buffer)?;
///         Ok(Some(Bytes::copy_from_slice(&buffer[..len])))
///     }
/// }
///
/// impl TrySend for Datagrams {
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
pub struct Messages<T, W> {
    io: T,
    wait: W,
    place: Place,
    /// The stream has ended, in order or not.
    ended: bool,
    /// The end or the error that `recv_many` met behind messages that came first.
    met: Option<io::Result<()>>,
    /// Accepted when there was no room for it.
    outbox: Option<Bytes>,
    received: Turn,
    sent: Turn,
}

// Neither the mechanism nor its wait is ever pinned: both are called through `&mut`.
impl<T, W> Unpin for Messages<T, W> {}

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

impl<T: TryRecv, W: Wait> Messages<T, W> {
    /// Waits for a message, then takes it and all that are there by then, 64 at most; cheaper than
    /// as many calls of `next`. Says how many: 0 is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use framewire::{Result, message::{Messages, TryRecv}, wait::Wait};
    ///
    /// async fn all(mut messages: Messages<impl TryRecv, impl Wait>) -> Result<Vec<Bytes>> {
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
    pub async fn recv_many(&mut self, messages: &mut Vec<Bytes>) -> Result<usize> {
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

impl<T: TrySend, W: Wait> Messages<T, W> {
    /// Sends the message that waits for room, if any does.
    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { io, wait, outbox: Some(message), .. } = self else {
            return Poll::Ready(Ok(()));
        };
        let offer = || match io.try_send(message) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Nobody makes room by taking what they were not shown.
                io.try_flush()?;
                Err(error)
            }
            other => other,
        };
        let sent = ready!(wait.poll_io(cx, Direction::Send, offer));
        // A message that the mechanism refuses would be refused again, and block all behind it.
        self.outbox = None;
        Poll::Ready(sent.map_err(|error| self.place.failed("send", error.into())))
    }

    /// Does `step` at once where it can be: only then is there anything to wait for.
    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        step: fn(&mut T) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        let Self { io, wait, .. } = self;
        match step(io) {
            Err(error) if is_not_yet(&error) => wait.poll_io(cx, Direction::Send, || step(io)),
            done => Poll::Ready(done),
        }
    }
}

/// Whether a call that answers this is to be made again.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl<T: TryRecv, W: Wait> Stream for Messages<T, W> {
    type Item = Result<Bytes>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_received(cx, T::try_recv)
    }
}

impl<T: TrySend, W: Wait> Sink<Bytes> for Messages<T, W> {
    type Error = Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let messages = self.get_mut();
        ready!(messages.sent.poll(cx));
        messages.poll_outbox(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<()> {
        let messages = self.get_mut();
        let (len, max) = (message.len(), messages.io.max_len());
        if len > max {
            let cause = format!("message of {len} bytes, limit {max}");
            let error = Error::new(ErrorKind::TooLarge, cause)
                .remedy("send it in parts, or raise the mechanism's limit where it has one");
            return Err(messages.place.refused("send", error));
        }
        if messages.outbox.is_some() {
            let error = Error::new(ErrorKind::Exhausted, "a message is still waiting for room")
                .remedy("wait until `poll_ready` is ready");
            return Err(messages.place.refused("send", error));
        }
        messages.sent.passed();
        match messages.io.try_send(&message) {
            Err(error) if is_not_yet(&error) => {
                messages.outbox = Some(message);
                Ok(())
            }
            Err(error) => Err(messages.place.failed("send", error.into())),
            Ok(()) => Ok(()),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let messages = self.get_mut();
        ready!(messages.poll_outbox(cx))?;
        let flushed = ready!(messages.poll_step(cx, T::try_flush));
        Poll::Ready(flushed.map_err(|error| messages.place.failed("send", error.into())))
    }

    /// Sends what is queued and ends our direction; the other goes on.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let _entered = self.place.closing();
        ready!(self.as_mut().poll_flush(cx))?;
        let messages = self.get_mut();
        let closed = ready!(messages.poll_step(cx, T::try_close));
        Poll::Ready(closed.map_err(|error| messages.place.failed("close", error.into())))
    }
}
