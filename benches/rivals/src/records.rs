//! Messages as records of a ring of words, which has none of its own.
//!
//! A record is a word with the length, and the bytes in whole words. It lies in one piece, so that
//! it can be read where it is: what is left in front of the ring's end, or of the oldest record
//! that is still read, is padding. So is it also because a receiver of shmem-ipc wakes its sender
//! only if the ring was full to the last word.
#![allow(unsafe_code)]

use std::collections::VecDeque;

use bytes::Bytes;

use crate::trial::Fault;

/// In the length's word: no record, but this word and as many words as the length says are padding.
const PADDING: u64 = 1 << 63;

/// Words of a record.
pub(crate) fn words(len: usize) -> usize {
    1 + len.div_ceil(8)
}

/// Writes as many of the messages as fit into `room` words, and padding if one does not. Returns
/// the words written.
///
/// # Safety
///
/// The words from `start` on are this thread's to write, `room` of them.
pub(crate) unsafe fn write(start: *mut u64, room: usize, messages: &mut VecDeque<Bytes>) -> usize {
    let mut at = 0;
    while let Some(message) = messages.front() {
        let left = room - at;
        // SAFETY: `at` is not beyond `room`.
        let head = unsafe { start.add(at) };
        if words(message.len()) > left {
            if left > 0 {
                // SAFETY: `left` says that there is this word.
                unsafe { head.write(PADDING | (left as u64 - 1)) };
            }
            return room;
        }
        // SAFETY: the record fits, so that this word is within `room`.
        unsafe { head.write(message.len() as u64) };
        // SAFETY: as is the next word, or the end if the message is empty.
        let body = unsafe { head.add(1) };
        // SAFETY: the record fits, and a message of this process overlaps with no ring.
        unsafe { message.as_ptr().copy_to_nonoverlapping(body.cast(), message.len()) };
        at += words(message.len());
        messages.pop_front();
    }
    at
}

/// Written records of which some are read. What is read stays where it is until it is released.
#[derive(Debug)]
pub(crate) struct Written {
    next: *const u64,
    left: usize,
    read: usize,
}

// SAFETY: it is a place in a mapping, which belongs to the process and to no thread.
unsafe impl Send for Written {}

impl Written {
    pub(crate) fn none() -> Self {
        Self { next: std::ptr::null(), left: 0, read: 0 }
    }

    /// How many words may be released.
    pub(crate) fn read(&self) -> usize {
        self.read
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.left == 0
    }

    /// Takes what is behind the words that are about to be released, of `words` from `start` on.
    ///
    /// # Safety
    ///
    /// The words are written, and are not written anew before they are released.
    pub(crate) unsafe fn renew(&mut self, start: *const u64, words: usize) {
        // SAFETY: what was read is a part of these words.
        self.next = unsafe { start.add(self.read) };
        self.left = words - self.read;
        self.read = 0;
    }

    /// Shows the next message to `see`; `None` where no more is written.
    #[inline]
    pub(crate) fn next<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>, Fault> {
        while self.left > 0 {
            // SAFETY: there is at least this word, by the promise of `renew`.
            let head = unsafe { self.next.read() };
            if head & PADDING != 0 {
                self.pass(1 + (head & !PADDING) as usize)?;
                continue;
            }
            let (record, len) = (self.next, head as usize);
            self.pass(words(len))?;
            // SAFETY: the record was within what is written, and its first word is the length.
            let body = unsafe { record.add(1) };
            // SAFETY: so are the bytes, which nobody writes before they are released.
            let message = unsafe { std::slice::from_raw_parts(body.cast::<u8>(), len) };
            return Ok(Some(see(message)));
        }
        Ok(None)
    }

    fn pass(&mut self, words: usize) -> Result<(), Fault> {
        if words > self.left {
            return Err(format!("a record of {words} words where {} are written", self.left).into());
        }
        // SAFETY: this was compared with what is there.
        self.next = unsafe { self.next.add(words) };
        self.left -= words;
        self.read += words;
        Ok(())
    }
}
