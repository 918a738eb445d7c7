//! Two regions as two processes have them, and the ends of the ring in the first.

use std::{os::fd::AsFd, sync::Arc};

use super::super::{Consumer, Producer, Reader, Region, Writer};

/// What each side has: its own region, and the other's to read from.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) writes: (Arc<Region>, Arc<Region>),
    pub(super) reads: (Arc<Region>, Arc<Region>),
}

impl Ends {
    pub(super) fn new(capacity: usize) -> Self {
        let (ours, our_file) = Region::create(capacity).unwrap();
        let (theirs, their_file) = Region::create(capacity).unwrap();
        let theirs_to_us = Region::attach(their_file.as_fd(), capacity).unwrap();
        let ours_to_them = Region::attach(our_file.as_fd(), capacity).unwrap();
        Self {
            writes: (Arc::new(ours), Arc::new(theirs_to_us)),
            reads: (Arc::new(theirs), Arc::new(ours_to_them)),
        }
    }

    /// With one region, which both write to.
    pub(super) fn of_one(capacity: usize) -> Self {
        let region = Arc::new(Region::create(capacity).unwrap().0);
        let both = (region.clone(), region);
        Self { writes: both.clone(), reads: both }
    }

    pub(super) fn producer(&self) -> Producer<Arc<Region>> {
        Producer::new(self.writes.0.clone(), self.writes.1.clone())
    }

    pub(super) fn consumer(&self) -> Consumer<Arc<Region>> {
        Consumer::new(self.reads.0.clone(), self.reads.1.clone())
    }

    pub(super) fn writer(&self) -> Writer<Arc<Region>> {
        Writer::new(self.producer())
    }

    pub(super) fn reader(&self, max_len: usize) -> Reader<Arc<Region>> {
        Reader::new(self.consumer(), max_len)
    }

    /// Of a process that goes on after the one that wrote.
    pub(super) fn next_writer(&self) -> Writer<Arc<Region>> {
        let (ours, theirs) = self.writes.clone();
        Writer::new(Producer::resume(ours, theirs).unwrap())
    }

    /// Of a process that goes on after the one that read.
    pub(super) fn next_reader(&self, max_len: usize) -> Reader<Arc<Region>> {
        let (ours, theirs) = self.reads.clone();
        Reader::new(Consumer::resume(ours, theirs).unwrap(), max_len)
    }
}

/// A message that is like no other of its length.
pub(super) fn body(number: usize, len: usize) -> Vec<u8> {
    let mut state = number as u32 ^ 0x9e37_79b9;
    let next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
