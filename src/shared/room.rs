//! Messages that are written in place.

#![allow(unsafe_code)]

use std::sync::Arc;

use super::{Memory, Region, Writer};

/// Only over memory that nobody else writes to, in any process.
impl Writer<Arc<Region>> {
    /// What is there where a message of this length would be, if there is room: never uninitialised,
    /// since a file is zeros where nothing was written, but perhaps a part of earlier messages.
    pub(crate) fn reserved(&self, len: usize) -> &[u8] {
        let Some(at) = self.producer().reserved(len) else { return &[] };
        // SAFETY: nobody writes there as long as `self` is borrowed: it is ours to write, through
        // `self` alone. All that is behind what we wrote last and no further than `reserved` says
        // is of no record: neither one of ours nor one that the peer has not released.
        unsafe { self.producer().ours().bytes(at, len) }
    }

    /// The same, to be written.
    pub(crate) fn reserved_mut(&mut self, len: usize) -> &mut [u8] {
        let Some(at) = self.producer().reserved(len) else { return &mut [] };
        // SAFETY: as for `reserved`, and nobody in this process reads there: we only read through
        // `self`, which is borrowed; a peer in this process reads what was published, which this
        // was not, or what it has not released, which this is not. One in another process that
        // reads what it should not, or says that it has released what it has not, sees bytes change
        // and changes none.
        unsafe { self.producer().ours().bytes_mut(at, len) }
    }
}
