//! The reading end of a ring of records.

use std::{mem::MaybeUninit, sync::Arc};

use super::{
    Broken, Memory,
    ledger::Ledger,
    words::{ALIGN, CLOSED, FURTHEST, HEAD, OPEN, RX_STATE, TAIL, TX_STATE, WANT_DATA, WANT_SPACE},
};
use crate::sync::{Ordering, full_fence};

/// The reading end: one process, one at a time.
///
/// It hands out bytes that were published; what they mean is looked at in a copy of them. `ours`
/// holds the words that we write; `theirs` the words of the producer and the bytes. They may be
/// the same memory.
#[derive(Debug)]
pub(crate) struct Consumer<M> {
    ours: M,
    theirs: M,
    capacity: u64,
    /// Up to where was read.
    head: u64,
    /// Up to where the producer was told that it may write over it.
    released: u64,
    /// Up to where was published when we last looked.
    tail: u64,
    /// Another was here before.
    resumed: bool,
    /// What releases, where messages may be held in the ring.
    ledger: Option<Arc<Ledger<M>>>,
}

impl<M: Memory> Consumer<M> {
    /// Of a ring that nothing was read from.
    pub(crate) fn new(ours: M, theirs: M) -> Self {
        let capacity = theirs.capacity() as u64;
        let (resumed, ledger) = (false, None);
        Self { ours, theirs, capacity, head: 0, released: 0, tail: 0, resumed, ledger }
    }

    /// Of a ring whose last consumer is gone: goes on behind what that had released, which may be
    /// within a message. The producer has to be woken: the one before may have been about to.
    pub(crate) fn resume(ours: M, theirs: M) -> Result<Self, Broken> {
        let capacity = theirs.capacity() as u64;
        // Acquire: partner of the Release in `release`, by whoever was here before.
        let head = ours.load(HEAD, Ordering::Acquire);
        if head % ALIGN != 0 || head > FURTHEST {
            return Err(Broken { what: "a beginning that is none of a record", position: head });
        }
        let (released, tail, ledger) = (head, head, None);
        let mut resumed =
            Self { ours, theirs, capacity, head, released, tail, resumed: true, ledger };
        resumed.refresh()?;
        // Relaxed: for a producer that waits it changes nothing before the next `release`.
        resumed.ours.store(RX_STATE, OPEN, Ordering::Relaxed);
        Ok(resumed)
    }

    /// Whether another was here before.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Leaves it to a ledger what is released: of the same ring, that nothing was read from.
    pub(super) fn releasing_by(&mut self, ledger: &Arc<Ledger<M>>) {
        self.ledger = Some(Arc::clone(ledger));
    }

    /// Whether what is held stands in the way of a producer: all else was released.
    #[inline]
    pub(super) fn is_held_up(&self) -> bool {
        self.head - self.released > self.capacity / 2
    }

    /// Whether all that was read was released.
    pub(super) fn is_released(&self) -> bool {
        self.head == self.released
    }

    /// Where the next byte to be read is.
    #[inline]
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// How many bytes can be read: those that were seen, or if there are none, those that are
    /// there now.
    #[inline]
    pub(super) fn available(&mut self) -> Result<u64, Broken> {
        if self.head == self.tail {
            self.refresh()?;
        }
        Ok(self.tail - self.head)
    }

    /// Copies bytes out, from a multiple of 8 behind [`head`](Self::head) that is
    /// [`available`](Self::available).
    #[inline]
    pub(super) fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        debug_assert!(at >= self.released && at + into.len() as u64 <= self.tail);
        self.theirs.read(at, into);
    }

    /// The word so many bytes behind [`head`](Self::head), a multiple of 8 that is
    /// [`available`](Self::available).
    #[inline]
    pub(super) fn word(&self, behind: u64) -> u64 {
        self.theirs.read_word(self.head + behind)
    }

    /// Goes on behind bytes that were available.
    #[inline]
    pub(super) fn advance(&mut self, size: u64) {
        debug_assert!(size <= self.tail - self.head);
        self.head += size;
    }

    /// Whether enough was read and not released to tell the producer.
    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.head - self.released >= self.capacity / 8
    }

    /// Lets the producer write over what was read. `true`: it has to be woken.
    #[inline]
    #[must_use = "the producer may be asleep"]
    pub(super) fn release(&mut self) -> bool {
        let to = self.head;
        if to == self.released {
            return false;
        }
        if let Some(ledger) = &self.ledger {
            let (released, wake) = ledger.read_to(to);
            self.released = released;
            return wake;
        }
        // Release: partner of the Acquire in `Producer::refresh`: we are done with those bytes.
        self.ours.store(HEAD, to, Ordering::Release);
        // Partner of the fence in `Producer::arm`. If ours is the first, the producer sees the new
        // `HEAD` when it looks once more; if its is, we see what it wants.
        full_fence("Consumer::release");
        // Relaxed: ordered by the fence.
        let want = self.theirs.load(WANT_SPACE, Ordering::Relaxed);
        let wake = (self.released..to).contains(&want);
        self.released = to;
        wake
    }

    /// Asks to be woken when more is published. `true`: nothing is there, and the producer has not
    /// ended: it is time to sleep. All that was read was released before.
    #[must_use = "there may be something by now"]
    pub(super) fn arm(&mut self) -> Result<bool, Broken> {
        Ok(self.arm_for_more()? && self.state() == OPEN)
    }

    /// The same for one that waits for the next producer, however the last one ended.
    #[must_use = "there may be something by now"]
    pub(super) fn arm_for_more(&mut self) -> Result<bool, Broken> {
        debug_assert!(self.ledger.is_some() || self.head == self.released, "room is kept back");
        // `end` may have found it: published before a producer ended that had not when we looked.
        if self.head != self.tail {
            return Ok(false);
        }
        // Relaxed: ordered by the fence.
        self.ours.store(WANT_DATA, self.head, Ordering::Relaxed);
        // Partner of the fence in `Producer::publish`.
        full_fence("Consumer::arm");
        self.refresh()?;
        Ok(self.head == self.tail)
    }

    /// How the ring ended, if it has: in order, or given up. Nothing was available.
    #[inline]
    pub(super) fn end(&mut self) -> Result<Option<bool>, Broken> {
        let state = self.state();
        if state == OPEN {
            return Ok(None);
        }
        // What was published before it ended comes first.
        self.refresh()?;
        Ok((self.head == self.tail).then_some(state == CLOSED))
    }

    /// Tells the producer that nobody reads any more. It has to be woken, whatever it asked for.
    pub(super) fn leave(&mut self) {
        // Release: partner of the Acquire in `Producer::is_deserted`.
        self.ours.store(RX_STATE, CLOSED, Ordering::Release);
        if let Some(ledger) = &self.ledger {
            ledger.close();
        }
    }

    #[inline]
    fn state(&self) -> u64 {
        // Acquire: partner of the Release in `Producer::end`.
        self.theirs.load(TX_STATE, Ordering::Acquire)
    }

    /// Looks for more.
    #[inline]
    pub(super) fn refresh(&mut self) -> Result<(), Broken> {
        // Acquire: partner of the Release in `Producer::publish`: the bytes in front of it are
        // there.
        let tail = self.theirs.load(TAIL, Ordering::Acquire);
        if self.ledger.is_some() {
            // Others release as well, of whom the producer can have heard before we did. Relaxed:
            // what it had heard of is in front of the `TAIL` that was acquired.
            self.released = self.ours.load(HEAD, Ordering::Relaxed);
        }
        if tail < self.tail || tail - self.released > self.capacity || tail % ALIGN != 0 {
            return Err(Broken { what: "a writer where it cannot be", position: tail });
        }
        self.tail = tail;
        Ok(())
    }

    /// The memory that the bytes are in.
    pub(super) fn theirs(&self) -> &M {
        &self.theirs
    }
}
