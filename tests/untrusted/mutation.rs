//! What a hostile peer does, at random.

use std::{
    fs::File,
    os::fd::AsFd,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::net::Shutdown;

use super::{
    attacker::{Attacker, header, make_blocking, saturate, send},
    memory::{FRONT, HEAD, RX_STATE, TAIL, TX_STATE, WANT_DATA, WANT_SPACE, file},
};
use crate::support::random::mix;

const WHOLE: u64 = 1;
const FIRST: u64 = 2;
const MORE: u64 = 3;
const SEALED: u64 = 4;
const WORDS: [u64; 6] = [TAIL, TX_STATE, WANT_SPACE, HEAD, RX_STATE, WANT_DATA];

/// Numbers that depend on a seed alone.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A part of a noise that was made once.
    fn bytes(&mut self, len: u64) -> Vec<u8> {
        static NOISE: LazyLock<Vec<u8>> =
            LazyLock::new(|| (0..4096).flat_map(|n| mix(n).to_ne_bytes()).collect());

        let from = self.below(NOISE.len() as u64 - len) as usize;
        NOISE[from..from + len as usize].to_vec()
    }
}

impl Attacker {
    /// Whether the other has broken off, or left.
    pub(crate) fn is_left(&self) -> bool {
        self.theirs.load(TX_STATE) != 0 || self.theirs.load(RX_STATE) != 0
    }

    /// Does one thing. One of the same user leaves its own bell so that nobody blocks in it: such
    /// a peer could stop the whole process as well.
    pub(crate) fn mutate(&mut self, random: &mut Random, stranger: bool) {
        match random.below(100) {
            0..32 => self.behaves(random),
            32..46 => self.changes_a_word(random),
            46..52 => self.writes_anything(random),
            52..60 => self.lies_in_a_header(random),
            60..68 => self.sends_other_parts(random),
            68..74 => self.announces(random),
            74..76 => {
                self.ours.cannot_be_taken_back(true);
                self.theirs.cannot_be_taken_back(false);
            }
            76..83 => self.rings_wrong(random, stranger),
            83..90 => self.floods(random),
            90..95 => self.sends_descriptors(random),
            95..96 => {
                let how = [Shutdown::Read, Shutdown::Write, Shutdown::Both];
                let _ = rustix::net::shutdown(&self.socket, how[random.below(3) as usize]);
            }
            _ => self.races(random),
        }
        match random.below(4) {
            0 => self.ring(),
            1 => {
                self.nudge();
            }
            _ => {}
        }
        // What was done is seen by itself, or with what comes next.
        if random.below(4) == 0 {
            thread::yield_now();
        }
    }

    /// As an honest one: the connection has to be alive for the rest to hit anything.
    fn behaves(&mut self, random: &mut Random) {
        self.ours.store(HEAD, self.theirs.load(TAIL));
        if random.below(4) > 0 {
            for _ in 0..=random.below(5) {
                let len = random.below(2000);
                self.record(WHOLE, &random.bytes(len));
            }
        } else {
            let (parts, len) = (1 + random.below(4), 8 * (1 + random.below(1000)));
            let mut kind = FIRST;
            for _ in 0..parts {
                let mut body =
                    if kind == FIRST { (parts * len).to_le_bytes().to_vec() } else { Vec::new() };
                body.extend(random.bytes(len));
                if !self.record(kind, &body) {
                    break;
                }
                kind = MORE;
            }
        }
        self.ring();
        self.nudge();
    }

    fn odd(&self, random: &mut Random, now: u64) -> u64 {
        let capacity = self.ours.capacity;
        match random.below(14) {
            0 => 0,
            1 => 1,
            2 => 2,
            3 => u64::MAX,
            4 => u64::MAX - 7,
            5 => now.wrapping_sub(8),
            6 => now.wrapping_add(8),
            7 => now.wrapping_add(capacity + 8),
            8 => now.wrapping_add(capacity),
            9 => now.wrapping_add(4),
            10 => now.wrapping_add(1),
            11 => 1 << random.below(64),
            12 => now.wrapping_add(8 * random.below(capacity / 8)),
            _ => random.next(),
        }
    }

    fn changes_a_word(&mut self, random: &mut Random) {
        let word = match random.below(8) {
            0 => 8 * random.below(FRONT / 8),
            n => WORDS[n as usize % WORDS.len()],
        };
        let now = self.ours.load(word);
        let odd = self.odd(random, now);
        self.ours.store(word, odd);
        // Now and then for a moment only.
        if random.below(3) == 0 {
            self.ring();
            thread::yield_now();
            self.ours.store(word, now);
        }
    }

    fn writes_anything(&mut self, random: &mut Random) {
        let len = 8 * (1 + random.below(512));
        let bytes = random.bytes(len);
        if random.below(2) == 0 {
            // Behind what was said to be there, or under who reads it.
            let at = self.tail.wrapping_sub(8 * random.below(1000)) / 8 * 8;
            self.ours.put(at, &bytes);
        } else {
            self.ours.put(self.tail, &bytes);
            self.publish(self.tail + len);
        }
    }

    fn lies_in_a_header(&mut self, random: &mut Random) {
        let at = self.tail;
        let size = 8 * (1 + random.below(300));
        let len = match random.below(6) {
            0 => u64::from(u32::MAX),
            1 => size,
            2 => size - 7,
            3 => self.ours.capacity,
            4 => self.ours.capacity / 2,
            _ => random.next(),
        };
        let kinds = if random.below(4) == 0 { 1 << 16 } else { 6 };
        let kind = random.below(kinds);
        let mark = if random.below(4) == 0 { at + 8 * random.below(9) } else { at };
        self.ours.put(at, &header(mark, kind, len).to_ne_bytes());
        self.publish(at + size);
    }

    fn sends_other_parts(&mut self, random: &mut Random) {
        let now = 8 * random.below(500);
        let total = match random.below(6) {
            0 => 0,
            1 => now + 1,
            2 => now.saturating_sub(1),
            3 => 1 << 20,
            4 => (1 << 20) + 1,
            _ => random.next(),
        };
        let mut body = total.to_le_bytes().to_vec();
        body.extend(random.bytes(now));
        // A part that is too short to say how many there are.
        body.truncate(if random.below(8) == 0 { random.below(8) as usize } else { body.len() });
        if random.below(3) > 0 {
            self.record(FIRST, &body);
        }
        for _ in 0..random.below(4) {
            let len = if random.below(4) == 0 { 0 } else { random.below(3000) };
            self.record(MORE, &random.bytes(len));
        }
    }

    /// Messages elsewhere, which do not come, or are not what was said.
    fn announces(&mut self, random: &mut Random) {
        let len = random.below(10_000);
        if random.below(3) > 0 {
            let other = if random.below(2) == 0 { len } else { random.below(20_000) };
            let memory = file(other);
            if random.below(2) == 0 {
                use rustix::fs::SealFlags;
                let seals =
                    SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
                rustix::fs::fcntl_add_seals(&memory, seals).unwrap();
            }
            send(&self.socket, &[1], &[memory.as_fd()]);
        }
        let said = if random.below(8) == 0 { random.next() } else { len };
        let mut body = said.to_le_bytes().to_vec();
        body.resize(if random.below(8) == 0 { random.below(40) as usize } else { 8 }, 0);
        self.record(SEALED, &body);
    }

    fn rings_wrong(&mut self, random: &mut Random, stranger: bool) {
        match random.below(9) {
            0 => self.our_bell = None,
            1 => self.their_bell = None,
            2 => self.their_bell.iter().for_each(saturate),
            3 => self.their_bell.iter().for_each(make_blocking),
            4 => self.our_bell.iter().for_each(saturate),
            5 if stranger => self.our_bell.iter().for_each(make_blocking),
            6 if stranger => {
                self.our_bell.iter().for_each(saturate);
                self.our_bell.iter().for_each(make_blocking);
            }
            7 => {
                if let Some(bell) = &self.our_bell {
                    if rustix::fs::fcntl_getfl(bell).unwrap().contains(rustix::fs::OFlags::NONBLOCK)
                    {
                        let _ = rustix::io::read(bell, &mut [0; 8]);
                    }
                }
            }
            _ => (0..random.below(500)).for_each(|_| self.ring()),
        }
    }

    fn floods(&mut self, random: &mut Random) {
        let many = random.below(200);
        match random.below(4) {
            0 => {
                send(&self.socket, &[], &[]);
            }
            1 => {
                for _ in 0..many {
                    self.nudge();
                }
            }
            2 => (0..many).for_each(|_| self.ring()),
            _ => {
                let len = random.below(2000);
                send(&self.socket, &random.bytes(len), &[]);
            }
        }
    }

    fn sends_descriptors(&mut self, random: &mut Random) {
        let null = File::open("/dev/null").unwrap();
        let many = [0, 1, 2, 17][random.below(4) as usize];
        let beside = vec![null.as_fd(); many];
        let len = random.below(3);
        send(&self.socket, &random.bytes(len), &beside);
    }

    /// Changes a header, and what is behind it, while it is being read.
    fn races(&mut self, random: &mut Random) {
        let at = self.tail;
        let size = 8 * (2 + random.below(2500));
        let good = header(at, WHOLE, size - 8);
        let other = header(at, 1 + random.below(4), random.below(2 * size));
        let place = FRONT + at % self.ours.capacity;
        self.ours.store(place, good);
        let backwards = random.below(4) == 0;
        self.ours.put(at + 8, &random.bytes(16));
        self.ours.store(TAIL, at + size);
        let (ours, ended) = (&self.ours, &AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(move || {
                // Relaxed, as below: it only has to end some time.
                while !ended.load(Ordering::Relaxed) {
                    ours.store(place, other);
                    ours.store(place, good);
                    if backwards {
                        ours.store(TAIL, at);
                        ours.store(TAIL, at + size);
                    }
                }
            });
            for _ in 0..3 {
                self.ring();
                self.nudge();
                thread::yield_now();
            }
            ended.store(true, Ordering::Relaxed);
        });
        self.ours.store(place, good);
        self.publish(at + size);
    }
}
