//! Messages in, bytes out.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, BufMut, Bytes};

use super::{MAX_LEN, PREFIX};
use crate::{Error, ErrorKind, Result};

/// Bodies of at least this many bytes go out from where they are; smaller ones are copied behind
/// their prefix, which costs less than one more entry in a gather write.
const GATHER: usize = 8 * 1024;
/// More than this, in bytes, is not queued without an attempt to write it.
const FULL: usize = 128 * 1024;

/// Puts lengths in front of bodies and queues both for a gather write.
///
/// # Examples
///
/// ```
/// use bytes::{Buf, Bytes};
/// use framewire::frame::Encoder;
///
/// # fn main() -> framewire::Result<()> {
/// let mut encoder = Encoder::new();
/// encoder.message(Bytes::from_static(b"hello"))?;
/// assert_eq!(encoder.queued().copy_to_bytes(9), &b"\0\0\0\x05hello"[..]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Encoder {
    /// Prefixes and small bodies, one behind the other.
    copied: Vec<u8>,
    /// How much of `copied` has been written.
    written: usize,
    /// Large bodies, each with the place in `copied` that it goes out before.
    bodies: VecDeque<(usize, Bytes)>,
    /// Bytes that are still to be written.
    len: usize,
    max_len: usize,
}

impl Encoder {
    /// An encoder of messages of up to [`MAX_LEN`] bytes.
    ///
    /// # Examples
    ///
    /// See [`Encoder`].
    pub fn new() -> Self {
        Self { copied: Vec::new(), written: 0, bodies: VecDeque::new(), len: 0, max_len: MAX_LEN }
    }

    /// Sends bodies of up to this many bytes; a longer one is [`TooLarge`](ErrorKind::TooLarge).
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use framewire::{ErrorKind, frame::Encoder};
    ///
    /// let mut encoder = Encoder::new().max_len(3);
    /// let refused = encoder.message(Bytes::from_static(b"four")).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::TooLarge);
    /// ```
    #[must_use]
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len.min(u32::MAX as usize);
        self
    }

    /// Queues one message. Bodies below 8 KiB are copied, others are kept until they are written.
    ///
    /// # Examples
    ///
    /// See [`Encoder`].
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge); then nothing is queued, and the next message can be.
    #[inline]
    pub fn message(&mut self, body: Bytes) -> Result<()> {
        if body.len() > self.max_len {
            return Err(self.too_large(body.len()));
        }
        // Half of it, so that what is moved was paid for by what was written.
        if self.written >= FULL.max(self.copied.len() / 2) {
            self.drop_written();
        }
        self.copied.put_u32(body.len() as u32);
        self.len += PREFIX + body.len();
        if body.len() < GATHER {
            self.copied.extend_from_slice(&body);
        } else {
            self.bodies.push_back((self.copied.len(), body));
        }
        Ok(())
    }

    /// Whether enough is queued that writing comes first.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(!framewire::frame::Encoder::new().is_full());
    /// ```
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len >= FULL
    }

    /// What is to be written, as a [`Buf`] of many chunks: advance it by what was.
    ///
    /// # Examples
    ///
    /// See [`Encoder`].
    ///
    /// # Panics
    ///
    /// Advancing it by more than is queued, as with any `Buf`.
    #[inline]
    pub fn queued(&mut self) -> impl Buf + '_ {
        Queued(self)
    }

    /// How much is queued, in bytes.
    #[cfg(unix)]
    pub(super) fn unsent(&self) -> usize {
        self.len
    }

    /// Gives the room of what was written back, in a queue that may never become empty.
    #[cold]
    fn drop_written(&mut self) {
        self.copied.drain(..self.written);
        for (place, _) in &mut self.bodies {
            *place -= self.written;
        }
        self.written = 0;
    }

    #[cold]
    fn too_large(&self, len: usize) -> Error {
        Error::new(ErrorKind::TooLarge, format!("message of {len} bytes, limit {}", self.max_len))
            .remedy("raise `max_len` at both ends, or send it in parts")
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The queue of an encoder, read from its front.
struct Queued<'a>(&'a mut Encoder);

impl Buf for Queued<'_> {
    #[inline]
    fn remaining(&self) -> usize {
        self.0.len
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        let Encoder { copied, written, bodies, .. } = &*self.0;
        match bodies.front() {
            Some((place, body)) if place == written => body,
            Some((place, _)) => &copied[*written..*place],
            None => &copied[*written..],
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let Encoder { copied, written, bodies, .. } = &*self.0;
        let mut from = *written;
        let mut filled = 0;
        let mut fill = |piece: &'a [u8]| {
            if let (false, Some(slice)) = (piece.is_empty(), slices.get_mut(filled)) {
                *slice = IoSlice::new(piece);
                filled += 1;
            }
        };
        for (place, body) in bodies {
            fill(&copied[from..*place]);
            fill(body);
            from = *place;
        }
        fill(&copied[from..]);
        filled
    }

    fn advance(&mut self, mut count: usize) {
        let queue = &mut *self.0;
        assert!(count <= queue.len, "advanced by more than is queued");
        queue.len -= count;
        while let Some((place, body)) = queue.bodies.front_mut() {
            let before = count.min(*place - queue.written);
            queue.written += before;
            count -= before;
            if queue.written < *place || count < body.len() {
                body.advance(count);
                return;
            }
            count -= body.len();
            queue.bodies.pop_front();
        }
        queue.written += count;
        if queue.len == 0 {
            queue.copied.clear();
            queue.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Large and small bodies mixed come out in order, whatever is written at a time.
    #[test]
    fn partial_writes_of_any_size_keep_the_order() {
        let sizes = [0, 1, GATHER - 1, GATHER, 3 * GATHER, 5, GATHER, 0];
        let bodies = sizes.iter().enumerate().map(|(i, len)| Bytes::from(vec![i as u8; *len]));
        let bodies: Vec<Bytes> = bodies.collect();
        let mut expected = Vec::new();
        for body in &bodies {
            expected.put_u32(body.len() as u32);
            expected.put_slice(body);
        }
        for step in [1, 3, 4, 5, 4096, GATHER + 4, usize::MAX] {
            let mut encoder = Encoder::new();
            for body in &bodies {
                encoder.message(body.clone()).unwrap();
            }
            let mut written = Vec::new();
            let mut queued = encoder.queued();
            while queued.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 64];
                let filled = queued.chunks_vectored(&mut slices);
                assert!(slices[0].starts_with(queued.chunk()));
                let mut n = 0;
                for slice in &slices[..filled] {
                    let taken = slice.len().min(step - n);
                    written.extend_from_slice(&slice[..taken]);
                    n += taken;
                }
                queued.advance(n);
            }
            assert_eq!(written, expected, "step {step}");
        }
    }

    /// What has been written goes, even where something is always left to be.
    #[test]
    fn a_queue_that_is_never_empty_does_not_grow() {
        let mut encoder = Encoder::new();
        encoder.message(Bytes::from_static(b"ahead")).unwrap();
        for i in 0..20_000_usize {
            // Now and then a large one, that stays where it is.
            let len = if i % 100 == 0 { GATHER } else { 500 };
            encoder.message(Bytes::from(vec![i as u8; len])).unwrap();
            let frame = PREFIX + len;
            encoder.queued().advance(frame);
            assert_eq!(encoder.len, PREFIX + 5);
            assert!(encoder.copied.len() <= 2 * FULL, "{} in frame {i}", encoder.copied.len());
        }
        let mut tail = [0; PREFIX + 5];
        encoder.queued().copy_to_slice(&mut tail);
        assert_eq!(tail, [19_999_usize as u8; PREFIX + 5]);
    }
}
