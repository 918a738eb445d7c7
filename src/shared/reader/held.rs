//! What was handed out, and what of it the producer may write over.

use bytes::Bytes;

use super::{
    super::{
        Memory,
        record::{HEADER, Header},
    },
    Reader, UNSEEN,
};

impl<M: Memory> Reader<M> {
    /// Lets the producer write over what was dealt with, all of it but for half of the ring at most.
    #[inline]
    pub(crate) fn release(&mut self) {
        self.wake |= self.consumer.release();
        if self.leases.is_some() && self.consumer.is_held_up() {
            self.detach();
        }
    }

    /// Has nothing that is held stand in the way.
    #[cold]
    pub(super) fn detach(&mut self) {
        if let Some(leases) = &mut self.leases {
            leases.detach();
            self.wake |= self.consumer.release();
            self.unseen = 0;
        }
    }

    /// Hands out the body of a large message where it lies, if that is not too much.
    pub(super) fn hand_out(&mut self, header: Header) -> Option<Bytes> {
        let start = self.consumer.head();
        let (at, end) = (start + HEADER, start + header.size());
        self.leases.as_mut()?.hand_out(start, at, header.len as usize, end)
    }

    /// The sealed message that was announced last is ours by now.
    pub(crate) fn took_sealed(&mut self) {
        self.release();
        if self.consumer.is_released() {
            self.unseen = 0;
            return;
        }
        self.unseen += 1;
        if self.unseen >= UNSEEN {
            self.detach();
        }
    }
}
