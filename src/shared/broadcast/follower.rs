//! A reader, as the writer sees it.

use super::{
    super::{Broken, Memory},
    HEAD, WANT_DATA,
    record::is_aligned,
};
use crate::sync::Ordering::{Acquire, Relaxed};

/// A reader's page, and what was found there. Nothing of it is believed.
#[derive(Debug)]
pub(crate) struct Follower<P> {
    page: P,
    /// Where it began: what it says of itself is counted from there.
    begins: u64,
    /// How far it was when last looked at.
    head: u64,
}

impl<P: Memory> Follower<P> {
    pub(super) fn new(page: P, begins: u64) -> Self {
        Self { page, begins, head: begins }
    }

    /// How far it is in a log that ends at `tail`. It never goes back, nor beyond what there is.
    pub(crate) fn head(&mut self, tail: u64) -> Result<u64, Broken> {
        // Acquire: with the release of `HEAD`. What it has read, it has read before we overwrite.
        let head = self.begins.wrapping_add(self.page.load(HEAD, Acquire));
        if head < self.head || head > tail || !is_aligned(head) {
            return Err(Broken {
                what: "a receiver says that it is where it cannot be",
                position: head,
            });
        }
        self.head = head;
        Ok(head)
    }

    /// Whether it is at least as far as this; looks there only if it was not before.
    pub(crate) fn is_at(&mut self, position: u64, tail: u64) -> Result<bool, Broken> {
        Ok(self.head >= position || self.head(tail)? >= position)
    }

    /// Whether it waits for anything of what was told of.
    pub(crate) fn waits_in(&self, (from, to): (u64, u64)) -> bool {
        // Relaxed: the fence of `Writer::tell` is in front of it.
        let waits = self.page.load(WANT_DATA, Relaxed);
        from <= waits && waits < to
    }
}
