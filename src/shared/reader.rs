//! Messages of any length out of a ring.

#![allow(unsafe_code)]

mod parts;

use std::mem;

use bytes::{Buf, Bytes, BytesMut};

use super::{
    Broken, Consumer, Leases, Memory, Trust,
    partial::Partial,
    record::{HEADER, Header, Kind},
};
use crate::{Error, ErrorKind};

/// How many bytes of small records are copied out at a time, at most.
const WINDOW: u64 = 16 * 1024;
/// How many bytes of small messages share a buffer.
const SHARED: usize = 64 * 1024;

/// So many sealed messages the producer may not know to be ours: half of those that it can have on
/// their way.
const UNSEEN: usize = 8;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<T> {
    Message(T),
    /// A message of this length that lies elsewhere, sealed for good.
    Sealed(u64),
}

/// Reads messages: out of copies of what the producer has published, so that it can change
/// nothing that was looked at.
///
/// Small records are copied out many at a time and share a buffer; a large one has its own. What
/// was handed out is released when more is asked for: whoever goes on after a crash of ours reads
/// again what may not have been dealt with.
#[derive(Debug)]
pub(crate) struct Reader<M> {
    consumer: Consumer<M>,
    max_len: usize,
    /// Copies of what comes next in the ring: in `buffer` or, once a message was taken out of it
    /// as a value, in `window`. One of the two is empty.
    buffer: BytesMut,
    window: Bytes,
    partial: Option<Partial>,
    trust: Option<Trust>,
    /// How many bytes of parts may come first, of a message whose beginning was released by the
    /// reader before us.
    amid: usize,
    leases: Option<Leases>,
    /// Sealed messages that are ours and the producer does not know of, since one is held that came
    /// before them.
    unseen: usize,
    /// The producer is to be woken.
    wake: bool,
}

/// Where the record that comes next is.
enum Next {
    /// All of it was copied out.
    Copied(Header),
    /// It is in the ring: too large to be copied with others.
    Large(Header),
}

impl<M: Memory> Reader<M> {
    /// Messages of up to this many bytes.
    pub(crate) fn new(consumer: Consumer<M>, max_len: usize) -> Self {
        let (buffer, window) = (BytesMut::new(), Bytes::new());
        let resumed = consumer.is_resumed();
        Self {
            consumer,
            max_len,
            buffer,
            window,
            partial: None,
            trust: None,
            amid: if resumed { max_len } else { 0 },
            leases: None,
            unseen: 0,
            wake: resumed,
        }
    }

    /// Lends messages where they lie.
    pub(crate) fn trusting(self, trust: Option<Trust>) -> Self {
        Self { trust, ..self }
    }

    /// Hands out large messages where they lie.
    pub(crate) fn leasing(mut self, leases: Option<Leases>) -> Self {
        if let Some(leases) = &leases {
            self.consumer.releasing_by(leases.ledger());
        }
        Self { leases, ..self }
    }

    /// Takes the next message, if it is there.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Item<Bytes>>, Error> {
        loop {
            match self.look()? {
                None => return Ok(None),
                Some(Next::Copied(header)) if self.is_whole(header)? => {
                    return Ok(Some(Item::Message(self.cut(header))));
                }
                Some(Next::Large(header)) if self.is_whole(header)? => {
                    let message = self.hand_out(header).unwrap_or_else(|| {
                        let mut message = BytesMut::with_capacity(header.len as usize);
                        self.copy(header, 0, &mut message);
                        message.freeze()
                    });
                    self.consumer.advance(header.size());
                    return Ok(Some(Item::Message(message)));
                }
                Some(next) => match self.part(next)? {
                    Some(Item::Message(message)) => {
                        return Ok(Some(Item::Message(message.freeze())));
                    }
                    Some(Item::Sealed(len)) => return Ok(Some(Item::Sealed(len))),
                    None => {}
                },
            }
        }
    }

    /// Lends the next message, if it is there: where it lies, if the producer is trusted.
    #[inline]
    pub(crate) fn lend<R>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<Item<R>>, Error> {
        if self.trust.is_some() && self.copied().is_empty() && self.amid == 0 {
            if let Some(header) = self.whole_in_place()? {
                let (at, len) = (self.consumer.head() + HEADER, header.len as usize);
                // SAFETY: it was published and not released, and a producer that is trusted does
                // not change it.
                let message = unsafe { self.consumer.theirs().bytes(at, len) };
                let seen = see(message);
                self.consumer.advance(header.size());
                return Ok(Some(Item::Message(seen)));
            }
        }
        loop {
            match self.look()? {
                None => return Ok(None),
                Some(Next::Copied(header)) if self.is_whole(header)? => {
                    let body = HEADER as usize..HEADER as usize + header.len as usize;
                    let seen = see(&self.copied()[body]);
                    self.pass(header);
                    return Ok(Some(Item::Message(seen)));
                }
                Some(Next::Large(header)) if self.is_whole(header)? => {
                    // `buffer` is empty: what is in the ring comes behind what was copied.
                    let mut message = mem::take(&mut self.buffer);
                    make_room(&mut message, header.len as usize);
                    self.copy(header, 0, &mut message);
                    self.consumer.advance(header.size());
                    let seen = see(&message);
                    message.clear();
                    self.buffer = message;
                    return Ok(Some(Item::Message(seen)));
                }
                Some(next) => match self.part(next)? {
                    Some(Item::Message(message)) => return Ok(Some(Item::Message(see(&message)))),
                    Some(Item::Sealed(len)) => return Ok(Some(Item::Sealed(len))),
                    None => {}
                },
            }
        }
    }

    /// The producer is to be woken, since there is room again. Asked after each other call.
    #[inline]
    #[must_use = "the producer may be asleep"]
    pub(crate) fn takes_wake(&mut self) -> bool {
        mem::take(&mut self.wake)
    }

    /// Asks to be woken when there is more. `true`: it is time to sleep.
    #[must_use = "there may be something by now"]
    pub(crate) fn arm(&mut self) -> Result<bool, Broken> {
        self.release();
        self.consumer.arm()
    }

    /// How the ring ended, if it has: in order, or not. Nothing was there before.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<Option<bool>, Broken> {
        let ended = self.consumer.end()?;
        Ok(ended.map(|in_order| in_order && self.partial.is_none()))
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

    /// Whether a message was begun that has not ended.
    pub(crate) fn is_within(&self) -> bool {
        self.partial.is_some()
    }

    /// Whether there is more: for who has heard since that nothing will follow.
    pub(crate) fn look_again(&mut self) -> Result<bool, Broken> {
        self.consumer.refresh()?;
        Ok(self.consumer.available()? > 0)
    }

    /// Tells the producer that nobody reads any more. It has to be woken.
    pub(crate) fn leave(&mut self) {
        self.consumer.leave();
    }

    /// Lets the producer write over what was dealt with, all of it but for half of the ring at most.
    #[inline]
    fn release(&mut self) {
        self.wake |= self.consumer.release();
        if self.leases.is_some() && self.consumer.is_held_up() {
            self.detach();
        }
    }

    /// Has nothing that is held stand in the way.
    #[cold]
    fn detach(&mut self) {
        if let Some(leases) = &mut self.leases {
            leases.detach();
            self.wake |= self.consumer.release();
            self.unseen = 0;
        }
    }

    /// Hands out the body of a large message where it lies, if that is not too much.
    fn hand_out(&mut self, header: Header) -> Option<Bytes> {
        let start = self.consumer.head();
        let (at, end) = (start + HEADER, start + header.size());
        self.leases.as_mut()?.hand_out(start, at, header.len as usize, end)
    }

    /// The record that comes next, if it is a message.
    #[inline]
    fn whole_in_place(&mut self) -> Result<Option<Header>, Error> {
        if self.consumer.is_due() {
            self.release();
        }
        let available = self.consumer.available()?;
        if available == 0 {
            return Ok(None);
        }
        let header = Header::decode(self.consumer.word(0), self.consumer.head())?;
        Ok((header.size() <= available && self.is_whole(header)?).then_some(header))
    }

    /// The record that comes next. What was handed out before is dealt with by now.
    #[inline]
    fn look(&mut self) -> Result<Option<Next>, Broken> {
        let next = self.find()?;
        if let Some(Next::Copied(header) | Next::Large(header)) = next {
            if header.anew || self.amid > 0 {
                self.settle(header);
            }
        }
        Ok(next)
    }

    /// What was left by who was here before, at either end, has no bearing on this record.
    #[cold]
    fn settle(&mut self, header: Header) {
        if header.anew {
            self.partial = None;
        }
        if header.anew || header.kind != Kind::More {
            self.amid = 0;
        }
    }

    #[inline]
    fn find(&mut self) -> Result<Option<Next>, Broken> {
        if self.consumer.is_due() {
            self.release();
        }
        let copied = self.copied();
        if !copied.is_empty() {
            if let Some(header) = self.first_of(copied)? {
                return Ok(Some(Next::Copied(header)));
            }
            // It was cut off where the window ended.
            self.buffer.clear();
            self.window = Bytes::new();
        }
        let available = self.consumer.available()?;
        if available == 0 {
            return Ok(None);
        }
        let at = self.consumer.head();
        let header = Header::decode(self.consumer.word(0), at)?;
        if header.size() > available {
            return Err(Broken {
                what: "a record that is longer than what is there",
                position: at,
            });
        }
        if header.size() > WINDOW {
            return Ok(Some(Next::Large(header)));
        }
        self.fill(available.min(WINDOW) as usize);
        // This one counts, whatever the other said: it is in our copy.
        match self.first_of(&self.buffer)? {
            Some(header) => Ok(Some(Next::Copied(header))),
            None => Err(Broken { what: "a record that grew", position: at }),
        }
    }

    #[inline]
    fn copied(&self) -> &[u8] {
        if self.window.is_empty() { &self.buffer } else { &self.window }
    }

    /// The header in front of what was copied, if all of its record was.
    #[inline]
    fn first_of(&self, copied: &[u8]) -> Result<Option<Header>, Broken> {
        let Some(word) = copied.first_chunk::<8>() else { return Ok(None) };
        let header = Header::decode(u64::from_ne_bytes(*word), self.consumer.head())?;
        Ok((header.size() <= copied.len() as u64).then_some(header))
    }

    /// Copies the next bytes of the ring to the buffer, which is empty.
    #[inline]
    fn fill(&mut self, len: usize) {
        make_room(&mut self.buffer, len);
        self.consumer.read(self.consumer.head(), &mut self.buffer.spare_capacity_mut()[..len]);
        // SAFETY: they were written just now.
        unsafe { self.buffer.set_len(len) };
    }

    /// Takes the body of the record in front of what was copied.
    #[inline]
    fn cut(&mut self, header: Header) -> Bytes {
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
    fn pass(&mut self, header: Header) {
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
    fn copy(&self, header: Header, without: u64, into: &mut BytesMut) {
        let len = header.len as usize - without as usize;
        let at = self.consumer.head() + HEADER + without;
        self.consumer.read(at, &mut into.spare_capacity_mut()[..len]);
        // SAFETY: they were written just now.
        unsafe { into.set_len(into.len() + len) };
    }

    /// Whether the record is a message, of a length that is accepted.
    #[inline]
    fn is_whole(&self, header: Header) -> Result<bool, Error> {
        if header.kind != Kind::Whole {
            return Ok(false);
        }
        if self.partial.is_some() {
            return Err(self.broken("a message within another").into());
        }
        self.accepts(u64::from(header.len))?;
        Ok(true)
    }

    #[inline]
    fn accepts(&self, len: u64) -> Result<(), Error> {
        if len <= self.max_len as u64 { Ok(()) } else { Err(too_large(len, self.max_len)) }
    }

    /// How much memory it has.
    #[cfg(all(any(test, fuzzing), not(framewire_loom)))]
    pub(super) fn held(&self) -> usize {
        let partial = self.partial.as_ref().map_or(0, Partial::held);
        self.buffer.capacity() + self.window.len() + partial
    }

    #[cold]
    fn broken(&self, what: &'static str) -> Broken {
        Broken { what, position: self.consumer.head() }
    }
}

/// Room for so many bytes more, in memory that is used again.
#[inline]
fn make_room(buffer: &mut BytesMut, len: usize) {
    if buffer.capacity() - buffer.len() < len {
        buffer.reserve(len.max(SHARED));
    }
}

#[cold]
fn too_large(len: u64, max: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("message of {len} bytes, limit {max}"))
        .remedy("raise `max_len` of the options at this end, or send it in parts")
}
