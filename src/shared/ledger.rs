//! What of a ring is still read where it lies.

#[cfg(not(framewire_loom))]
use std::sync::{Mutex, MutexGuard};
use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, PoisonError},
};

#[cfg(framewire_loom)]
use ::loom::sync::{Mutex, MutexGuard};

use super::{
    Memory, Region,
    words::{HEAD, WANT_SPACE},
};
use crate::sync::{Ordering, full_fence};

/// Rings the producer awake, from any thread.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// The releasing side of a consumer whose messages may be held where they lie, on any thread and
/// for any time: the producer may write over what is in front of the first that is.
pub(super) struct Ledger<M = Arc<Region>> {
    page: Mutex<Page<M>>,
    /// How many bytes may be held at a time.
    limit: usize,
}

struct Page<M> {
    /// `None` once nobody reads any more: what is released then is of no use to anybody.
    ring: Option<Ring<M>>,
    /// Up to where was read and dealt with, but for what is held.
    read: u64,
    /// Up to where the producer was told that it may write.
    released: u64,
    /// In the order of their positions.
    holds: VecDeque<Hold<M>>,
    /// How many bytes are held, in the ring or independent of it by now.
    held: usize,
}

struct Ring<M> {
    /// Has the words that we write.
    ours: M,
    theirs: M,
    wake: Wake,
}

/// Bytes that are held, and where they are read.
pub(super) struct Hold<M = Arc<Region>> {
    /// Where their record begins.
    start: u64,
    pub(super) at: u64,
    pub(super) len: usize,
    pub(super) place: M,
    /// They are not held any more; something in front of them is.
    over: bool,
}

impl<M: Memory> Ledger<M> {
    /// Of a ring that nothing was read from.
    pub(super) fn new(ours: M, theirs: M, wake: Wake) -> Self {
        let limit = theirs.capacity() / 2;
        let ring = Some(Ring { ours, theirs, wake });
        let holds = VecDeque::new();
        Self { page: Mutex::new(Page { ring, read: 0, released: 0, holds, held: 0 }), limit }
    }

    /// Whether so many bytes more can be held.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.page().held.saturating_add(len) <= self.limit
    }

    /// Holds bytes of a record that ends at `end`, behind all that was held before. Whatever is in
    /// front of it was dealt with.
    pub(super) fn hold(&self, start: u64, at: u64, len: usize, end: u64, place: M) {
        let mut page = self.page();
        page.holds.push_back(Hold { start, at, len, place, over: false });
        page.held += len;
        page.read = end;
    }

    /// Bytes of the record that begins there are not held any more. Wakes the producer, if it waits
    /// for the room.
    pub(super) fn give_back(&self, start: u64, len: usize) {
        let mut page = self.page();
        page.held -= len;
        // What was made independent of the ring is not there.
        if let Ok(found) = page.holds.binary_search_by_key(&start, |hold| hold.start) {
            page.holds[found].over = true;
        }
        let done = page.drop_over();
        let wake =
            if page.release() { page.ring.as_ref().map(|r| Arc::clone(&r.wake)) } else { None };
        drop(page);
        // No system call is made while others wait for the page.
        drop(done);
        if let Some(wake) = wake {
            wake();
        }
    }

    /// All up to there was read and dealt with, but for what is held: up to where it is released
    /// now, and whether the producer has to be woken.
    pub(super) fn read_to(&self, to: u64) -> (u64, bool) {
        let mut page = self.page();
        page.read = to;
        let wake = page.release();
        (page.released, wake)
    }

    /// Has `is_kept` make all that is held independent of the ring, as far as that can be.
    pub(super) fn detach(&self, mut is_kept: impl FnMut(&Hold<M>) -> bool) {
        let mut page = self.page();
        let holds = mem::take(&mut page.holds).into_iter();
        let (gone, stay): (VecDeque<_>, _) = holds.partition(|hold| hold.over || is_kept(hold));
        page.holds = stay;
        drop(page);
        drop(gone);
    }

    /// Nobody reads any more. What is held stays where it is.
    pub(super) fn close(&self) {
        let ring = self.page().ring.take();
        drop(ring);
    }
}

impl<M> Ledger<M> {
    fn page(&self) -> MutexGuard<'_, Page<M>> {
        // Nothing in here panics half-way.
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Memory> Page<M> {
    /// Takes out what nothing in front of is held any more.
    fn drop_over(&mut self) -> Vec<Hold<M>> {
        let over = self.holds.iter().take_while(|hold| hold.over).count();
        self.holds.drain(..over).collect()
    }

    /// Lets the producer write over what is neither held nor to be read. `true`: it has to be woken.
    #[must_use = "the producer may be asleep"]
    fn release(&mut self) -> bool {
        let to = self.holds.front().map_or(self.read, |first| first.start);
        let Some(ring) = &self.ring else { return false };
        if to <= self.released {
            return false;
        }
        // Release: partner of the Acquire in `Producer::refresh`: we are done with those bytes, and
        // so are those who held some of them and gave them back under this lock before.
        ring.ours.store(HEAD, to, Ordering::Release);
        // As in `Consumer::release`: partner of the fence in `Producer::arm`.
        full_fence("Ledger::release");
        // Relaxed: ordered by the fence.
        let want = ring.theirs.load(WANT_SPACE, Ordering::Relaxed);
        let wake = (self.released..to).contains(&want);
        self.released = to;
        wake
    }
}

impl<M> fmt::Debug for Ledger<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = self.page();
        f.debug_struct("Ledger")
            .field("read", &page.read)
            .field("released", &page.released)
            .field("held", &page.held)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(framewire_loom))]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const CAPACITY: usize = 64 << 10;

    struct Test {
        ledger: Ledger,
        ours: Arc<Region>,
        theirs: Arc<Region>,
        woken: Arc<AtomicUsize>,
    }

    impl Test {
        fn new() -> Self {
            let region = || Arc::new(Region::create(CAPACITY).unwrap().0);
            let (ours, theirs) = (region(), region());
            let woken = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&woken);
            let wake = Arc::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            });
            let ledger = Ledger::new(Arc::clone(&ours), Arc::clone(&theirs), wake);
            Self { ledger, ours, theirs, woken }
        }

        /// Holds a record of so many bytes, all of them.
        fn hold(&self, start: u64, len: u64) {
            self.ledger.hold(start, start, len as usize, start + len, Arc::clone(&self.theirs));
        }

        fn released(&self) -> u64 {
            self.ours.load(HEAD, Ordering::Relaxed)
        }

        fn woken(&self) -> usize {
            self.woken.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn only_what_nothing_held_is_in_front_of_is_released() {
        let test = Test::new();
        assert_eq!(test.ledger.read_to(8), (8, true), "it wants what is behind 0");
        test.theirs.store(WANT_SPACE, 31, Ordering::Relaxed);
        for start in [8, 24, 40] {
            test.hold(start, 16);
        }
        assert_eq!(test.ledger.read_to(100), (8, false));
        test.ledger.give_back(24, 16);
        assert_eq!((test.released(), test.woken()), (8, 0));
        test.ledger.give_back(8, 16);
        assert_eq!((test.released(), test.woken()), (40, 1));
        test.ledger.give_back(40, 16);
        assert_eq!((test.released(), test.woken()), (100, 1));
    }

    #[test]
    fn what_is_independent_is_released_and_held() {
        let test = Test::new();
        let half = CAPACITY / 2;
        test.hold(0, 1000);
        test.hold(1000, 2000);
        test.hold(3000, 500);
        test.ledger.give_back(1000, 2000);
        test.ledger.detach(|hold| hold.len == 1000);
        assert_eq!(test.ledger.read_to(4000), (3000, true));
        test.ledger.detach(|hold| hold.len == 500);
        assert_eq!(test.ledger.read_to(4000).0, 4000);
        assert!(test.ledger.has_room(half - 1500) && !test.ledger.has_room(half - 1499));
        test.ledger.give_back(0, 1000);
        assert!(test.ledger.has_room(half - 500) && !test.ledger.has_room(usize::MAX));
        test.ledger.give_back(3000, 500);
        assert_eq!((test.released(), test.woken()), (4000, 0));
    }

    #[test]
    fn a_closed_one_has_no_use_for_the_ring() {
        let test = Test::new();
        test.hold(0, 16);
        test.ledger.close();
        assert_eq!((Arc::strong_count(&test.ours), Arc::strong_count(&test.woken)), (1, 1));
        test.ledger.give_back(0, 16);
        assert_eq!(test.released(), 0);
        assert_eq!(Arc::strong_count(&test.theirs), 1);
    }
}
