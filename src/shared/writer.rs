//! Messages of any length into a ring.

use super::{
    Broken, Memory, Producer,
    record::{HEADER, Kind},
};

/// Records of which so many bytes were written are published without being flushed: the other side
/// reads while we write on.
const BATCH: u64 = 16 * 1024;

/// Writes messages: those that are too long for one record in several.
#[derive(Debug)]
pub(crate) struct Writer<M> {
    producer: Producer<M>,
    /// How much of the message that is offered was written.
    done: usize,
    /// The consumer is to be woken.
    wake: bool,
}

impl<M: Memory> Writer<M> {
    pub(crate) fn new(producer: Producer<M>) -> Self {
        let wake = producer.is_anew();
        Self { producer, done: 0, wake }
    }

    /// Writes a message, or as much of it as there is room for: `false`, and the same message is to
    /// be offered again.
    #[inline]
    pub(crate) fn offer(&mut self, message: &[u8]) -> Result<bool, Broken> {
        let written = if self.done == 0 && message.len() <= self.producer.max_record() {
            self.producer.write(Kind::Whole, &[], message)?
        } else {
            self.offer_parts(message)?
        };
        if self.producer.unpublished() >= BATCH {
            self.wake |= self.producer.publish();
        }
        Ok(written)
    }

    fn offer_parts(&mut self, message: &[u8]) -> Result<bool, Broken> {
        debug_assert!(self.done <= message.len(), "another message than before");
        let part = self.producer.max_part();
        while self.done < message.len() {
            let rest = &message[self.done..];
            let body = &rest[..rest.len().min(part)];
            let written = if self.done == 0 {
                let total = (message.len() as u64).to_le_bytes();
                self.producer.write(Kind::First, &total, body)?
            } else {
                self.producer.write(Kind::More, &[], body)?
            };
            if !written {
                return Ok(false);
            }
            self.done += body.len();
            self.wake |= self.producer.publish();
        }
        self.done = 0;
        Ok(true)
    }

    /// The longest message that is one record, in bytes.
    pub(crate) fn max_record(&self) -> usize {
        self.producer.max_record()
    }

    /// Has room for a message of this length, one record at most, to be written in place: `false`
    /// where there is none now. There is none within a message that was written in part.
    pub(crate) fn reserve(&mut self, len: usize) -> Result<bool, Broken> {
        Ok(self.done == 0 && self.producer.reserve(len)?.is_some())
    }

    /// Makes a message of what was written in place, where there is room for it.
    pub(crate) fn commit(&mut self, len: usize) {
        if self.producer.reserved(len).is_none() {
            return;
        }
        self.producer.commit(len);
        if self.producer.unpublished() >= BATCH {
            self.wake |= self.producer.publish();
        }
    }

    /// Up to where all was written.
    pub(crate) fn written(&self) -> u64 {
        self.producer.written()
    }

    /// Up to where the consumer needs nothing any more.
    pub(crate) fn released(&mut self) -> Result<u64, Broken> {
        self.producer.released()
    }

    /// Asks to be woken when the consumer needs nothing up to there, all of which was flushed.
    /// `true`: it is time to sleep.
    #[must_use = "it may be there by now"]
    pub(crate) fn arm_beyond(&mut self, end: u64) -> Result<bool, Broken> {
        self.producer.arm_beyond(end)
    }

    /// What the records are written with.
    pub(super) fn producer(&self) -> &Producer<M> {
        &self.producer
    }

    /// Whether there is something that the consumer was not shown, or only a part of.
    pub(crate) fn is_within(&self) -> bool {
        self.done > 0 || self.producer.unpublished() > 0
    }

    /// The message that was offered will not be: the next one tells so, where this was begun.
    pub(crate) fn give_up(&mut self) {
        if std::mem::take(&mut self.done) > 0 {
            self.producer.begin_anew();
        }
    }

    /// The consumer is to be woken, for what was published without being flushed.
    #[inline]
    #[must_use = "the consumer may be asleep"]
    pub(crate) fn takes_wake(&mut self) -> bool {
        std::mem::take(&mut self.wake)
    }

    /// Announces a message that lies elsewhere, sealed for good. `false`: there is no room.
    pub(crate) fn announce(&mut self, len: u64) -> Result<bool, Broken> {
        debug_assert_eq!(self.done, 0, "within another message");
        self.producer.write(Kind::Sealed, &len.to_le_bytes(), &[])
    }

    /// Has the consumer see all that was written. `true`: it has to be woken.
    #[inline]
    #[must_use = "the consumer may be asleep"]
    pub(crate) fn flush(&mut self) -> bool {
        let wake = self.producer.publish();
        self.takes_wake() | wake
    }

    /// Asks to be woken when there is room for more of this message. `true`: it is time to sleep.
    /// All that was written was flushed before.
    #[must_use = "there may be room by now"]
    pub(crate) fn arm(&mut self, len: usize) -> Result<bool, Broken> {
        debug_assert!(!self.wake, "a consumer that sleeps makes no room");
        // As `offer` would write it next; the length of the whole counts as a part of the first.
        let next = if self.done > 0 {
            len.saturating_sub(self.done).min(self.producer.max_part())
        } else if len <= self.producer.max_record() {
            len
        } else {
            HEADER as usize + self.producer.max_part()
        };
        self.producer.arm(next)
    }

    /// Ends the ring; the consumer has to be woken.
    pub(crate) fn end(&mut self, in_order: bool) {
        self.producer.end(in_order && self.done == 0);
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_deserted(&self) -> bool {
        self.producer.is_deserted()
    }
}
