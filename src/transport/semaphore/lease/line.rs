//! The tasks that wait at one handle, in the order in which they came.

use std::{collections::BTreeMap, task::Waker};

/// Who waits, by when it came. The first looks for a permit, and the others wait for it to be done.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The numbers are never used again.
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl Line {
    /// Joins it at its end.
    pub(super) fn join(&mut self, waker: Waker) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, waker);
        number
    }

    /// From now on this waker is the one to be woken. The one before comes back: to drop it may run
    /// code that wants what is locked here.
    pub(super) fn renew(&mut self, number: u64, waker: &Waker) -> Option<Waker> {
        let before = self.waiting.get_mut(&number)?;
        if before.will_wake(waker) {
            return None;
        }
        Some(std::mem::replace(before, waker.clone()))
    }

    /// Leaves it, from wherever in it.
    pub(super) fn leave(&mut self, number: u64) -> Option<Waker> {
        self.waiting.remove(&number)
    }

    pub(super) fn is_first(&self, number: u64) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| *first == number)
    }

    /// Wakes the first, once nothing is locked.
    pub(super) fn first(&self) -> Option<Waker> {
        self.waiting.first_key_value().map(|(_, waker)| waker.clone())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_served_as_they_came_whoever_leaves() {
        let mut line = Line::default();
        assert!(line.is_empty() && line.first().is_none());
        let numbers: Vec<_> = (0..4).map(|_| line.join(Waker::noop().clone())).collect();
        assert!(line.is_first(numbers[0]) && !line.is_first(numbers[1]));
        assert!(line.leave(numbers[1]).is_some());
        assert!(line.is_first(numbers[0]));
        assert!(line.leave(numbers[0]).is_some());
        assert!(line.is_first(numbers[2]));
        assert!(line.leave(numbers[0]).is_none(), "it has left");
        line.leave(numbers[2]);
        line.leave(numbers[3]);
        assert!(line.is_empty());
        assert!(!numbers.contains(&line.join(Waker::noop().clone())));
    }
}
