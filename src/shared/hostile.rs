//! A peer that does anything: changes its words and bytes to whatever it likes, also between two
//! loads of ours.
//!
//! A script of bytes says what it does and what we do. The tests play many at random, the fuzzer
//! those that reach most.

#![allow(clippy::unwrap_used, clippy::redundant_pub_crate)] // All of it is a test.
#![allow(unsafe_code)] // A trait that asks for care.

use std::{
    cell::{Cell, RefCell},
    mem::MaybeUninit,
    ptr,
    rc::Rc,
};

use super::{
    Consumer, Item, Memory, Producer, Reader, Word, Writer,
    record::{Header, Kind},
    words::{HEAD, RX_STATE, TAIL, TX_STATE, WANT_DATA, WANT_SPACE},
};
use crate::{Error, ErrorKind, sync::Ordering};

const CAPACITY: usize = 32 * 1024;
const MAX_LEN: usize = 100_000;
/// How often one call looks at the memory, at most: twice as many parts as the longest message
/// has, and a few looks for each.
const LOOKS: usize = 400;
/// What a reader keeps, at most: what is reserved for a message grows by doubling.
const KEEPS: usize = 2 * MAX_LEN + 2 * 64 * 1024 + CAPACITY;

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// How often the memory was changed behind our back.
    pub(crate) changes: usize,
    pub(crate) messages: usize,
    pub(crate) announcements: usize,
    pub(crate) too_large: usize,
    pub(crate) broken: usize,
}

/// Bytes that say what happens; zeros when they are used up.
struct Script {
    bytes: Vec<u8>,
    at: usize,
}

impl Script {
    fn next(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.next()))
    }

    fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

/// What both share, and who is about to change it.
struct Wild {
    words: RefCell<[u64; 65]>,
    ring: RefCell<Vec<u8>>,
    script: RefCell<Script>,
    /// Whether the peer is the producer.
    writes: bool,
    /// Whether it can also write to what is ours, as in a file that both have mapped.
    everywhere: bool,
    /// After so many looks it changes something.
    patience: Cell<u8>,
    changes: Cell<usize>,
    looks: Cell<usize>,
}

impl Wild {
    fn word(&self, word: Word) -> u64 {
        self.words.borrow()[word.0 / 8]
    }

    fn set(&self, word: Word, value: u64) {
        self.words.borrow_mut()[word.0 / 8] = value;
    }

    fn put(&self, at: u64, value: u64) {
        let at = at as usize % CAPACITY / 8 * 8;
        self.ring.borrow_mut()[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    }

    /// Called whenever we are about to look.
    fn look(&self) {
        self.looks.set(self.looks.get() + 1);
        assert!(self.looks.get() <= LOOKS, "no end of looking");
        match self.patience.get() {
            0 => {}
            1 => {
                self.change();
                self.patience.set(self.script.borrow_mut().next() % 24);
            }
            more => self.patience.set(more - 1),
        }
    }

    fn change(&self) {
        let mut script = self.script.borrow_mut();
        if script.is_over() {
            return;
        }
        self.changes.set(self.changes.get() + 1);
        match (self.writes, script.next() % 8) {
            // A record that may be sound, and what ends behind it.
            (true, 0..=2) => {
                let header = header(&mut script);
                let tail = self.word(TAIL);
                self.put(tail, header.encode(tail));
                let total = script.next();
                self.put(tail.wrapping_add(8), u64::from(total) << (total % 24));
                self.set(TAIL, tail.wrapping_add(header.size()));
            }
            // Another record where one is read, or a little further.
            (true, 3) => {
                let at = self.word(HEAD).wrapping_add(8 * u64::from(script.next() % 32));
                let header = header(&mut script);
                self.put(at, header.encode(at));
            }
            (true, 4) => {
                let at = script.number();
                let value = script.number();
                self.put(at, value);
            }
            _ => {
                let theirs = if self.writes {
                    [TAIL, TX_STATE, WANT_SPACE]
                } else {
                    [HEAD, RX_STATE, WANT_DATA]
                };
                let all = [TAIL, TX_STATE, WANT_SPACE, HEAD, RX_STATE, WANT_DATA];
                let words = if self.everywhere { &all[..] } else { &theirs[..] };
                let word = words[script.next() as usize % words.len()];
                let value = value(&mut script, self.word(word), self.word(TAIL));
                self.set(word, value);
            }
        }
    }
}

/// A header that can be sound.
fn header(script: &mut Script) -> Header {
    let what = script.next();
    let kind = [Kind::Whole, Kind::First, Kind::More, Kind::Sealed][what as usize % 4];
    let len = match what / 4 % 8 {
        0..=2 => u64::from(script.next()),
        3 | 4 => 4000 + 64 * u64::from(script.next()),
        5 => 8,
        6 => script.number() % 40_000,
        _ => script.number() & u64::from(u32::MAX),
    };
    Header { anew: what > 250, ..Header::new(kind, len as usize) }
}

/// A value for a word, mostly near what is there.
fn value(script: &mut Script, is: u64, tail: u64) -> u64 {
    let (how, by) = (script.next(), u64::from(script.next()));
    match how % 10 {
        0 | 1 => is.wrapping_add(8 * by),
        2 => is.wrapping_sub(8 * by),
        3 => is.wrapping_add(by),
        4 => is.wrapping_add(CAPACITY as u64 - 8 + by % 3 * 8),
        5 => tail.wrapping_sub(8 * by),
        6 => by % 4,
        7 => u64::MAX - by,
        8 => 1 << (by % 64),
        _ => script.number(),
    }
}

/// The memory as one side sees it.
#[derive(Clone)]
struct View {
    wild: Rc<Wild>,
    /// Whether somebody else writes to it meanwhile.
    changes: bool,
}

// SAFETY: `read` writes all of what it is given: the ring is as long.
unsafe impl Memory for View {
    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn load(&self, word: Word, _: Ordering) -> u64 {
        if self.changes {
            self.wild.look();
        }
        self.wild.word(word)
    }

    fn store(&self, word: Word, value: u64, _: Ordering) {
        self.wild.set(word, value);
    }

    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        assert!(at % 8 == 0 && into.len() <= CAPACITY, "{} bytes from {at}", into.len());
        if self.changes {
            self.wild.look();
        }
        let ring = self.wild.ring.borrow();
        let (begin, end) = ring.split_at(at as usize % CAPACITY);
        let (first, rest) = into.split_at_mut(into.len().min(end.len()));
        for (from, into) in [(end, first), (begin, rest)] {
            // SAFETY: `into` is no longer than `from`, and no part of it.
            unsafe {
                ptr::copy_nonoverlapping(from.as_ptr(), into.as_mut_ptr().cast(), into.len())
            };
        }
    }

    unsafe fn bytes(&self, _: u64, _: usize) -> &[u8] {
        panic!("nobody is trusted here");
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        assert!(at % 8 == 0 && bytes.len() <= CAPACITY, "{} bytes to {at}", bytes.len());
        let at = at as usize % CAPACITY;
        let (end, begin) = bytes.split_at(bytes.len().min(CAPACITY - at));
        let mut ring = self.wild.ring.borrow_mut();
        ring[at..at + end.len()].copy_from_slice(end);
        ring[..begin.len()].copy_from_slice(begin);
    }
}

/// Plays a script.
pub(crate) fn play(script: &[u8]) -> Tally {
    let mut script = Script { bytes: script.to_vec(), at: 0 };
    let what = script.next();
    let wild = Rc::new(Wild {
        words: RefCell::new([0; 65]),
        ring: RefCell::new(vec![0; CAPACITY]),
        writes: what & 1 == 0,
        everywhere: what & 2 != 0,
        patience: Cell::new(what / 4 % 16),
        script: RefCell::new(script),
        changes: Cell::new(0),
        looks: Cell::new(0),
    });
    let mut tally = Tally::default();
    if wild.writes {
        read(&wild, &mut tally)
    } else {
        write(&wild, &mut tally)
    }
    tally.changes = wild.changes.get();
    tally
}

fn view(wild: &Rc<Wild>, changes: bool) -> View {
    View { wild: wild.clone(), changes }
}

/// The next step of the script, if there is any.
fn step(wild: &Rc<Wild>) -> Option<u8> {
    wild.looks.set(0);
    let mut script = wild.script.borrow_mut();
    (!script.is_over()).then(|| script.next())
}

/// Counts an error, which has to be one of those that there can be.
fn judge(error: &Error, tally: &mut Tally) {
    match error.kind() {
        ErrorKind::TooLarge => tally.too_large += 1,
        ErrorKind::Malformed => tally.broken += 1,
        other => panic!("{other:?}"),
    }
}

/// We read what a sound writer writes and the peer changes.
fn read(wild: &Rc<Wild>, tally: &mut Tally) {
    let new = || Reader::new(Consumer::new(view(wild, false), view(wild, true)), MAX_LEN);
    let (mut reader, mut writer) = (new(), None);
    while let Some(op) = step(wild) {
        let mut count = |item: Option<Item<usize>>| match item {
            Some(Item::Message(len)) => {
                assert!(len <= MAX_LEN);
                tally.messages += 1;
            }
            Some(Item::Sealed(len)) => {
                assert!(len <= MAX_LEN as u64);
                tally.announcements += 1;
            }
            None => {}
        };
        let done: Result<(), Error> = match op % 16 {
            0..=3 => reader.next().map(|item| {
                count(item.map(|item| match item {
                    Item::Message(message) => Item::Message(message.len()),
                    Item::Sealed(len) => Item::Sealed(len),
                }));
            }),
            4 | 5 => reader.lend(<[u8]>::len).map(&mut count),
            6 => reader.arm().map(drop).map_err(Error::from),
            7 => reader.end().map(drop).map_err(Error::from),
            8 => reader.look_again().map(drop).map_err(Error::from),
            9 if op > 0xc0 => {
                reader.leave();
                let _ = reader.takes_wake();
                Ok(())
            }
            10 if op > 0x80 => {
                wild.change();
                match Consumer::resume(view(wild, wild.everywhere), view(wild, true)) {
                    Ok(resumed) => {
                        reader = Reader::new(resumed, MAX_LEN);
                        Ok(())
                    }
                    Err(broken) => Err(broken.into()),
                }
            }
            11 | 12 => {
                wild.change();
                Ok(())
            }
            _ => {
                writer = send(wild, writer, op);
                Ok(())
            }
        };
        if let Err(error) = done {
            judge(&error, tally);
            // Whoever goes on all the same comes to no harm; then another comes.
            for _ in 0..2 {
                let _ = reader.next().map_err(|error| judge(&error, tally));
                let _ = reader.arm();
                let _ = reader.end();
            }
            *wild.words.borrow_mut() = [0; 65];
            (reader, writer) = (new(), None);
        }
        assert!(reader.held() <= KEEPS, "{} bytes", reader.held());
    }
}

/// Has a sound writer write something, or another in its place.
fn send(wild: &Rc<Wild>, writer: Option<Writer<View>>, op: u8) -> Option<Writer<View>> {
    let own = || view(wild, false);
    let mut writer = writer.or_else(|| Producer::resume(own(), own()).ok().map(Writer::new))?;
    let len = match op / 16 % 4 {
        0 => usize::from(op),
        1 => 3000,
        2 => 15_000,
        _ => 90_000,
    };
    // The peer may have moved what this one counts with.
    let body = [op; 90_000];
    let written = if op % 2 == 0 { writer.announce(77) } else { writer.offer(&body[..len]) };
    let _ = writer.flush();
    (written.is_ok() && !writer.is_within()).then_some(writer)
}

/// We write, and the peer does as though it read.
fn write(wild: &Rc<Wild>, tally: &mut Tally) {
    let new = || Writer::new(Producer::new(view(wild, false), view(wild, true)));
    let mut writer = new();
    // What is offered until it is written.
    let mut len = 0;
    let body = vec![7; 3 * CAPACITY];
    while let Some(op) = step(wild) {
        let broken = match op % 8 {
            0..=2 => {
                if len == 0 {
                    let len_of = wild.script.borrow_mut().next();
                    len = usize::from(len_of) << (op / 8 % 9);
                }
                writer.offer(&body[..len.min(3 * CAPACITY)]).map(|written| {
                    if written {
                        tally.messages += 1;
                        len = 0;
                    }
                })
            }
            3 => {
                let _ = writer.flush();
                writer.arm(len.min(3 * CAPACITY)).map(drop)
            }
            4 if !writer.is_within() => writer
                .announce(op.into())
                .map(|written| tally.announcements += usize::from(written)),
            5 if op > 0xc0 => {
                writer.end(op & 8 == 0);
                let _ = writer.flush();
                Ok(())
            }
            6 if op > 0x80 => {
                wild.change();
                Producer::resume(view(wild, wild.everywhere), view(wild, true))
                    .map(|resumed| (writer, len) = (Writer::new(resumed), 0))
            }
            // The reader takes all that there is, as a sound one does.
            7 => {
                wild.set(HEAD, wild.word(TAIL));
                let _ = writer.is_deserted();
                Ok(())
            }
            _ => {
                wild.change();
                Ok(())
            }
        };
        if let Err(broken) = broken {
            judge(&broken.into(), tally);
            for _ in 0..2 {
                let _ = writer.offer(&body[..len.min(3 * CAPACITY)]);
                let _ = writer.flush();
                let _ = writer.arm(len.min(3 * CAPACITY));
            }
            *wild.words.borrow_mut() = [0; 65];
            (writer, len) = (new(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same scripts in each run.
    #[test]
    fn a_peer_that_does_anything_gets_errors() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let mut all = Tally::default();
        while all.changes < 100_000 {
            let script: Vec<u8> = std::iter::repeat_with(&mut random).take(600).collect();
            let tally = play(&script);
            all.changes += tally.changes;
            all.messages += tally.messages;
            all.announcements += tally.announcements;
            all.too_large += tally.too_large;
            all.broken += tally.broken;
        }
        assert!(all.messages > 10_000 && all.announcements > 1000, "{all:?}");
        assert!(all.broken > 1000 && all.too_large > 100, "{all:?}");
    }
}
