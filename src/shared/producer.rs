//! The writing end of a ring of records.

use super::{
    Broken, Memory,
    record::{HEADER, Header, Kind},
    words::{
        ABORTED, ALIGN, CLOSED, FURTHEST, HEAD, OPEN, RX_STATE, TAIL, TX_STATE, WANT_DATA,
        WANT_SPACE,
    },
};
use crate::sync::{Ordering, full_fence};

/// The writing end: one process, one at a time.
///
/// Records are written first and published together. Positions count bytes since the ring was
/// made and never go back; what the consumer says is checked against what it can have read.
///
/// `ours` holds the words that we write and the bytes; `theirs` the words of the consumer. They
/// may be the same memory.
#[derive(Debug)]
pub(crate) struct Producer<M> {
    ours: M,
    theirs: M,
    capacity: u64,
    /// Behind the last record that was written.
    tail: u64,
    published: u64,
    /// Where the consumer was when we last looked.
    head: u64,
    /// Another was here before, and nothing was written since.
    anew: bool,
}

impl<M: Memory> Producer<M> {
    /// Of a ring that nothing was written to.
    pub(crate) fn new(ours: M, theirs: M) -> Self {
        let capacity = ours.capacity() as u64;
        Self { ours, theirs, capacity, tail: 0, published: 0, head: 0, anew: false }
    }

    /// Of a ring whose last producer is gone: goes on where it had published, as though what it
    /// had not published were not written. The consumer has to be woken: the one before may have
    /// been about to.
    pub(crate) fn resume(ours: M, theirs: M) -> Result<Self, Broken> {
        let capacity = ours.capacity() as u64;
        // Acquire: partner of the Release in `publish`, by whoever was here before.
        let tail = ours.load(TAIL, Ordering::Acquire);
        let head = tail.saturating_sub(capacity);
        let mut resumed = Self { ours, theirs, capacity, tail, published: tail, head, anew: true };
        if tail % ALIGN != 0 || tail > FURTHEST {
            return Err(Broken { what: "an end that is no end of a record", position: tail });
        }
        resumed.refresh()?;
        // Relaxed: the consumer takes it with the next `TAIL` that it acquires, and until then
        // has nothing to end for.
        resumed.ours.store(TX_STATE, OPEN, Ordering::Relaxed);
        Ok(resumed)
    }

    /// The longest record that can be written, in bytes.
    #[inline]
    pub(super) fn max_record(&self) -> usize {
        (self.capacity / 2 - HEADER) as usize
    }

    /// The most of a message in several records that one of them holds, in bytes: so that four of
    /// them fit, and some are read while others are written.
    #[inline]
    pub(super) fn max_part(&self) -> usize {
        (self.capacity / 4 - 2 * HEADER) as usize
    }

    /// Whether another was here before, and nothing was written since.
    pub(super) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Marks the next record: what was begun before it has no end.
    pub(super) fn begin_anew(&mut self) {
        self.anew = true;
    }

    /// How many bytes were written and not published.
    #[inline]
    pub(super) fn unpublished(&self) -> u64 {
        self.tail - self.published
    }

    /// Writes a record of two parts, which the consumer does not see yet. `false`: there is no
    /// room for it now.
    #[inline]
    pub(super) fn write(&mut self, kind: Kind, lead: &[u8], body: &[u8]) -> Result<bool, Broken> {
        debug_assert!(lead.len() % 8 == 0 && lead.len() + body.len() <= self.max_record());
        let len = lead.len() + body.len();
        let header = Header { anew: self.anew, ..Header::new(kind, len) };
        if !self.has_room(header.size())? {
            return Ok(false);
        }
        let at = self.tail;
        self.ours.write_word(at, header.encode(at));
        if !lead.is_empty() {
            self.ours.write(at + HEADER, lead);
        }
        self.ours.write(at + HEADER + lead.len() as u64, body);
        self.tail += header.size();
        self.anew = false;
        Ok(true)
    }

    /// Where the bytes of a record of this length would go, if there is room for it now.
    pub(super) fn reserve(&mut self, len: usize) -> Result<Option<u64>, Broken> {
        debug_assert!(len <= self.max_record());
        let header = Header::new(Kind::Whole, len);
        Ok(self.has_room(header.size())?.then_some(self.tail + HEADER))
    }

    /// Where the bytes of a record of this length would go, if there was room for it when we last
    /// looked: until something is written.
    #[inline]
    pub(super) fn reserved(&self, len: usize) -> Option<u64> {
        if len > self.max_record() {
            return None;
        }
        let size = (HEADER + len as u64).next_multiple_of(ALIGN);
        (self.tail + size - self.head <= self.capacity).then_some(self.tail + HEADER)
    }

    /// Writes the header of a record whose bytes are in their place.
    pub(super) fn commit(&mut self, len: usize) {
        let header = Header { anew: self.anew, ..Header::new(Kind::Whole, len) };
        self.ours.write_word(self.tail, header.encode(self.tail));
        self.tail += header.size();
        self.anew = false;
    }

    /// Has the consumer see what was written. `true`: it has to be woken.
    #[inline]
    #[must_use = "the consumer may be asleep"]
    pub(super) fn publish(&mut self) -> bool {
        if self.tail == self.published {
            return false;
        }
        // Release: partner of the Acquire in `Consumer::refresh`, which then sees the records.
        self.ours.store(TAIL, self.tail, Ordering::Release);
        // Partner of the fence in `Consumer::arm`. If ours is the first, the consumer sees the new
        // `TAIL` when it looks once more; if its is, we see what it wants.
        full_fence("Producer::publish");
        // Relaxed: ordered by the fence.
        let want = self.theirs.load(WANT_DATA, Ordering::Relaxed);
        let wake = (self.published..self.tail).contains(&want);
        self.published = self.tail;
        wake
    }

    /// Asks to be woken when there is room for a record of this length. `true`: there is not, and
    /// the consumer is there to make it: it is time to sleep. Everything was published before.
    #[must_use = "there may be room by now"]
    pub(super) fn arm(&mut self, len: usize) -> Result<bool, Broken> {
        debug_assert_eq!(
            self.tail, self.published,
            "nobody makes room by taking what is not shown"
        );
        let need = Header::new(Kind::Whole, len).size();
        // Not for each record: a consumer that is slower than we are wakes us once in a quarter.
        let room = need.max(self.capacity / 4);
        let want = (self.tail + room).saturating_sub(self.capacity + 1);
        // Relaxed: ordered by the fence.
        self.ours.store(WANT_SPACE, want, Ordering::Relaxed);
        // Partner of the fence in `Consumer::release`.
        full_fence("Producer::arm");
        Ok(!self.has_room(need)? && !self.is_deserted())
    }

    /// Asks to be woken when the consumer has released all up to there, which was published before.
    /// `true`: it has not, and it is there to do it.
    #[must_use = "it may have by now"]
    pub(super) fn arm_beyond(&mut self, end: u64) -> Result<bool, Broken> {
        // Relaxed: ordered by the fence.
        self.ours.store(WANT_SPACE, end.saturating_sub(1), Ordering::Relaxed);
        // Partner of the fence in `Consumer::release`.
        full_fence("Producer::arm_beyond");
        Ok(self.released()? < end && !self.is_deserted())
    }

    /// Behind the last record that was written.
    pub(super) fn written(&self) -> u64 {
        self.tail
    }

    /// Up to where the consumer has released.
    pub(super) fn released(&mut self) -> Result<u64, Broken> {
        self.refresh()?;
        Ok(self.head)
    }

    /// Whether the consumer has gone.
    pub(super) fn is_deserted(&self) -> bool {
        // Acquire: partner of the Release in `Consumer::leave`.
        self.theirs.load(RX_STATE, Ordering::Acquire) != OPEN
    }

    /// Ends the ring behind what was published: in order, or given up. The consumer has to be
    /// woken, whatever it asked for: so there is no order to keep with `Consumer::arm`.
    pub(super) fn end(&mut self, in_order: bool) {
        let state = if in_order { CLOSED } else { ABORTED };
        // Release: partner of the Acquire in `Consumer::end`, which then sees all that was
        // published.
        self.ours.store(TX_STATE, state, Ordering::Release);
    }

    #[inline]
    fn has_room(&mut self, size: u64) -> Result<bool, Broken> {
        if self.tail + size - self.head <= self.capacity {
            return Ok(true);
        }
        self.refresh()?;
        Ok(self.tail + size - self.head <= self.capacity)
    }

    #[cold]
    fn refresh(&mut self) -> Result<(), Broken> {
        // Acquire: partner of the Release in `Consumer::release`: what it has read by then may be
        // written over.
        let head = self.theirs.load(HEAD, Ordering::Acquire);
        if head < self.head || head > self.published || head % ALIGN != 0 {
            return Err(Broken { what: "a reader where it cannot be", position: head });
        }
        self.head = head;
        Ok(())
    }

    /// The memory that is ours to write.
    pub(super) fn ours(&self) -> &M {
        &self.ours
    }
}
