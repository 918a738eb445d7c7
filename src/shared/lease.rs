//! Messages that are read where they lie, for as long as somebody wants to.

#![allow(unsafe_code)]

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Weak},
};

use bytes::Bytes;

use super::{
    Memory, Region, Trust,
    ledger::{Ledger, Wake},
};

/// So many mappings with nothing but messages that were made independent, at most.
const LEFT: usize = 16;

/// Hands out messages of a producer that is trusted not to change them.
///
/// They are read through a mapping of their own, a private one. Where they hold up the producer, the
/// kernel puts copies in the place of their pages, as it does in front of a write: who holds them
/// notices nothing. Those that follow are then read through another.
#[derive(Debug)]
pub(crate) struct Leases {
    memory: OwnedFd,
    capacity: usize,
    ledger: Arc<Ledger>,
    place: Option<Arc<Region>>,
    /// There can be no such mapping: all is copied.
    unable: bool,
    left: Vec<Weak<Region>>,
}

/// Bytes of a message, until it is dropped.
struct Lease {
    ledger: Arc<Ledger>,
    place: Arc<Region>,
    start: u64,
    at: u64,
    len: usize,
}

impl Leases {
    /// Of a ring that nothing was read from: `memory` is the file of `theirs`, and `wake` wakes its
    /// producer.
    pub(crate) fn new(
        _: Trust,
        memory: OwnedFd,
        ours: Arc<Region>,
        theirs: Arc<Region>,
        wake: Wake,
    ) -> Self {
        let capacity = theirs.capacity();
        let ledger = Arc::new(Ledger::new(ours, theirs, wake));
        Self { memory, capacity, ledger, place: None, unable: false, left: Vec::new() }
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Hands out bytes of the record from `start` to `end`, which was published and comes next.
    /// `None`: too much is held already, and they have to be copied.
    pub(super) fn hand_out(&mut self, start: u64, at: u64, len: usize, end: u64) -> Option<Bytes> {
        if !self.ledger.has_room(len) {
            return None;
        }
        let place = self.place()?;
        self.ledger.hold(start, at, len, end, Arc::clone(&place));
        let ledger = Arc::clone(&self.ledger);
        Some(Bytes::from_owner(Lease { ledger, place, start, at, len }))
    }

    /// Where the next message is read.
    fn place(&mut self) -> Option<Arc<Region>> {
        if let Some(place) = &self.place {
            return Some(Arc::clone(place));
        }
        self.left.retain(|left| left.strong_count() > 0);
        if self.unable || self.left.len() >= LEFT {
            return None;
        }
        match Region::view(self.memory.as_fd(), self.capacity) {
            Ok(place) => Some(Arc::clone(self.place.insert(Arc::new(place)))),
            Err(error) => {
                tracing::debug!(%error, "messages are copied that need not be");
                self.unable = true;
                None
            }
        }
    }

    /// Makes all that is held independent of the ring. Where that cannot be, those who hold it hold
    /// up the producer.
    #[cold]
    pub(super) fn detach(&mut self) {
        let mut failed = None;
        self.ledger.detach(|hold| {
            let kept = hold.place.keep(hold.at, hold.len);
            kept.map_err(|error| failed = Some(error)).is_ok()
        });
        // Whoever hears of it may drop what it holds, which is not to wait for the above.
        if let Some(error) = failed {
            tracing::debug!(%error, "messages are in the way of others");
        }
        // It does not show the ring any more where something was kept.
        self.left.extend(self.place.take().map(|place| Arc::downgrade(&place)));
    }
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: they were published and are held: the producer is not told that it may write over
        // them, and one that is trusted writes nowhere else. What the kernel puts in their place
        // are the same bytes in memory that is only ours, and nobody writes to.
        unsafe { self.place.bytes(self.at, self.len) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.ledger.give_back(self.start, self.len);
    }
}
