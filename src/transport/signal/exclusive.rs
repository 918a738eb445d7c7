//! Signals that nobody else in this process handles: signalfd(2).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{Stream, StreamExt};

use super::{
    Options, Received,
    arrivals::{Arrivals, Source},
    claim::Claim,
    masking,
    number::Number,
};
use crate::{
    BoxReceiver, Endpoint, Error, Result,
    sys::{self, SignalBatch, SignalInfo, SignalSet},
    wait::{Direction, Fd},
};

/// Signals that are blocked in every thread, read as they come: a `Stream` of [`Received`].
///
/// Up to 64 are read in one call; those that were read and not handed out are lost when this is
/// dropped. While nobody reads, and after that, signals wait in the kernel, up to its limit.
///
/// # Examples
///
/// See [`exclusive`](super::exclusive).
///
/// # Cancel safety
///
/// `next` and [`recv_many`](Self::recv_many) are cancel-safe.
#[derive(Debug)]
pub struct Exclusive(Arrivals<Taken>);

impl Exclusive {
    pub(super) async fn open(options: &Options, name: &str) -> Result<Self> {
        let number = Number::to_take(name).map_err(|error| error.doing("take"))?;
        let endpoint = number.endpoint();
        let failed = |error: Error| error.doing("take").on(endpoint.clone());
        let taken = Taken::new(options, &number).await.map_err(failed)?;
        Ok(Self(Arrivals::new(taken, endpoint, options.policy.clone(), options.wide)))
    }

    /// Waits for a signal, then takes it and all that are there by then, 64 at most: says how many.
    ///
    /// # Examples
    ///
    /// ```
    /// # use framewire::{Result, signal::Exclusive};
    /// async fn sum(mut signals: Exclusive) -> Result<i64> {
    ///     let mut batch = Vec::new();
    ///     signals.recv_many(&mut batch).await?;
    ///     Ok(batch.iter().filter_map(|signal| signal.int()).map(i64::from).sum())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: signals are taken in the last step.
    pub async fn recv_many(&mut self, signals: &mut Vec<Received>) -> Result<usize> {
        self.0.recv_many(signals).await
    }

    /// How many signals the [policy](super::Options::policy) has kept out.
    ///
    /// # Examples
    ///
    /// See [`Policy`](super::Policy).
    pub fn denied(&self) -> u64 {
        self.0.denied()
    }

    /// The signal.
    ///
    /// # Examples
    ///
    /// See [`Receiver::endpoint`](super::Receiver::endpoint).
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.0.endpoint()
    }

    /// The same as messages: [`Received::body`].
    ///
    /// # Examples
    ///
    /// See [`Receiver::bytes`](super::Receiver::bytes).
    #[must_use]
    pub fn bytes(self) -> BoxReceiver {
        Box::pin(self.map(|signal| signal.map(|signal| signal.body())))
    }
}

impl Stream for Exclusive {
    type Item = Result<Received>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_next(cx)
    }
}

/// A descriptor, and what was read from it.
#[derive(Debug)]
struct Taken {
    fd: Fd,
    batch: SignalBatch,
    /// Given back behind the descriptor.
    _claim: Claim,
}

impl Taken {
    async fn new(options: &Options, number: &Number) -> Result<Self> {
        let claim = Claim::take(number.raw)?;
        masking::expect_blocked(number.raw).await?;
        let fd = Fd::new(sys::signal_fd(SignalSet::of(number.raw))?)?.strategy(options.strategy);
        Ok(Self { fd, batch: SignalBatch::new(), _claim: claim })
    }
}

impl Source for Taken {
    #[inline]
    fn pop(&mut self) -> Option<SignalInfo> {
        self.batch.pop()
    }

    #[inline]
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { fd, batch, .. } = self;
        fd.poll_fd(cx, Direction::Receive, |fd| batch.fill(fd))
    }
}
