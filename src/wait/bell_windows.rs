//! Readiness that a thread of ours makes: a waker in a slot, since nothing has to be watched.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{
    Strategy,
    pace::{Pace, Step, yield_to_runtime},
};

/// The waiting end.
#[derive(Debug)]
pub(super) struct Bell {
    slot: Slot,
    pace: Pace,
}

/// The ringing end.
#[derive(Debug)]
pub(super) struct Ringer {
    slot: Slot,
}

/// Whom the next ring wakes.
#[derive(Clone, Debug, Default)]
struct Slot(Arc<Mutex<Option<Waker>>>);

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        // A waker is stored or not: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// Both ends.
    pub(super) fn new() -> io::Result<(Self, Ringer)> {
        let slot = Slot::default();
        let bell = Self { slot: slot.clone(), pace: Pace::new(Strategy::default()) };
        Ok((bell, Ringer { slot }))
    }

    pub(super) fn strategy(self, strategy: Strategy) -> Self {
        Self { pace: Pace::new(strategy), ..self }
    }

    /// Tries again after each ring, and as the strategy says in between.
    pub(super) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let mut fresh = true;
        let mut parked = false;
        loop {
            match op() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => {
                    self.pace.after_success();
                    return Poll::Ready(other);
                }
            }
            if parked {
                return Poll::Pending;
            }
            match self.pace.after_nothing(fresh) {
                Step::Try => fresh = false,
                Step::Yield => {
                    yield_to_runtime(cx);
                    return Poll::Pending;
                }
                Step::Park => {
                    // Stored before the last try: a ring that this try is too early for finds it.
                    let old = self.slot.lock().replace(cx.waker().clone());
                    drop(old);
                    parked = true;
                }
            }
        }
    }
}

impl Ringer {
    /// Has the other end try again. Call it after the change that it is to find, and with no lock
    /// held that its try takes.
    pub(super) fn ring(&self) {
        let waker = self.slot.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
