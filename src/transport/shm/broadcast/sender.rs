//! The end that messages go into.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Sink;
use rustix::net::SocketType;

use super::{
    Options,
    audience::{Audience, Shared},
    hub::Hub,
    introduction::Kind,
};
use crate::{
    Endpoint, Error, ErrorKind, Result, SocketName,
    place::Place,
    transport::{running::Running, unix::listening::Listening},
    turn::Turn,
};

/// The one who sends: a `Sink` of messages, each of which goes to all who receive.
///
/// A message is there for them from `feed` on; those who sleep are woken by the next `flush`. While
/// this lives, a task of its own answers those who come, whether or not anything is sent.
///
/// When it is dropped, it has closed: the streams of its receivers end behind the last message; or
/// with an error, where it had accepted one that there was no room for yet.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// Sending is not cancel-safe: a `send` that is dropped early may or may not have sent its message.
#[derive(Debug)]
pub struct Sender {
    audience: Shared,
    /// `None` once it has closed.
    running: Option<Running<Hub>>,
    /// Accepted when it had to wait for the slowest.
    outbox: Option<Bytes>,
    max_len: usize,
    place: Place,
    turn: Turn,
}

impl Sender {
    pub(in crate::transport::shm) fn open(
        options: &Options,
        name: &SocketName,
        endpoint: &Arc<Endpoint>,
        kind: Kind,
    ) -> Result<Self> {
        let place_of = Arc::clone(endpoint);
        let unix = options.unix.clone().pidfd(true);
        let listening = Listening::bind(&unix, name, place_of, SocketType::SEQPACKET)?;
        let audience = Audience::new(options.ring(), options.slow)?;
        let max_len = audience.max_len();
        let audience = Shared::new(audience);
        let hub = Hub::new(listening, audience.clone(), kind, options.max_receivers)?;
        let running = Some(Running::start(hub)?);
        let mut place = Place::default();
        place.set(Arc::clone(endpoint));
        Ok(Self { audience, running, outbox: None, max_len, place, turn: Turn::default() })
    }

    /// The endpoint that is sent to.
    ///
    /// # Examples
    ///
    /// See [`max_len`](Self::max_len).
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.place.endpoint()
    }

    /// The longest message that can be sent, in bytes: a quarter of the ring.
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
    /// let sender = broadcast::sender(&*path).await?;
    /// assert_eq!(sender.max_len(), 256 * 1024);
    /// assert!(sender.endpoint().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_len(&self) -> usize {
        self.max_len
    }

    /// How many receive now.
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
    /// let sender = broadcast::sender(&*path).await?;
    /// let receiver = broadcast::receiver(&*path).await?;
    /// assert_eq!(sender.receivers(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn receivers(&self) -> usize {
        self.audience.lock().len()
    }

    /// Sends what had to wait.
    fn poll_outbox(&mut self, cx: &Context<'_>) -> Poll<Result<()>> {
        let Some(message) = &self.outbox else { return Poll::Ready(Ok(())) };
        let mut audience = self.audience.lock();
        if audience.is_over {
            drop(audience);
            return Poll::Ready(Err(self.over()));
        }
        if !audience.offer_or_wait(message, cx) {
            return Poll::Pending;
        }
        drop(audience);
        self.outbox = None;
        Poll::Ready(Ok(()))
    }

    #[cold]
    fn over(&self) -> Error {
        let cause = match &self.running {
            None => "it was closed",
            Some(_) => "the runtime that it was made on is gone, and with it its receivers",
        };
        self.place.refused("send", Error::new(ErrorKind::Closed, cause))
    }

    /// Says that nothing comes any more, and lets go of the name.
    fn end(&mut self) {
        let Some(running) = self.running.take() else { return };
        let mut audience = self.audience.lock();
        let is_sent = self.outbox.take().is_none_or(|message| audience.offer(&message));
        // Where a message that was accepted is lost, that is no end in order.
        if is_sent {
            audience.close();
        }
        drop(audience);
        drop(running);
    }
}

impl Sink<Bytes> for Sender {
    type Error = Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let sender = self.get_mut();
        ready!(sender.turn.poll(cx));
        sender.poll_outbox(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<()> {
        let sender = self.get_mut();
        let (len, max) = (message.len(), sender.max_len);
        if len > max {
            let cause = format!("message of {len} bytes, limit {max}: a quarter of the ring");
            let error = Error::new(ErrorKind::TooLarge, cause).remedy("raise `capacity`");
            return Err(sender.place.refused("send", error));
        }
        if sender.outbox.is_some() {
            let error = Error::new(ErrorKind::Exhausted, "a message is still waiting for room")
                .remedy("wait until `poll_ready` is ready");
            return Err(sender.place.refused("send", error));
        }
        sender.turn.passed();
        let mut audience = sender.audience.lock();
        if audience.is_over {
            drop(audience);
            return Err(sender.over());
        }
        if !audience.offer(&message) {
            drop(audience);
            sender.outbox = Some(message);
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let sender = self.get_mut();
        ready!(sender.poll_outbox(cx))?;
        sender.audience.lock().tell();
        Poll::Ready(Ok(()))
    }

    /// Sends what is queued and ends the streams of all who receive. What they have not received
    /// yet stays there for them.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let _entered = self.place.closing();
        ready!(self.as_mut().poll_flush(cx))?;
        self.get_mut().end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.end();
    }
}
