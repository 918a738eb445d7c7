//! Signals beside their handlers, and none of them lost.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::{Stream, StreamExt};

use super::{
    Options, Received,
    arrivals::{Arrivals, Source},
    claim::claim_for_all,
    masking,
    number::Number,
    subscription::Subscription,
    taker,
};
use crate::{
    BoxReceiver, Endpoint, Error, ErrorKind, Result, runtime,
    sys::{self, SignalInfo},
};

/// Signals as they were sent, beside whatever else handles them: a `Stream` of [`Received`].
///
/// It never ends. What could not be kept is an error of kind [`Lagged`](ErrorKind::Lagged) that
/// says how many, and the stream goes on. What it has and has not handed out is lost when it is
/// dropped.
///
/// # Examples
///
/// See [`queued`](super::queued).
///
/// # Cancel safety
///
/// `next` and [`recv_many`](Self::recv_many) are cancel-safe.
#[derive(Debug)]
pub struct Queued(Arrivals<Inbox>);

impl Queued {
    pub(super) async fn open(options: &Options, name: &str) -> Result<Self> {
        let number = Number::to_take(name).map_err(|error| error.doing("queue"))?;
        let endpoint = number.endpoint();
        let failed = |error: Error| error.doing("queue").on(endpoint.clone());
        let inbox = Inbox::open(options, &number).await.map_err(failed)?;
        Ok(Self(Arrivals::new(inbox, endpoint, options.policy.clone(), options.wide)))
    }

    /// Waits for a signal, then takes it and all that are there by then, 64 at most: says how many.
    ///
    /// # Examples
    ///
    /// See [`Exclusive::recv_many`](super::Exclusive::recv_many).
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

impl Stream for Queued {
    type Item = Result<Received>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_next(cx)
    }
}

/// Our part of what the taker takes, and what we have of it.
#[derive(Debug)]
struct Inbox {
    subscription: Arc<Subscription>,
    taken: VecDeque<SignalInfo>,
}

impl Inbox {
    async fn open(options: &Options, number: &Number) -> Result<Self> {
        runtime::here()?;
        if !sys::CAN_BLOCK_IN_OTHERS {
            let cause = "not on processors of this kind";
            return Err(Error::new(ErrorKind::Unsupported, cause)
                .remedy("use `signal::block` and `signal::exclusive`"));
        }
        claim_for_all(number.raw)?;
        let subscription = taker::subscribe(number.raw, options.capacity)?;
        let inbox = Self { subscription, taken: VecDeque::new() };
        // Whatever becomes of this: what is blocked has to be taken by somebody.
        let _opened = taker::OpenedOnDrop(number.raw);
        masking::block_everywhere(number.raw).await?;
        Ok(inbox)
    }
}

impl Source for Inbox {
    #[inline]
    fn pop(&mut self) -> Option<SignalInfo> {
        self.taken.pop_front()
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { subscription, taken } = self;
        let lost = ready!(subscription.poll_take(cx, taken));
        if lost == 0 {
            return Poll::Ready(Ok(()));
        }
        let cause = format!("{lost} signals were lost on their way through other threads");
        let error = Error::new(ErrorKind::Lagged, cause)
            .remedy("leave the signal blocked in all threads, or block it in `main`");
        Poll::Ready(Err(error.into()))
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        taker::unsubscribe(&self.subscription);
    }
}
