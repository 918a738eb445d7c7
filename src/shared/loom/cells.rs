//! Memory and doorbells whose every order loom goes through.

use std::mem::MaybeUninit;

use ::loom::{
    cell::UnsafeCell,
    sync::{Arc, Condvar, Mutex, atomic::AtomicU64},
};

use super::super::{
    Consumer, Memory, Producer, Word,
    words::{HEAD, RX_STATE, TAIL, TX_STATE, WANT_DATA, WANT_SPACE},
};
use crate::sync::Ordering;

const WORDS: [Word; 6] = [TAIL, TX_STATE, WANT_SPACE, HEAD, RX_STATE, WANT_DATA];

struct Cells {
    words: [AtomicU64; 6],
    ring: Vec<UnsafeCell<u64>>,
}

// SAFETY: loom finds each access to a cell that another is not ordered with.
unsafe impl Sync for Cells {}

impl Cells {
    fn new(capacity: usize) -> Self {
        Self {
            words: std::array::from_fn(|_| AtomicU64::new(0)),
            ring: (0..capacity / 8).map(|_| UnsafeCell::new(0)).collect(),
        }
    }

    fn word(&self, word: Word) -> &AtomicU64 {
        &self.words[WORDS.iter().position(|known| *known == word).unwrap()]
    }

    fn cell(&self, at: u64) -> &UnsafeCell<u64> {
        assert_eq!(at % 8, 0);
        &self.ring[at as usize / 8 % self.ring.len()]
    }
}

// SAFETY: `read` writes all of what it is given.
unsafe impl Memory for Cells {
    fn capacity(&self) -> usize {
        8 * self.ring.len()
    }

    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        self.word(word).load(ordering)
    }

    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        self.word(word).store(value, ordering);
    }

    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        for (at, into) in (at..).step_by(8).zip(into.chunks_mut(8)) {
            // SAFETY: loom has seen to it that nobody writes here.
            let word = self.cell(at).with(|cell| unsafe { *cell });
            for (into, byte) in into.iter_mut().zip(word.to_ne_bytes()) {
                into.write(byte);
            }
        }
    }

    unsafe fn bytes(&self, _: u64, _: usize) -> &[u8] {
        panic!("nothing is lent here");
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        for (at, bytes) in (at..).step_by(8).zip(bytes.chunks(8)) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            // SAFETY: loom has seen to it that nobody else is here.
            self.cell(at).with_mut(|cell| unsafe { *cell = u64::from_ne_bytes(word) });
        }
    }
}

/// What a process is woken by: it counts, and what was counted is not lost.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<u32>,
    waits: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *self.rung.lock().unwrap() += 1;
        self.waits.notify_one();
    }

    pub(super) fn ring_if(&self, wake: bool) {
        if wake {
            self.ring();
        }
    }

    pub(super) fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while *rung == 0 {
            rung = self.waits.wait(rung).unwrap();
        }
        *rung = 0;
    }
}

/// A ring, and the doorbells of who writes and of who reads.
pub(super) struct Channel {
    cells: Arc<Cells>,
    pub(super) writer: Arc<Bell>,
    pub(super) reader: Arc<Bell>,
}

impl Channel {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            cells: Arc::new(Cells::new(capacity)),
            writer: Arc::default(),
            reader: Arc::default(),
        }
    }

    pub(super) fn shared(&self) -> Shared {
        Shared(self.cells.clone())
    }

    pub(super) fn producer(&self) -> Producer<Shared> {
        Producer::new(Shared(self.cells.clone()), Shared(self.cells.clone()))
    }

    pub(super) fn consumer(&self) -> Consumer<Shared> {
        Consumer::new(Shared(self.cells.clone()), Shared(self.cells.clone()))
    }
}

/// As `Arc<Region>` is elsewhere; loom has an `Arc` of its own.
pub(super) struct Shared(Arc<Cells>);

// SAFETY: it is whatever the cells do.
unsafe impl Memory for Shared {
    fn capacity(&self) -> usize {
        self.0.capacity()
    }

    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        self.0.load(word, ordering)
    }

    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        self.0.store(word, value, ordering);
    }

    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        self.0.read(at, into);
    }

    unsafe fn bytes(&self, _: u64, _: usize) -> &[u8] {
        panic!("nothing is lent here");
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        self.0.write(at, bytes);
    }
}
