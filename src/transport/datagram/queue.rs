//! A bounded queue between the task that reads a socket and those who take from it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// What waits between one who puts in and one who takes out.
///
/// Both wait with a waker, and neither for long: the lock is held for a few instructions.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    most: usize,
    heaviest: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    /// How many were turned away since one was last let in, to be told in front of the next.
    missed: u64,
    /// Nobody puts in any more.
    ended: bool,
    /// Nobody takes out any more.
    closed: bool,
    taker: Option<Waker>,
    putter: Option<Waker>,
}

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    Item(T),
    /// So many were turned away behind what was taken before.
    Missed(u64),
    Nothing,
    /// Nothing comes any more.
    End,
}

/// Why something does not go in; it comes back.
#[derive(Debug)]
pub(super) enum Refused<T> {
    Full(T),
    Closed(T),
}

impl<T> Queue<T> {
    /// Room for so many items of so much weight together; one alone may be heavier.
    pub(super) fn new(most: usize, heaviest: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            weight: 0,
            missed: 0,
            ended: false,
            closed: false,
            taker: None,
            putter: None,
        };
        Self { state: Mutex::new(state), most, heaviest }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item in, if there is room.
    pub(super) fn put(&self, item: T, weight: usize) -> Result<(), Refused<T>> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed(item));
        }
        let fits = state.items.len() < self.most
            && (state.items.is_empty() || state.weight + weight <= self.heaviest);
        // What was missed is told where it was missed: nothing overtakes that.
        if !fits || state.missed > 0 {
            return Err(Refused::Full(item));
        }
        state.items.push_back((item, weight));
        state.weight += weight;
        let taker = state.taker.take();
        drop(state);
        if let Some(taker) = taker {
            taker.wake();
        }
        Ok(())
    }

    /// Notes that one was turned away for good.
    pub(super) fn miss(&self) {
        self.state().missed += 1;
    }

    /// Has the putter woken when something is taken out, or nobody takes any more.
    pub(super) fn wake_putter(&self, cx: &Context<'_>) {
        self.state().putter = Some(cx.waker().clone());
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let taker = state.taker.take();
        drop(state);
        if let Some(taker) = taker {
            taker.wake();
        }
    }

    /// Nobody takes any more: what is there is dropped.
    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.weight = 0;
        let items = std::mem::take(&mut state.items);
        let putter = state.putter.take();
        drop(state);
        drop(items);
        if let Some(putter) = putter {
            putter.wake();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Takes one item out.
    pub(super) fn take(&self) -> Taken<T> {
        self.state().take()
    }

    /// Takes one item out, or has the taker woken when there is one.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Taken<T>> {
        let mut state = self.state();
        match state.take() {
            Taken::Nothing => {
                state.taker = Some(cx.waker().clone());
                Poll::Pending
            }
            taken => Poll::Ready(taken),
        }
    }

    /// Has the taker woken when there is something to take; `false` where there is already.
    pub(super) fn wake_taker(&self, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        let nothing = state.items.is_empty() && state.missed == 0 && !state.ended;
        if nothing {
            state.taker = Some(cx.waker().clone());
        }
        nothing
    }
}

/// Who takes out of a queue; when it goes, nobody does any more.
#[derive(Debug)]
pub(super) struct Taker<T>(Arc<Queue<T>>);

impl<T> Taker<T> {
    pub(super) fn new(queue: &Arc<Queue<T>>) -> Self {
        Self(Arc::clone(queue))
    }

    pub(super) fn queue(&self) -> &Arc<Queue<T>> {
        &self.0
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> State<T> {
    fn take(&mut self) -> Taken<T> {
        if let Some((item, weight)) = self.items.pop_front() {
            self.weight -= weight;
            if let Some(putter) = self.putter.take() {
                putter.wake();
            }
            return Taken::Item(item);
        }
        match std::mem::take(&mut self.missed) {
            0 if self.ended => Taken::End,
            0 => Taken::Nothing,
            missed => Taken::Missed(missed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_by_number_and_by_weight() {
        let queue = Queue::new(3, 100);
        assert!(queue.put('a', 1000).is_ok(), "one alone may be heavier");
        assert!(matches!(queue.put('b', 1), Err(Refused::Full('b'))));
        assert_eq!(queue.take(), Taken::Item('a'));
        for item in ['c', 'd', 'e'] {
            assert!(queue.put(item, 33).is_ok());
        }
        assert!(matches!(queue.put('f', 0), Err(Refused::Full('f'))));
        assert_eq!(queue.take(), Taken::Item('c'));
        assert!(matches!(queue.put('g', 35), Err(Refused::Full('g'))));
    }

    #[test]
    fn what_was_missed_is_told_where_it_was_missed() {
        let queue = Queue::new(1, 100);
        assert!(queue.put('a', 0).is_ok());
        queue.miss();
        queue.miss();
        assert_eq!(queue.take(), Taken::Item('a'));
        assert!(queue.put('b', 0).is_err(), "nothing overtakes it");
        assert_eq!(queue.take(), Taken::Missed(2));
        assert!(queue.put('c', 0).is_ok());
        queue.end();
        assert_eq!(queue.take(), Taken::Item('c'));
        assert_eq!(queue.take(), Taken::End);
    }

    #[test]
    fn nobody_puts_into_what_is_closed() {
        let queue = Queue::new(1, 100);
        let queue = Arc::new(queue);
        drop(Taker::new(&queue));
        assert!(matches!(queue.put('a', 0), Err(Refused::Closed('a'))));
    }
}
