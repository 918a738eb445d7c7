//! Sending whole messages.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Sink;

use super::{Body, Messages, TrySend, messages::is_not_yet};
use crate::{
    Error, ErrorKind, Result,
    wait::{Direction, Wait},
};

impl<T: TrySend, W: Wait> Messages<T, W, T::Outgoing> {
    /// Refuses a message that the mechanism cannot carry.
    #[inline]
    pub(crate) fn check(&self, message: &T::Outgoing) -> Result<()> {
        let (len, max) = (message.body().len(), self.io.max_len());
        if len > max {
            let cause = format!("message of {len} bytes, limit {max}");
            let error = Error::new(ErrorKind::TooLarge, cause)
                .remedy("send it in parts, or raise the mechanism's limit where it has one");
            return Err(self.place.refused("send", error));
        }
        Ok(())
    }

    /// Sends the message that waits for room, if any does.
    #[inline]
    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.outbox.is_none() { Poll::Ready(Ok(())) } else { self.poll_room(cx) }
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
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

impl<T: TrySend, W: Wait> Sink<T::Outgoing> for Messages<T, W, T::Outgoing> {
    type Error = Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let messages = self.get_mut();
        ready!(messages.sent.poll(cx));
        messages.poll_outbox(cx)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, message: T::Outgoing) -> Result<()> {
        let messages = self.get_mut();
        messages.check(&message)?;
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

    #[inline]
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
