//! Who stands in a line, in which order, and what has come for whom.

use std::{collections::VecDeque, io, task::Waker};

use crate::wait::pace::Pace;

/// Those who wait, the ones in front that were served and have not looked yet, and what of the
/// thread.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By their ids, which only grow.
    waiters: VecDeque<Waiter>,
    /// So many in front were served.
    served: usize,
    next: u64,
    /// How the first one tries; `None` while it has that itself.
    pub(super) pace: Option<Pace>,
    pub(super) has_thread: bool,
    /// The thread takes what comes, for whoever is first, until there is nobody.
    pub(super) asked: bool,
    /// Nobody will ever come again.
    pub(super) closed: bool,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    waker: Option<Waker>,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting,
    /// What came has not been looked at.
    Served(io::Result<()>),
    Done,
}

/// What somebody leaves behind.
pub(super) struct Left {
    /// To be dropped.
    pub(super) waker: Option<Waker>,
    /// It was served, and has not looked.
    pub(super) has_token: bool,
    /// Who is to try now.
    pub(super) next: Option<Waker>,
}

impl Line {
    /// A place behind all others.
    pub(super) fn join(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        self.waiters.push_back(Waiter { id, waker: None, state: State::Waiting });
        id
    }

    /// How many were not served.
    pub(super) fn waiting(&self) -> usize {
        self.waiters.len() - self.served
    }

    /// Whether this is the first of those who were not served.
    pub(super) fn is_first(&self, id: u64) -> bool {
        self.waiters.get(self.served).is_some_and(|first| first.id == id)
    }

    /// What this one was served with, once.
    pub(super) fn take(&mut self, id: u64) -> Option<io::Result<()>> {
        let waiter = self.find(id).map(|index| &mut self.waiters[index])?;
        match std::mem::replace(&mut waiter.state, State::Done) {
            State::Served(taken) => Some(taken),
            other => {
                waiter.state = other;
                None
            }
        }
    }

    /// Has this one woken by this from now on, and returns what it was woken by so far.
    #[must_use]
    pub(super) fn wake_by(&mut self, id: u64, waker: &Waker) -> Option<Waker> {
        let index = self.find(id)?;
        let slot = &mut self.waiters[index].waker;
        match slot {
            Some(same) if same.will_wake(waker) => None,
            other => other.replace(waker.clone()),
        }
    }

    /// Serves the first one, and says how it is woken, if it has to be; `None` where there is
    /// nobody.
    pub(super) fn serve(&mut self, taken: io::Result<()>) -> Option<Option<Waker>> {
        let first = self.waiters.get_mut(self.served)?;
        first.state = State::Served(taken);
        let waker = first.waker.take();
        self.served += 1;
        self.rest();
        Some(waker)
    }

    /// Takes this one out.
    pub(super) fn leave(&mut self, id: u64) -> Left {
        let mut left = Left { waker: None, has_token: false, next: None };
        let Some(waiter) = self.find(id).and_then(|index| self.waiters.remove(index)) else {
            return left;
        };
        left.waker = waiter.waker;
        match waiter.state {
            State::Waiting => self.rest(),
            State::Served(taken) => {
                self.served -= 1;
                left.has_token = taken.is_ok();
            }
            State::Done => self.served -= 1,
        }
        if !self.asked {
            let first = self.waiters.get_mut(self.served);
            left.next = first.and_then(|first| first.waker.take());
        }
        left
    }

    fn rest(&mut self) {
        self.asked &= self.waiting() > 0;
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.waiters.binary_search_by_key(&id, |waiter| waiter.id).ok()
    }
}
