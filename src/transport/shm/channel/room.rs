//! Room for messages that are written in place.

use std::io;

use super::Channel;

impl Channel {
    /// Has room for a message of this length; all that was accepted before went.
    pub(in super::super) fn reserve(&mut self, len: usize) -> io::Result<()> {
        self.is_open()?;
        loop {
            match self.writer.reserve(len) {
                Ok(true) => return Ok(()),
                Ok(false) => self.no_room(|writer| writer.arm(len))?,
                Err(broken) => return Err(self.break_off(broken.into())),
            }
        }
    }

    /// The longest record that there can be room for, in bytes.
    pub(in super::super) fn max_record(&self) -> usize {
        self.writer.max_record()
    }

    /// The room that was made.
    #[inline]
    pub(in super::super) fn reserved(&self, len: usize) -> &[u8] {
        self.writer.reserved(len)
    }

    /// The same, to be written.
    #[inline]
    pub(in super::super) fn reserved_mut(&mut self, len: usize) -> &mut [u8] {
        self.writer.reserved_mut(len)
    }

    /// Makes a message of what was written there.
    #[inline]
    pub(in super::super) fn commit(&mut self, len: usize) {
        self.writer.commit(len);
        if self.writer.takes_wake() {
            self.wake();
        }
    }
}
