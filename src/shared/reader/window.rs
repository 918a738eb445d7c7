//! What was copied out of the ring, and not looked at yet.

#![allow(unsafe_code)]

use std::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::{
    super::{
        Broken, Memory,
        record::{HEADER, Header},
    },
    Reader, SHARED,
};

impl<M: Memory> Reader<M> {
    #[inline]
    pub(super) fn copied(&self) -> &[u8] {
        if self.window.is_empty() { &self.buffer } else { &self.window }
    }

    /// The header in front of what was copied, if all of its record was.
    #[inline]
    pub(super) fn first_of(&self, copied: &[u8]) -> Result<Option<Header>, Broken> {
        let Some(word) = copied.first_chunk::<8>() else { return Ok(None) };
        let header = Header::decode(u64::from_ne_bytes(*word), self.consumer.head())?;
        Ok((header.size() <= copied.len() as u64).then_some(header))
    }

    /// Copies the next bytes of the ring to the buffer, which is empty.
    #[inline]
    pub(super) fn fill(&mut self, len: usize) {
        make_room(&mut self.buffer, len);
        self.consumer.read(self.consumer.head(), &mut self.buffer.spare_capacity_mut()[..len]);
        // SAFETY: they were written just now.
        unsafe { self.buffer.set_len(len) };
    }

    /// Takes the body of the record in front of what was copied.
    #[inline]
    pub(super) fn cut(&mut self, header: Header) -> Bytes {
        if self.window.is_empty() {
            self.window = self.buffer.split().freeze();
        }
        let body = HEADER as usize..HEADER as usize + header.len as usize;
        self.consumer.advance(header.size());
        if header.size() == self.window.len() as u64 {
            // The last one takes the window's share of the buffer with it.
            let mut message = mem::take(&mut self.window);
            message.truncate(body.end);
            message.advance(body.start);
            return message;
        }
        let message = self.window.slice(body);
        self.window.advance(header.size() as usize);
        message
    }

    /// Goes on behind the record in front of what was copied.
    #[inline]
    pub(super) fn pass(&mut self, header: Header) {
        self.consumer.advance(header.size());
        let size = header.size() as usize;
        if self.window.is_empty() {
            // All of it at once keeps the room in front.
            if size == self.buffer.len() { self.buffer.clear() } else { self.buffer.advance(size) }
        } else {
            self.window.advance(size);
        }
    }

    /// Copies the body of a large record, without its first bytes, behind what is in `into`, which
    /// has room for it.
    pub(super) fn copy(&self, header: Header, without: u64, into: &mut BytesMut) {
        let len = header.len as usize - without as usize;
        let at = self.consumer.head() + HEADER + without;
        self.consumer.read(at, &mut into.spare_capacity_mut()[..len]);
        // SAFETY: they were written just now.
        unsafe { into.set_len(into.len() + len) };
    }
}

/// Room for so many bytes more, in memory that is used again.
#[inline]
pub(super) fn make_room(buffer: &mut BytesMut, len: usize) {
    if buffer.capacity() - buffer.len() < len {
        buffer.reserve(len.max(SHARED));
    }
}
