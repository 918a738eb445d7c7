//! One who has subscribed to a signal, and what waits for them.

use std::{
    collections::VecDeque,
    ffi::c_int,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::taker::{self, BATCH};
use crate::sys::{RawInfo, SignalInfo};

/// The least capacity: that of two batches, and two of strays.
const LEAST: usize = 4 * BATCH;

/// What the thread puts for one who has subscribed, and that one takes.
#[derive(Debug)]
pub(super) struct Subscription {
    signal: c_int,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<SignalInfo>,
    lost: u64,
    waker: Option<Waker>,
    /// The thread takes no more until there is room.
    held: bool,
}

impl Subscription {
    pub(super) fn new(signal: c_int, capacity: usize) -> Self {
        Self { signal, capacity: capacity.max(LEAST), state: Mutex::default() }
    }

    pub(super) fn signal(&self) -> c_int {
        self.signal
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is called under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all that there is into `taken`, which is empty; or says how many were lost.
    pub(super) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        taken: &mut VecDeque<SignalInfo>,
    ) -> Poll<u64> {
        let mut state = self.state();
        if state.lost > 0 {
            return Poll::Ready(mem::take(&mut state.lost));
        }
        if state.queue.is_empty() {
            if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                drop(state);
                // What a waker does when it is cloned or dropped is not for us to know.
                let waker = cx.waker().clone();
                state = self.state();
                let old = state.waker.replace(waker);
                let idle = state.queue.is_empty() && state.lost == 0;
                drop(state);
                drop(old);
                return if idle { Poll::Pending } else { self.poll_take(cx, taken) };
            }
            return Poll::Pending;
        }
        mem::swap(&mut state.queue, taken);
        let held = mem::take(&mut state.held);
        drop(state);
        if held {
            taker::ring();
        }
        Poll::Ready(0)
    }

    /// Nobody takes any more.
    pub(super) fn leave(&self) {
        let waker = self.state().waker.take();
        drop(waker);
    }

    /// Whether a batch fits, and one of strays. Whose does not has to ring when it does.
    pub(super) fn has_room(&self) -> bool {
        let mut state = self.state();
        state.held = state.queue.len() + 2 * BATCH > self.capacity;
        !state.held
    }

    /// Puts those of this signal, says how many were lost besides, and wakes whoever waits.
    pub(super) fn put(&self, batch: &[RawInfo], lost: u64) {
        let mut state = self.state();
        let (before, lost_before) = (state.queue.len(), state.lost);
        state.lost += lost;
        for info in batch.iter().map(RawInfo::parsed).filter(|info| info.number == self.signal) {
            // Only strays find it full: see `has_room`.
            if state.queue.len() < self.capacity {
                state.queue.push_back(info);
            } else {
                state.lost += 1;
            }
        }
        let news = state.queue.len() > before || state.lost > lost_before;
        let waker = if news { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            // A waker of somebody's that panics is not to end this thread.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::SignalValue;

    const SIGNAL: c_int = 50;

    fn subscription(capacity: usize) -> Subscription {
        Subscription::new(SIGNAL, capacity)
    }

    fn some(signal: c_int, count: i32) -> Vec<RawInfo> {
        (0..count).map(|value| RawInfo::queued(signal, SignalValue::Int(value))).collect()
    }

    fn take(subscription: &Subscription, taken: &mut VecDeque<SignalInfo>) -> Poll<u64> {
        subscription.poll_take(&mut Context::from_waker(Waker::noop()), taken)
    }

    #[test]
    fn what_is_lost_is_told_and_then_it_goes_on() {
        let (subscription, mut taken) = (subscription(LEAST), VecDeque::new());
        assert!(take(&subscription, &mut taken).is_pending());
        subscription.put(&[], 3);
        subscription.put(&some(SIGNAL, 2), 4);
        assert_eq!(take(&subscription, &mut taken), Poll::Ready(7));
        assert_eq!(take(&subscription, &mut taken), Poll::Ready(0));
        assert!(taken.iter().map(|info| info.int).eq(0..2));
    }

    #[test]
    fn there_is_room_for_a_batch_and_for_strays() {
        let (subscription, mut taken) = (subscription(LEAST), VecDeque::new());
        subscription.put(&some(SIGNAL + 1, 64), 0);
        assert!(take(&subscription, &mut taken).is_pending(), "they are another's");
        let mut rounds = 0;
        while subscription.has_room() {
            subscription.put(&some(SIGNAL, BATCH as i32), 0);
            rounds += 1;
        }
        assert_eq!(rounds, 3);
        // A batch of strays still fits, and no more.
        subscription.put(&some(SIGNAL, BATCH as i32 + 5), 0);
        assert_eq!(take(&subscription, &mut taken), Poll::Ready(5));
        assert!(subscription.state().held, "it is still full");
        assert_eq!(take(&subscription, &mut taken), Poll::Ready(0));
        assert_eq!(taken.len(), LEAST);
        assert!(subscription.has_room());
    }
}
