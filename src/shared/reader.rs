//! Messages of any length out of a ring.

#![allow(unsafe_code)]

mod held;
mod parts;
mod window;

use std::{mem, sync::Arc};

use bytes::{Bytes, BytesMut};

use self::window::make_room;
use super::{
    Broken, Consumer, Leases, Memory, Region, Trust,
    partial::{Partial, cut_off, too_large},
    record::{HEADER, Header, Kind},
};
use crate::Error;

/// How many bytes of small records are copied out at a time, at most.
const WINDOW: u64 = 16 * 1024;
/// How many bytes of small messages share a buffer.
const SHARED: usize = 64 * 1024;

/// After so many bytes of parts of one message others have their turn.
const TURN: u64 = 1 << 20;

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
    /// That it was cut off was told.
    told: bool,
    leases: Option<Leases>,
    /// Sealed messages that are ours and the producer does not know of, since one is held that came
    /// before them.
    unseen: usize,
    /// The producer is to be woken.
    wake: bool,
    /// Parts of a message were taken since that was asked.
    went_on: bool,
    /// There is more of it, which is left for later.
    gives_way: bool,
}

/// Where the record that comes next is.
enum Next {
    /// All of it was copied out.
    Copied(Header),
    /// It is in the ring: too large to be copied with others.
    Large(Header),
}

impl Reader<Arc<Region>> {
    /// Hands out large messages where they lie.
    pub(crate) fn leasing(mut self, leases: Option<Leases>) -> Self {
        if let Some(leases) = &leases {
            self.consumer.releasing_by(leases.ledger());
        }
        Self { leases, ..self }
    }
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
            told: false,
            leases: None,
            unseen: 0,
            wake: resumed,
            went_on: false,
            gives_way: false,
        }
    }

    /// Lends messages where they lie.
    pub(crate) fn trusting(self, trust: Option<Trust>) -> Self {
        Self { trust, ..self }
    }

    /// Takes the next message, if it is there; of a long one perhaps only what comes first, after
    /// which it [gives way](Self::gives_way).
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Item<Bytes>>, Error> {
        let begun = self.consumer.head();
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
                    None if self.is_turn_over(begun) => return Ok(None),
                    None => {}
                },
            }
        }
    }

    /// Lends the next message, if it is there: where it lies, if the producer is trusted. As for
    /// [`next`](Self::next), a long one comes by and by.
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
        let begun = self.consumer.head();
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
                    None if self.is_turn_over(begun) => return Ok(None),
                    None => {}
                },
            }
        }
    }

    /// Whether others are to have their turn before more is asked for: nothing was returned, and
    /// there may be something.
    #[inline]
    #[must_use = "nobody wakes us for what is there"]
    pub(crate) fn gives_way(&mut self) -> bool {
        mem::take(&mut self.gives_way)
    }

    /// Whether parts of a message were taken.
    #[inline]
    pub(crate) fn went_on(&mut self) -> bool {
        mem::take(&mut self.went_on)
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

    /// The same for one that waits for the next producer, however the last one ended.
    #[must_use = "there may be something by now"]
    pub(crate) fn arm_for_more(&mut self) -> Result<bool, Broken> {
        self.release();
        self.consumer.arm_for_more()
    }

    /// Gives up the message that was begun and has not ended, and says whether there was one.
    pub(crate) fn give_up(&mut self) -> bool {
        self.partial.take().is_some()
    }

    /// How the ring ended, if it has: in order, or not. Nothing was there before.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<Option<bool>, Broken> {
        let ended = self.consumer.end()?;
        Ok(ended.map(|in_order| in_order && self.partial.is_none()))
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
        // What the first record of another producer ends is told by `settle`.
        let is_next = header.size() <= available && !header.anew;
        Ok((is_next && self.is_whole(header)?).then_some(header))
    }

    /// After a part of a message.
    fn is_turn_over(&mut self, begun: u64) -> bool {
        self.went_on = true;
        self.gives_way = self.consumer.head() - begun >= TURN;
        self.gives_way
    }

    /// The record that comes next. What was handed out before is dealt with by now.
    #[inline]
    fn look(&mut self) -> Result<Option<Next>, Error> {
        let next = self.find()?;
        if let Some(Next::Copied(header) | Next::Large(header)) = next {
            if header.anew || self.amid > 0 {
                self.settle(header)?;
            }
        }
        Ok(next)
    }

    /// What was left by who was here before, at either end, has no bearing on this record.
    #[cold]
    fn settle(&mut self, header: Header) -> Result<(), Error> {
        if header.anew || header.kind != Kind::More {
            self.amid = 0;
        }
        if header.anew && self.give_up() { Err(cut_off()) } else { Ok(()) }
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
