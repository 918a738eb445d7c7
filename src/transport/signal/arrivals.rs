//! Signals as a stream, wherever they are taken.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

use super::{Policy, Received};
use crate::{
    Endpoint, ErrorKind, Result,
    place::Place,
    sys::SignalInfo,
    turn::{RUN, Turn},
};

/// Where signals are taken.
pub(super) trait Source {
    /// One that was taken already.
    fn pop(&mut self) -> Option<SignalInfo>;

    /// Takes some more, at least one of them. Once those before are handed out.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Those of a source that the policy lets through, in order.
#[derive(Debug)]
pub(super) struct Arrivals<S> {
    source: S,
    place: Place,
    policy: Policy,
    wide: bool,
    denied: u64,
    turn: Turn,
    ended: bool,
}

impl<S: Source> Arrivals<S> {
    pub(super) fn new(source: S, endpoint: Endpoint, policy: Policy, wide: bool) -> Self {
        let mut place = Place::default();
        place.set(endpoint);
        let turn = Turn::default();
        Self { source, place, policy, wide, denied: 0, turn, ended: false }
    }

    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        self.place.endpoint()
    }

    pub(super) fn denied(&self) -> u64 {
        self.denied
    }

    /// The next that was taken already and is let through.
    #[inline]
    fn pop(&mut self) -> Option<Received> {
        while let Some(info) = self.source.pop() {
            self.turn.passed();
            if self.policy.allows(&info) {
                return Some(Received::new(info, self.wide));
            }
            self.denied += 1;
            tracing::trace!(signal = info.number, pid = info.pid, uid = info.uid, "denied");
        }
        None
    }

    #[inline]
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Received>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            ready!(self.turn.poll(cx));
            if let Some(received) = self.pop() {
                return Poll::Ready(Some(Ok(received)));
            }
            if let Err(error) = ready!(self.source.poll_more(cx)) {
                let error = self.place.failed("receive", error.into());
                self.ended = error.kind() != ErrorKind::Lagged;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    pub(super) async fn recv_many(&mut self, signals: &mut Vec<Received>) -> Result<usize> {
        let Some(first) = poll_fn(|cx| self.poll_next(cx)).await.transpose()? else { return Ok(0) };
        signals.push(first);
        let mut count = 1;
        while count < usize::from(RUN) {
            let Some(next) = self.pop() else { break };
            signals.push(next);
            count += 1;
        }
        self.turn.over();
        Ok(count)
    }
}
