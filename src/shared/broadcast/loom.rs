//! The log under loom: every order in which one writes and another reads, as far as it matters.
//!
//! `RUSTFLAGS="--cfg framewire_loom" cargo test --release --lib loom`. Each fence is shown to be
//! needed: without it, which is asked for in a process of its own, its model fails.

#![allow(unsafe_code)]

use std::{mem::MaybeUninit, process::Command, sync::Arc};

use ::loom::{model, sync::atomic::AtomicU64, thread};
use bytes::BytesMut;

use super::{super::Memory, *};
use crate::sync::Ordering;

/// The ring, in words: it holds two records of sixteen bytes.
const RING: usize = 8;
const WORDS: usize = 6;

struct Shared {
    words: Vec<AtomicU64>,
    ring: Vec<AtomicU64>,
}

impl Shared {
    fn new(ring: usize) -> Arc<Self> {
        let zeros = |len| (0..len).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { words: zeros(WORDS), ring: zeros(ring) })
    }

    fn place(&self, at: u64) -> &AtomicU64 {
        &self.ring[at as usize / 8 % self.ring.len()]
    }
}

// SAFETY: `read` writes all of what it is given.
unsafe impl Memory for Shared {
    fn capacity(&self) -> usize {
        8 * self.ring.len()
    }

    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        self.words[word.0 / 128].load(ordering)
    }

    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        self.words[word.0 / 128].store(value, ordering);
    }

    fn read(&self, at: u64, into: &mut [MaybeUninit<u8>]) {
        for (n, word) in into.chunks_exact_mut(8).enumerate() {
            let bytes = self.place(at + 8 * n as u64).load(Ordering::Relaxed).to_ne_bytes();
            word.copy_from_slice(&bytes.map(MaybeUninit::new));
        }
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        for (n, word) in bytes.chunks_exact(8).enumerate() {
            let word = u64::from_ne_bytes(word.try_into().unwrap());
            self.place(at + 8 * n as u64).store(word, Ordering::Relaxed);
        }
    }

    unsafe fn bytes(&self, _: u64, _: usize) -> &[u8] {
        panic!("a log is never borrowed from")
    }
}

fn message(number: u64) -> [u8; 16] {
    let mut message = [0; 16];
    message[..8].copy_from_slice(&number.to_ne_bytes());
    message[8..].copy_from_slice(&number.to_ne_bytes());
    message
}

/// The number of a message, which is whole.
fn number(message: &[u8]) -> u64 {
    let number = u64::from_ne_bytes(message[..8].try_into().unwrap());
    assert_eq!(message, super::loom::message(number), "it is torn");
    number
}

/// One writes more than the ring holds, and another reads what it can of it.
fn overtakes(newest: bool) {
    model(move || {
        let shared = Shared::new(RING);
        let mut writer = Writer::new(Arc::clone(&shared));
        writer.write(&message(0));
        let mut reader = Reader::new(shared, (0, 0), newest);
        let writing = thread::spawn(move || {
            for n in 1..4 {
                writer.write(&message(n));
            }
        });
        let (mut next, mut buffer) = (0, BytesMut::new());
        for _ in 0..2 {
            match reader.next(&mut buffer).expect("the writer is sound") {
                Found::Message => {
                    let number = number(&buffer);
                    assert!(number == next || newest && number > next);
                    next = number + 1;
                }
                Found::Lagged(lost) => next += lost,
                _ => {}
            }
        }
        writing.join().unwrap();
    });
}

/// One waits to be woken, and another writes: it is woken, or it finds what was written.
fn is_woken() {
    model(|| {
        let (shared, page) = (Shared::new(RING), Shared::new(1));
        let mut writer = Writer::new(Arc::clone(&shared));
        let follower = writer.follower(Arc::clone(&page), 0);
        let mut reader = Reader::new(shared, (0, 0), false);
        // The page says nothing of where it is then: it waits for what comes next.
        writer.write(&message(0));
        writer.tell();
        let mut buffer = BytesMut::new();
        assert_eq!(reader.next(&mut buffer).unwrap(), Found::Message);
        let writing = thread::spawn(move || {
            writer.write(&message(1));
            writer.tell().is_some_and(|told| follower.waits_in(told))
        });
        reader.wait(&page);
        let found = reader.next(&mut buffer).unwrap() == Found::Message;
        let woken = writing.join().unwrap();
        assert!(found || woken, "it sleeps for good");
    });
}

/// One waits for room, and another makes some: it is woken, or it finds that there is room.
fn has_room(release: fn(&mut Reader<Arc<Shared>>, &Arc<Shared>) -> bool) {
    model(move || {
        let (shared, page) = (Shared::new(RING), Shared::new(1));
        let mut writer = Writer::new(Arc::clone(&shared));
        let mut follower = writer.follower(Arc::clone(&page), 0);
        writer.write(&message(0));
        writer.write(&message(1));
        let mut reader = Reader::new(shared, (0, 0), false);
        let reading = thread::spawn(move || {
            let mut buffer = BytesMut::new();
            assert_eq!(reader.next(&mut buffer).unwrap(), Found::Message);
            release(&mut reader, &page)
        });
        let (floor, tail) = (writer.floor(16), writer.tail());
        writer.want_space(floor);
        let room = follower.is_at(floor, tail).unwrap();
        let woken = reading.join().unwrap();
        assert!(room || woken, "it sleeps for good");
    });
}

#[test]
fn nothing_torn_is_read() {
    overtakes(false);
}

#[test]
fn nothing_torn_is_read_of_the_newest() {
    overtakes(true);
}

#[test]
fn who_waits_is_woken() {
    is_woken();
}

#[test]
fn who_waits_for_room_is_woken() {
    has_room(|reader, page| reader.release(page));
}

#[test]
fn who_waits_for_room_is_woken_by_one_that_goes_to_sleep() {
    has_room(|reader, page| reader.wait(page));
}

/// Runs a model in a process of its own without one of the fences, and expects it to fail.
fn fails(name: &str, without: &str) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("shared::broadcast::loom::{name}")]);
    let output = command.env("FRAMEWIRE_LOOM_WITHOUT", without).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("running 1 test"), "{said}");
    assert!(!output.status.success(), "{name} does without the fence of {without}");
}

#[test]
fn no_fence_is_too_many() {
    fails("nothing_torn_is_read", "write");
    fails("nothing_torn_is_read", "is_whole");
    fails("who_waits_is_woken", "tell");
    fails("who_waits_is_woken", "wait");
    fails("who_waits_for_room_is_woken", "want_space");
    fails("who_waits_for_room_is_woken", "release");
    fails("who_waits_for_room_is_woken_by_one_that_goes_to_sleep", "wait");
}
