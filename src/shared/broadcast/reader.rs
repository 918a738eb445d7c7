//! One of those who read.

use bytes::BytesMut;

use super::{
    super::{Broken, Memory},
    CLOSED, HEAD, LATEST, STATE, TAIL, TAIL_INTENT, WANT_DATA, WANT_SPACE,
    record::{self, Header, is_aligned},
};
use crate::sync::{
    Ordering::{Acquire, Relaxed, Release},
    acquire_fence, full_fence,
};

/// How often it is tried to keep up with a writer that overtakes again and again.
const TRIES: usize = 16;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A message: it is in the buffer.
    Message,
    /// So many messages were overwritten unread; the next one is the newest.
    Lagged(u64),
    /// Nothing yet.
    Nothing,
    /// Nothing comes any more: the writer has closed.
    End,
    /// The writer was faster each time.
    Overtaken,
}

/// Reads a log, and believes nothing that is in it.
#[derive(Debug)]
pub(crate) struct Reader<M> {
    memory: M,
    /// Where the next record is, and its number.
    cursor: u64,
    number: u64,
    /// Where it began, and how far the writer was told that it is.
    begins: u64,
    released: u64,
    /// Only the newest record counts.
    newest: bool,
}

impl<M: Memory> Reader<M> {
    /// Begins where the writer said: at a position, with the record of this number.
    pub(crate) fn new(memory: M, (cursor, number): (u64, u64), newest: bool) -> Self {
        Self { memory, cursor, number, begins: cursor, released: cursor, newest }
    }

    /// Takes the next message out, into an empty buffer.
    pub(crate) fn next(&mut self, into: &mut BytesMut) -> Result<Found, Broken> {
        for _ in 0..TRIES {
            // Acquire: with the release of `TAIL`; the records in front of it are there.
            let tail = self.memory.load(TAIL, Acquire);
            if tail == self.cursor {
                // Acquire: with the release of `STATE`, before which was the last `TAIL`.
                if self.memory.load(STATE, Acquire) != CLOSED {
                    return Ok(Found::Nothing);
                }
                // Acquire: as above.
                if self.memory.load(TAIL, Acquire) == self.cursor {
                    return Ok(Found::End);
                }
                continue;
            }
            if tail < self.cursor || !is_aligned(tail) {
                return Err(Broken { what: "its end went back", position: tail });
            }
            let tail = if self.newest { self.skip(tail)? } else { tail };
            if self.copy(tail, into)? {
                return Ok(Found::Message);
            }
            if let Some(lost) = self.rejoin()? {
                if !self.newest {
                    return Ok(Found::Lagged(lost));
                }
            }
        }
        Ok(Found::Overtaken)
    }

    /// Copies the record at the cursor out and goes on; `false` where it was overwritten.
    fn copy(&mut self, tail: u64, into: &mut BytesMut) -> Result<bool, Broken> {
        let (at, capacity) = (self.cursor, self.memory.capacity() as u64);
        if tail - at > capacity {
            return Ok(false);
        }
        // What is copied may be overwritten, and it is judged when that is known.
        let header = Header::read(&self.memory, at);
        let len = header.len(at, tail - at, capacity);
        if let Ok(len) = len {
            let len = len as usize;
            into.clear();
            into.reserve(len);
            self.memory.read(record::body(at), &mut into.spare_capacity_mut()[..len]);
            fill(into, len);
        }
        if !self.is_whole(at)? {
            into.clear();
            return Ok(false);
        }
        let end = at + record::size(len?);
        if header.number != self.number {
            return Err(Broken { what: "a record has another's number", position: at });
        }
        (self.cursor, self.number) = (end, header.number.wrapping_add(1));
        Ok(true)
    }

    /// Whether nothing from here on was overwritten before, or while, it was copied.
    fn is_whole(&self, at: u64) -> Result<bool, Broken> {
        // With the fence of `Writer::write`: if any byte was a new one, this sees what was said
        // before it.
        acquire_fence("is_whole");
        // Acquire: with the release of `TAIL_INTENT`, before which was the `LATEST` to rejoin at.
        let intent = self.memory.load(TAIL_INTENT, Acquire);
        if intent <= at {
            return Err(Broken { what: "more is published than was written", position: intent });
        }
        Ok(intent - at <= self.memory.capacity() as u64)
    }

    /// Goes on at the newest record, and says how many were passed over; `None` where it was
    /// overwritten meanwhile.
    fn rejoin(&mut self) -> Result<Option<u64>, Broken> {
        // Acquire: with the release of `LATEST`, before which was the `TAIL` behind it.
        let at = self.memory.load(LATEST, Acquire);
        // Acquire: as in `next`.
        let tail = self.memory.load(TAIL, Acquire);
        if at <= self.cursor || at >= tail || !is_aligned(at) {
            return Err(Broken { what: "its newest record is where it cannot be", position: at });
        }
        let header = Header::read(&self.memory, at);
        if !self.is_whole(at)? {
            return Ok(None);
        }
        if header.number <= self.number {
            return Err(Broken {
                what: "its newest record has an earlier one's number",
                position: at,
            });
        }
        let lost = header.number - self.number;
        (self.cursor, self.number) = (at, header.number);
        Ok(Some(lost))
    }

    /// Goes on at the newest record, if that is further on, and says where the log ends.
    fn skip(&mut self, tail: u64) -> Result<u64, Broken> {
        // Acquire: as in `rejoin`.
        if self.memory.load(LATEST, Acquire) <= self.cursor {
            return Ok(tail);
        }
        self.rejoin()?;
        // Acquire: as in `next`.
        let tail = self.memory.load(TAIL, Acquire);
        if tail <= self.cursor {
            return Err(Broken { what: "its end went back", position: tail });
        }
        Ok(tail)
    }

    /// Says on its page that it waits for what comes next. Look once more after it. `true`: the
    /// writer waits for us to have come this far, and is to be woken.
    pub(crate) fn wait(&mut self, page: &impl Memory) -> bool {
        // Release: with the writer's acquiring load of `HEAD`.
        page.store(HEAD, self.cursor - self.begins, Release);
        // Relaxed, and the fence: with that of `Writer::tell`.
        page.store(WANT_DATA, self.cursor, Relaxed);
        full_fence("wait");
        self.writer_waits()
    }

    /// Tells the writer how far it is, once that is worth it: after an eighth of the ring.
    pub(crate) fn release(&mut self, page: &impl Memory) -> bool {
        if self.cursor - self.released < self.memory.capacity() as u64 / 8 {
            return false;
        }
        self.show(page);
        full_fence("release");
        self.writer_waits()
    }

    /// Shows how far it is, to a writer that never waits for it.
    pub(crate) fn show(&self, page: &impl Memory) {
        // Release: with the writer's acquiring load of `HEAD`.
        page.store(HEAD, self.cursor - self.begins, Release);
    }

    fn writer_waits(&mut self) -> bool {
        let before = std::mem::replace(&mut self.released, self.cursor);
        // Relaxed: a fence is in front of it, the partner of that of `Writer::want_space`.
        let wanted = self.memory.load(WANT_SPACE, Relaxed);
        before < wanted && wanted <= self.cursor
    }
}

#[allow(unsafe_code)]
fn fill(into: &mut BytesMut, len: usize) {
    // SAFETY: `Memory::read` has filled so many bytes of the spare capacity.
    unsafe { into.set_len(len) };
}
