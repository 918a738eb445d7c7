//! What a mechanism sends by other means than a message that is handed to it.

use std::{future::poll_fn, io, pin::Pin, task::Poll};

use futures::Sink;

use super::{Messages, TrySend, messages::is_not_yet};
use crate::{
    Error, Result,
    wait::{Direction, Wait},
};

impl<T: TrySend, W: Wait> Messages<T, W, T::Outgoing> {
    /// Does `step` in the place of a message: behind all that was accepted before, and as often as
    /// the wait says that a try is worth it.
    ///
    /// Cancel-safe where each step is all or nothing.
    pub(crate) async fn in_turn<R>(
        &mut self,
        mut step: impl FnMut(&mut T) -> io::Result<R>,
    ) -> Result<R> {
        poll_fn(|cx| Pin::new(&mut *self).poll_ready(cx)).await?;
        let Self { io, wait, .. } = self;
        let done = poll_fn(|cx| match step(io) {
            Err(error) if is_not_yet(&error) => wait.poll_io(cx, Direction::Send, || step(io)),
            done => Poll::Ready(done),
        });
        let done = done.await;
        self.sent.passed();
        done.map_err(|error| self.place.failed("send", error.into()))
    }

    /// The same without waiting: `None` where it would have to.
    pub(crate) fn now<R>(
        &mut self,
        step: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> Result<Option<R>> {
        let done = match &self.outbox {
            Some(message) => match self.io.try_send(message) {
                Err(error) if is_not_yet(&error) => Err(error),
                sent => {
                    self.outbox = None;
                    sent.and_then(|()| step(&mut self.io))
                }
            },
            None => step(&mut self.io),
        };
        match done {
            Ok(done) => {
                self.sent.passed();
                Ok(Some(done))
            }
            Err(error) if is_not_yet(&error) => Ok(None),
            Err(error) => Err(self.place.failed("send", error.into())),
        }
    }

    /// Tells an error of the caller's making what was being done, and where.
    pub(crate) fn refused(&self, error: Error) -> Error {
        self.place.refused("send", error)
    }
}
