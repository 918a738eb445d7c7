//! Bytes in, messages out.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{MAX_LEN, PREFIX};
use crate::{Error, ErrorKind, Result};

/// The first buffer, in bytes: what an idle connection costs.
const SMALL: usize = 8 * 1024;
/// The largest buffer for frames that need no larger one, in bytes.
const LARGE: usize = 256 * 1024;
/// The most that is reserved beyond what has arrived, in bytes.
const AHEAD: usize = 64 * 1024;
/// Less room than this, in bytes, is worth growing the buffer of a frame that needs more: a peer
/// that sends in small pieces would have it moved for each of them otherwise.
const STEP: usize = AHEAD / 2;
/// A buffer beyond `LARGE` is given back after so many refills that did not need it.
const PATIENCE: u8 = 64;

/// Cuts a byte stream into messages, whatever pieces it arrives in.
///
/// The messages share the buffer that the bytes were read into: none is copied, and in the steady
/// state nothing is allocated as long as messages are dropped before the next refill. At most
/// 64 KiB are reserved beyond what has arrived, whatever length a peer announces; a stream that
/// has filled larger buffers keeps one of up to 256 KiB.
///
/// # Examples
///
/// ```
/// use bytes::BufMut;
/// use framewire::frame::Decoder;
///
/// # fn main() -> framewire::Result<()> {
/// let mut decoder = Decoder::new();
/// decoder.space().put_slice(b"\0\0\0\x05hel");
/// assert_eq!(decoder.message()?, None);
/// decoder.space().put_slice(b"lo\0\0\0\0");
/// assert_eq!(decoder.message()?.as_deref(), Some(&b"hello"[..]));
/// assert_eq!(decoder.message()?.as_deref(), Some(&b""[..]));
/// decoder.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Decoder {
    /// What has arrived and was not handed out.
    arrived: BytesMut,
    /// The whole allocation that `arrived` is the rest of.
    capacity: usize,
    /// What `capacity` should be for the stream as it has been so far.
    wanted: usize,
    /// How much room the last refill made.
    room: usize,
    /// How much has arrived in all, as far as a refill has seen it.
    total: usize,
    /// Refills since a frame needed more than `LARGE`.
    small_refills: u8,
    max_len: usize,
}

impl Decoder {
    /// A decoder of messages of up to [`MAX_LEN`] bytes.
    ///
    /// # Examples
    ///
    /// See [`Decoder`].
    pub fn new() -> Self {
        Self {
            arrived: BytesMut::new(),
            capacity: 0,
            wanted: SMALL,
            room: 0,
            total: 0,
            small_refills: 0,
            max_len: MAX_LEN,
        }
    }

    /// Accepts bodies of up to this many bytes; a longer one is [`TooLarge`](ErrorKind::TooLarge).
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::BufMut;
    /// use framewire::{ErrorKind, frame::Decoder};
    ///
    /// let mut decoder = Decoder::new().max_len(3);
    /// decoder.space().put_slice(b"\0\0\0\x04");
    /// assert_eq!(decoder.message().unwrap_err().kind(), ErrorKind::TooLarge);
    /// ```
    #[must_use]
    pub fn max_len(mut self, max_len: usize) -> Self {
        // On 32 bits, a frame has to be countable with its prefix.
        self.max_len = max_len.min(u32::MAX as usize).min(usize::MAX - PREFIX);
        self
    }

    /// The next whole message, if all of it has arrived.
    ///
    /// # Examples
    ///
    /// See [`Decoder`].
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge) where a body longer than the limit is announced. The
    /// stream cannot go on behind it.
    #[inline]
    pub fn message(&mut self) -> Result<Option<Bytes>> {
        match self.whole() {
            Some(len) => Ok(Some(self.take(len))),
            None => self.check().map(|()| None),
        }
    }

    /// Lends the next whole message to `see`, if all of it has arrived: cheaper than
    /// [`message`](Self::message) where the bytes need not outlive the call.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::BufMut;
    /// use framewire::frame::Decoder;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let mut decoder = Decoder::new();
    /// decoder.space().put_slice(b"\0\0\0\x02hi");
    /// assert_eq!(decoder.with_message(|body| body.len())?, Some(2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`message`](Self::message).
    #[inline]
    pub fn with_message<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        match self.whole() {
            Some(len) => Ok(Some(self.lend(len, see))),
            None => self.check().map(|()| None),
        }
    }

    /// Room for the next bytes of the stream, never empty; what is put there has arrived.
    ///
    /// # Examples
    ///
    /// See [`Decoder`].
    pub fn space(&mut self) -> &mut impl BufMut {
        self.refill();
        &mut self.arrived
    }

    /// The stream has ended: is this a place to end?
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::BufMut;
    /// use framewire::{ErrorKind, frame::Decoder};
    ///
    /// let mut decoder = Decoder::new();
    /// decoder.space().put_slice(b"\0\0\0\x05hel");
    /// assert_eq!(decoder.finish().unwrap_err().kind(), ErrorKind::Truncated);
    /// ```
    ///
    /// # Errors
    ///
    /// [`Truncated`](ErrorKind::Truncated) inside a frame, with how much of it had arrived.
    pub fn finish(&self) -> Result<()> {
        if self.arrived.is_empty() {
            return Ok(());
        }
        let have = self.arrived.len();
        let want = match self.announced() {
            Some(len) => (PREFIX as u64 + len as u64).to_string(),
            None => format!("at least {PREFIX}"),
        };
        Err(Error::new(
            ErrorKind::Truncated,
            format!("the peer ended in the middle of a frame: {have} of {want} bytes arrived"),
        )
        .remedy("it was killed or does not speak length-prefixed frames"))
    }

    /// What has arrived and was not handed out, for whoever goes on with the bare byte stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::BufMut;
    /// use framewire::frame::Decoder;
    ///
    /// let mut decoder = Decoder::new();
    /// decoder.space().put_slice(b"\0\0");
    /// assert_eq!(&decoder.into_leftover()[..], b"\0\0");
    /// ```
    pub fn into_leftover(self) -> Bytes {
        self.arrived.freeze()
    }

    /// How much has arrived and was not handed out.
    #[cfg(unix)]
    pub(super) fn unread(&self) -> usize {
        self.arrived.len()
    }

    /// The length of the next body, if the whole of it has arrived and may be taken.
    #[inline]
    pub(super) fn whole(&self) -> Option<usize> {
        let len = self.announced()?;
        // `announced` has seen the prefix; a sum instead could overflow on 32 bits.
        (len <= self.max_len && len <= self.arrived.len() - PREFIX).then_some(len)
    }

    /// Hands out the next body, which is [`whole`](Self::whole) and has this length.
    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Bytes {
        let mut message = self.arrived.split_to(PREFIX + len).freeze();
        message.advance(PREFIX);
        message
    }

    /// Lends the next body, which is [`whole`](Self::whole) and has this length.
    #[inline]
    pub(super) fn lend<R>(&mut self, len: usize, see: impl FnOnce(&[u8]) -> R) -> R {
        let seen = see(&self.arrived[PREFIX..PREFIX + len]);
        self.arrived.advance(PREFIX + len);
        seen
    }

    /// Drops what has arrived of a frame that never will be whole.
    #[cfg(unix)]
    pub(super) fn forget(&mut self) {
        self.arrived.clear();
    }

    /// Whether the stream may go on, where nothing is whole.
    pub(super) fn check(&self) -> Result<()> {
        match self.announced() {
            Some(len) if len > self.max_len => Err(self.too_large(len)),
            _ => Ok(()),
        }
    }

    /// The length of the next body, as far as it is known.
    #[inline]
    fn announced(&self) -> Option<usize> {
        let prefix = self.arrived.first_chunk::<PREFIX>()?;
        Some(u32::from_be_bytes(*prefix) as usize)
    }

    #[cold]
    fn too_large(&self, len: usize) -> Error {
        Error::new(
            ErrorKind::TooLarge,
            format!("message of {len} bytes announced, limit {}", self.max_len),
        )
        .remedy("raise `max_len` at this end, or the peer does not speak length-prefixed frames")
    }

    /// Makes room behind what has arrived: the same buffer again where nobody holds a part of it.
    fn refill(&mut self) {
        let spare = self.arrived.capacity() - self.arrived.len();
        // What was taken from the front since then has not changed what is free behind.
        let came = self.room.saturating_sub(spare);
        self.total = self.total.saturating_add(came);
        let larger = (2 * self.wanted).min(LARGE);
        if spare == 0 && came > 0 && larger <= self.total.saturating_add(AHEAD) {
            // All room was filled: the stream comes in larger pieces.
            self.wanted = larger;
        }
        self.make_room();
        self.room = self.arrived.capacity() - self.arrived.len();
    }

    fn make_room(&mut self) {
        let arrived = self.arrived.len();
        let frame = self.announced().map_or(PREFIX, |len| PREFIX + len.min(self.max_len));
        self.small_refills = if frame > LARGE { 0 } else { self.small_refills.saturating_add(1) };

        // Whole messages that nobody has taken yet stay in front of what comes.
        let needed = if frame > arrived { frame } else { arrived + SMALL / 2 };
        let size = self.wanted.max(needed);
        let oversized = self.capacity > size.max(LARGE) && self.small_refills >= PATIENCE;
        if !oversized && self.capacity >= size && self.arrived.try_reclaim(size - arrived) {
            return;
        }
        let spare = self.arrived.capacity() - arrived;
        if !oversized && spare >= (needed - arrived).clamp(SMALL / 2, STEP) {
            return;
        }
        // `wanted` is no more than 64 KiB beyond all that has arrived; a prefix is only believed as
        // far as bytes follow it.
        self.allocate(self.wanted.max(needed.min(arrived + AHEAD)));
    }

    /// Moves what has arrived to a buffer of `size` bytes.
    fn allocate(&mut self, size: usize) {
        let arrived = std::mem::take(&mut self.arrived);
        let grows = size > self.capacity;
        self.capacity = size;
        if !grows {
            // Messages hold the old one, or it is given back.
            self.arrived = BytesMut::with_capacity(size);
            self.arrived.extend_from_slice(&arrived);
        } else {
            // A large frame grows in many steps. As a `Vec` it is moved by remapping its pages
            // instead of being there twice, and grows by what was asked for instead of doubling.
            let mut grown = Vec::from(arrived);
            grown.reserve_exact(size - grown.len());
            self.arrived = BytesMut::from(Bytes::from(grown));
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
