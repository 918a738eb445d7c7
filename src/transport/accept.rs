//! Accepting when descriptors run out.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::task::coop;
#[cfg(unix)]
use tokio_util::sync::CancellationToken;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{backoff::Backoff, sys};

/// Failed connections that are passed over in a row before there is a [`BREATH`].
const RUN: u32 = 64;
/// Short, so that who makes connections that fail cannot keep others from being accepted, and
/// enough not to be a busy loop where every call fails: a sandbox may forbid them all.
const BREATH: Duration = Duration::from_millis(1);

/// What a listener keeps to go on accepting whatever happens: a descriptor in reserve, and a pause
/// that doubles.
///
/// A listener whose process has no descriptor left stays readable, so that trying again at once is
/// a busy loop, and parking would never end: nothing new happens to it. Instead the reserve is
/// given up for a moment, one connection is accepted with it and closed, so that its peer learns at
/// once and not from a deadline, and the next try is made after a pause of 10 ms, doubling to 1 s.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// Ready when we may accept; `None` once we may.
    opening: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// `None` where the system had none left when it was last asked.
    reserve: Option<sys::Reserve>,
    backoff: Backoff,
    /// Connections that failed since one was accepted.
    failed: u32,
    /// Connections that were accepted and closed.
    turned_away: u64,
}

impl Backlog {
    /// Takes the reserve. Where there is none to be had, accepting goes on without.
    pub(crate) fn new() -> Self {
        let reserve = sys::reserve().ok();
        Self { opening: None, reserve, backoff: Backoff::default(), failed: 0, turned_away: 0 }
    }

    /// As [`Backlog::new`], but nobody is accepted before this token is cancelled: those who come
    /// are another process's until it lets go.
    #[cfg(unix)]
    pub(crate) fn after(opened: Option<CancellationToken>) -> Self {
        let opening = opened.map(|opened| Box::pin(opened.cancelled_owned()));
        Self { opening, ..Self::new() }
    }

    /// Connections that were accepted and closed at once, for want of a descriptor.
    #[cfg(test)]
    fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// Calls `accept` until it brings a connection or cannot go on.
    ///
    /// Running out of descriptors, buffers or memory is waited out; a connection that failed before
    /// it was accepted is passed over. What else `accept` answers is the answer, and so is what
    /// cannot be waited out, for want of the runtime's timers.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the caller stops polling.
    pub(crate) fn poll_accept<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Some(opening) = &mut self.opening {
            ready!(opening.as_mut().poll(cx));
            self.opening = None;
        }
        loop {
            ready!(self.backoff.poll(cx));
            if self.reserve.is_none() {
                self.reserve = sys::reserve().ok();
            }
            // A unit a connection, sound or not, so that a flood of either leaves other tasks
            // their turn.
            let coop = ready!(coop::poll_proceed(cx));
            let error = match ready!(accept(cx)) {
                Ok(accepted) => {
                    coop.made_progress();
                    self.backoff.succeed();
                    self.failed = 0;
                    return Poll::Ready(Ok(accepted));
                }
                Err(error) => error,
            };
            coop.made_progress();
            if sys::is_exhausted(&error) {
                self.turn_one_away(cx, &mut accept);
                let Ok(pause) = self.backoff.fail() else { return Poll::Ready(Err(error)) };
                let turned_away = self.turned_away;
                tracing::warn!(%error, ?pause, turned_away, "accepting waits for descriptors");
            } else if sys::is_passing(&error) {
                tracing::debug!(%error, "a connection failed before it was accepted");
                self.failed = self.failed.wrapping_add(1);
                if self.failed % RUN == 0 && self.backoff.pause(BREATH).is_err() {
                    return Poll::Ready(Err(error));
                }
            } else {
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Accepts one connection with the reserve, and closes it.
    fn turn_one_away<T>(
        &mut self,
        cx: &mut Context<'_>,
        accept: &mut impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) {
        if self.reserve.is_none() {
            return;
        }
        self.reserve = None;
        // Another thread may have been faster to take what was freed: then nobody is turned away
        // this time, and the reserve is taken again when a descriptor is left.
        if let Poll::Ready(Ok(accepted)) = accept(cx) {
            drop(accepted);
            self.turned_away += 1;
        }
        self.reserve = sys::reserve().ok();
    }
}

#[cfg(all(test, unix))]
mod tests;
