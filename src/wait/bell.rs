//! Readiness that a thread of ours makes: a descriptor, watched like any other.

use std::{
    io,
    task::{Context, Poll},
};

use super::{Direction, Fd, Strategy, Wait};
use crate::sys;

/// The waiting end.
///
/// It stays rung once it was rung, and forgets that only by trying in vain: so whoever changes
/// what is tried *before* ringing is never missed, and nobody has to count the rings.
#[derive(Debug)]
pub(super) struct Bell {
    fd: Fd,
}

/// The ringing end.
#[derive(Debug)]
pub(super) struct Ringer {
    event: sys::Ringer,
}

impl Bell {
    /// Both ends.
    pub(super) fn new() -> io::Result<(Self, Ringer)> {
        let (watch, event) = sys::event()?;
        Ok((Self { fd: Fd::new(watch)? }, Ringer { event }))
    }

    pub(super) fn strategy(self, strategy: Strategy) -> Self {
        Self { fd: self.fd.strategy(strategy) }
    }

    /// [`Wait::poll_io`]: tries again after each ring, and as the strategy says in between.
    #[inline]
    pub(super) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.fd.poll_io(cx, Direction::Receive, op)
    }
}

impl Ringer {
    /// Has the other end try again. Call it after the change that it is to find, and with no lock
    /// held that its try takes.
    pub(super) fn ring(&self) {
        if let Err(error) = self.event.ring() {
            // There is no such error for a descriptor that is ours and open.
            tracing::error!(%error, "a waiting task could not be woken");
        }
    }
}
