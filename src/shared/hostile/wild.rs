//! Memory that changes while it is looked at.

use std::{
    cell::{Cell, RefCell},
    mem::MaybeUninit,
    ptr,
    rc::Rc,
};

use super::super::{
    Memory, Word,
    record::{Header, Kind},
    words::{HEAD, RX_STATE, TAIL, TX_STATE, WANT_DATA, WANT_SPACE},
};
use crate::sync::Ordering;

pub(super) const CAPACITY: usize = 32 * 1024;
/// How often one call looks at the memory, at most: a few looks for each of twice as many
/// parts as the longest message has.
const LOOKS: usize = 400;

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
pub(super) struct Wild {
    words: RefCell<[u64; 65]>,
    ring: RefCell<Vec<u8>>,
    script: RefCell<Script>,
    /// Whether the peer is the producer.
    pub(super) writes: bool,
    /// Whether it can also write to what is ours, as in a file that both have mapped.
    pub(super) everywhere: bool,
    /// After so many looks it changes something.
    patience: Cell<u8>,
    pub(super) changes: Cell<usize>,
    looks: Cell<usize>,
}

impl Wild {
    /// Of a script whose first byte says who the peer is.
    pub(super) fn new(script: &[u8]) -> Rc<Self> {
        let mut script = Script { bytes: script.to_vec(), at: 0 };
        let what = script.next();
        Rc::new(Self {
            words: RefCell::new([0; 65]),
            ring: RefCell::new(vec![0; CAPACITY]),
            writes: what & 1 == 0,
            everywhere: what & 2 != 0,
            patience: Cell::new(what / 4 % 16),
            script: RefCell::new(script),
            changes: Cell::new(0),
            looks: Cell::new(0),
        })
    }

    /// A number that the script says.
    pub(super) fn byte(&self) -> u8 {
        self.script.borrow_mut().next()
    }

    /// As though nothing had been there.
    pub(super) fn clear(&self) {
        *self.words.borrow_mut() = [0; 65];
    }

    pub(super) fn word(&self, word: Word) -> u64 {
        self.words.borrow()[word.0 / 8]
    }

    pub(super) fn set(&self, word: Word, value: u64) {
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

    pub(super) fn change(&self) {
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
pub(super) struct View {
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
        panic!("nothing is lent here");
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

/// The memory, for one that the other side changes meanwhile or not.
pub(super) fn view(wild: &Rc<Wild>, changes: bool) -> View {
    View { wild: wild.clone(), changes }
}

/// The next step of the script, if there is any.
pub(super) fn step(wild: &Rc<Wild>) -> Option<u8> {
    wild.looks.set(0);
    let mut script = wild.script.borrow_mut();
    (!script.is_over()).then(|| script.next())
}
