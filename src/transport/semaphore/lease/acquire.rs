//! Waiting for a permit.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{guard::Lease, pool::Pool};
use crate::{Result, runtime, wait::wake};

/// One who wants a permit. Dropped, it leaves nothing: a lock is taken in a poll that is ready, and
/// is a [`Lease`] by the end of it.
#[derive(Debug)]
pub(super) struct Acquire {
    pool: Arc<Pool>,
    /// Its place in the line, if it had to join that.
    number: Option<u64>,
}

impl Acquire {
    pub(super) fn new(pool: &Arc<Pool>) -> Self {
        Self { pool: Arc::clone(pool), number: None }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Lease>> {
        let taken = ready!(self.poll_take(cx));
        let taken = taken.map(|index| Lease::new(&self.pool, index));
        // The next one looks for itself.
        self.leave();
        Poll::Ready(taken.map_err(|error| self.pool.failed("acquire a lease of", error)))
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Result<u16>> {
        let pool = Arc::clone(&self.pool);
        // What a poll replaces is dropped when nothing is locked: that may run any code.
        let _before;
        let mut state = pool.lock();
        let (held, line) = state.parts();
        let number = match self.number {
            Some(number) => {
                _before = line.renew(number, cx.waker());
                number
            }
            None => {
                runtime::here()?;
                if line.is_empty() {
                    // Who takes and gives back all the time must not keep other tasks waiting.
                    let coop = ready!(coop::poll_proceed(cx));
                    if let Some(index) = pool.take(held)? {
                        coop.made_progress();
                        return Poll::Ready(Ok(index));
                    }
                }
                *self.number.insert(line.join(cx.waker().clone()))
            }
        };
        if !line.is_first(number) {
            return Poll::Pending;
        }
        drop(state);
        pool.watch().poll(cx, &pool)
    }

    /// Leaves the line, from wherever in it, and has the next one look.
    fn leave(&mut self) {
        let Some(number) = self.number.take() else { return };
        // Both are dropped, and the one is woken, when nothing is locked.
        let (_ours, next, is_empty) = {
            let mut state = self.pool.lock();
            let was_first = state.line.is_first(number);
            state.look |= was_first;
            let ours = state.line.leave(number);
            (ours, state.line.first().filter(|_| was_first), state.line.is_empty())
        };
        next.into_iter().for_each(wake);
        let _pause = is_empty.then(|| {
            let mut watch = self.pool.watch();
            // Somebody may have come by now.
            let is_empty = self.pool.lock().line.is_empty();
            is_empty.then(|| watch.rest())
        });
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        self.leave();
    }
}
