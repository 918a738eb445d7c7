//! Permits as a stream, and posts as a sink.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, Stream};

use super::{Permit, Semaphore, gate::Gate};
use crate::{Error, ErrorKind, Result, turn::Turn, wait::Ticket};

/// A `Stream` of permits, each of which goes back when it is dropped. It never ends, but behind an
/// error.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// `next` is cancel-safe: no permit is lost. Who has polled it and stops stands in the line
/// nevertheless, and a permit that comes for it is kept for the next poll, or goes back when this is
/// dropped. [`Semaphore::acquire`] leaves the line at once.
pub struct Receiver {
    semaphore: Semaphore,
    ticket: Ticket<Gate>,
    ended: bool,
}

impl Receiver {
    pub(super) fn new(semaphore: Semaphore) -> Self {
        Self { ticket: semaphore.ticket(), semaphore, ended: false }
    }

    /// The semaphore.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-get-ref-{}", std::process::id());
    /// let receiver = semaphore::receiver(&name).await?;
    /// # semaphore::remove(&name)?;
    /// assert_eq!(receiver.get_ref().value()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_ref(&self) -> &Semaphore {
        &self.semaphore
    }
}

impl Stream for Receiver {
    type Item = Result<Permit>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { semaphore, ticket, ended } = self.get_mut();
        if *ended {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(match ready!(ticket.poll_take(cx)) {
            Ok(()) => Ok(semaphore.permit()),
            Err(cause) => {
                *ended = true;
                Err(semaphore.gate().failed("receive", cause.into()))
            }
        }))
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("semaphore", &self.semaphore).finish_non_exhaustive()
    }
}

/// A `Sink` that adds a permit for each `()`. It is added when it is fed: there is nothing to flush,
/// and closing does nothing.
///
/// # Examples
///
/// See the [module](super).
#[derive(Debug)]
pub struct Sender {
    semaphore: Semaphore,
    turn: Turn,
}

impl Sender {
    pub(super) fn new(semaphore: Semaphore) -> Self {
        Self { semaphore, turn: Turn::default() }
    }

    /// The semaphore.
    ///
    /// # Examples
    ///
    /// See [`Receiver::get_ref`].
    pub fn get_ref(&self) -> &Semaphore {
        &self.semaphore
    }
}

impl Sink<()> for Sender {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        // There is always room, but others are to have their turn.
        self.turn.poll(cx).map(Ok)
    }

    fn start_send(mut self: Pin<&mut Self>, (): ()) -> Result<()> {
        self.turn.passed();
        self.semaphore.post()
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The same for who sends bodies: a permit has none.
#[derive(Debug)]
pub(crate) struct Bodiless(pub(crate) Sender);

impl Sink<Bytes> for Bodiless {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        if !body.is_empty() {
            let cause = format!("message of {} bytes, limit 0", body.len());
            let error = Error::new(ErrorKind::TooLarge, cause)
                .remedy("a permit has no body: send an empty message");
            return Err(self.0.semaphore.gate().failed("send", error));
        }
        Pin::new(&mut self.0).start_send(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
