//! The one who writes.

use super::{
    super::Memory,
    CLOSED, Follower, LATEST, STATE, TAIL, TAIL_INTENT, WANT_SPACE,
    record::{self, Header},
};
use crate::sync::{
    Ordering::{Relaxed, Release},
    full_fence, release_fence,
};

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With the newest record, if there is any.
    Newest,
    /// With the oldest that is there.
    Oldest,
    /// With the next that is written.
    Next,
}

/// Writes a log. Of its own words and records it trusts its own copies.
#[derive(Debug)]
pub(crate) struct Writer<M> {
    memory: M,
    tail: u64,
    /// Where the newest record begins, and the oldest that is whole; `tail` where there is none.
    latest: u64,
    oldest: u64,
    /// The number of the next record.
    number: u64,
    /// Those who waited for what is in front of this were told.
    told: u64,
}

impl<M: Memory> Writer<M> {
    /// A log in memory that is all zeros.
    pub(crate) fn new(memory: M) -> Self {
        Self { memory, tail: 0, latest: 0, oldest: 0, number: 0, told: 0 }
    }

    /// The longest message.
    pub(crate) fn max_len(&self) -> usize {
        record::max_len(self.memory.capacity() as u64) as usize
    }

    /// Where it ends.
    pub(crate) fn tail(&self) -> u64 {
        self.tail
    }

    /// The position that a reader has to have come to, for a message of this length to overwrite
    /// nothing that it has not read.
    pub(crate) fn floor(&self, len: usize) -> u64 {
        let end = self.tail + record::size(len as u64);
        end.saturating_sub(self.memory.capacity() as u64)
    }

    /// Writes and publishes one message, of [`max_len`](Self::max_len) at most.
    pub(crate) fn write(&mut self, message: &[u8]) {
        assert!(message.len() <= self.max_len(), "a message that is too long");
        let (at, len) = (self.tail, message.len() as u64);
        let end = at + record::size(len);
        self.forget(end);
        // Release: who sees it sees `LATEST`. That orders what is before it; the bytes behind it are
        // kept there by the fence, with that of `Reader::is_whole`.
        self.memory.store(TAIL_INTENT, end, Release);
        release_fence("write");
        Header::new(at, len, self.number).write(&self.memory, at);
        self.memory.write(record::body(at), message);
        // Release: with the reader's acquiring load of `TAIL`.
        self.memory.store(TAIL, end, Release);
        // Release: with the reader's acquiring load of `LATEST`, which finds it published.
        self.memory.store(LATEST, at, Release);
        (self.tail, self.latest, self.number) = (end, at, self.number + 1);
    }

    /// Passes over the oldest records, as far as the ring up to `end` does not hold them.
    fn forget(&mut self, end: u64) {
        let capacity = self.memory.capacity() as u64;
        while end - self.oldest > capacity && self.oldest < self.tail {
            let header = Header::read(&self.memory, self.oldest);
            let len = header.len(self.oldest, self.tail - self.oldest, capacity);
            // There is no other than our own record.
            self.oldest = len.map_or(self.tail, |len| self.oldest + record::size(len));
        }
    }

    /// Where a reader begins: a position, and the number of the record there.
    pub(crate) fn begin(&self, begin: Begin) -> (u64, u64) {
        let at = match begin {
            _ if self.number == 0 => self.tail,
            Begin::Newest => self.latest,
            Begin::Oldest => self.oldest,
            Begin::Next => self.tail,
        };
        let is_next = at == self.tail;
        (at, if is_next { self.number } else { Header::read(&self.memory, at).number })
    }

    /// What was written since this was called last, if anything was: who waits for any of it is to
    /// be woken, and [`Follower::waits_in`] says who does.
    pub(crate) fn tell(&mut self) -> Option<(u64, u64)> {
        if self.told == self.tail {
            return None;
        }
        // With that of `Reader::wait`.
        full_fence("tell");
        let told = (self.told, self.tail);
        self.told = self.tail;
        Some(told)
    }

    /// Asks to be woken by whoever gets to this position. Look at the readers once more after it.
    pub(crate) fn want_space(&self, position: u64) {
        // Relaxed, and the fence: with that of `Reader::release`.
        self.memory.store(WANT_SPACE, position, Relaxed);
        full_fence("want_space");
    }

    /// Says that nothing comes any more. Everybody is to be woken.
    pub(crate) fn close(&self) {
        // Release: who sees it sees the last `TAIL` too.
        self.memory.store(STATE, CLOSED, Release);
        full_fence("tell");
    }

    /// A reader that begins here, by its page.
    pub(crate) fn follower<P: Memory>(&self, page: P, begins: u64) -> Follower<P> {
        Follower::new(page, begins)
    }
}
