//! Whatever is done to the two ends: what a queue would hand out, and whoever sleeps is woken.

use std::{collections::VecDeque, sync::Arc};

use proptest::{collection::vec, prelude::*};

use super::{
    super::{
        Item, Memory, Reader, Region, Writer,
        words::{HEAD, TAIL},
    },
    Ends, body,
};
use crate::{Error, ErrorKind, sync::Ordering};

const CAPACITY: usize = 64 * 1024;
const RECORD: usize = CAPACITY / 2 - 8;
const PART: usize = CAPACITY / 4 - 16;

#[derive(Clone, Debug)]
enum Op {
    /// Offers messages of this length, flushing when there is no room.
    Offer(usize, usize),
    Flush,
    Announce,
    ArmWriter,
    /// Takes so many; or lends them, or lends them where they are.
    Read(usize, u8),
    ArmReader,
    NextWriter,
    NextReader,
}

fn op() -> impl Strategy<Value = Op> {
    let edge =
        prop_oneof![Just(PART), Just(PART + 8), Just(RECORD), Just(2 * PART), Just(16 * 1024)];
    let len = prop_oneof![
        4 => 0_usize..64,
        3 => 0_usize..5000,
        2 => (edge, 0_usize..18).prop_map(|(edge, more)| (edge + more).saturating_sub(9)),
        2 => 0_usize..=3 * RECORD
    ];
    prop_oneof![
        12 => (len, prop_oneof![3 => Just(1), 1 => 1_usize..200]).prop_map(|(l, n)| Op::Offer(l, n)),
        4 => Just(Op::Flush),
        1 => Just(Op::Announce),
        3 => Just(Op::ArmWriter),
        8 => (prop_oneof![0_usize..4, Just(1000)], 0_u8..3).prop_map(|(n, how)| Op::Read(n, how)),
        3 => Just(Op::ArmReader),
        1 => Just(Op::NextWriter),
        1 => Just(Op::NextReader),
    ]
}

/// A message, and where its records are.
struct Sent {
    start: u64,
    end: u64,
    /// None: an announcement, of as many bytes as its position says.
    body: Option<Vec<u8>>,
}

struct Run {
    ends: Ends,
    writer: Writer<Arc<Region>>,
    reader: Reader<Arc<Region>>,
    /// Those that a reader may still be handed.
    sent: VecDeque<Sent>,
    /// How many of them were.
    read: usize,
    /// Behind the last that was accepted.
    at: u64,
    number: usize,
    /// What was offered and not wholly written.
    pending: Option<Vec<u8>>,
    /// Its beginning was released by a reader that is gone.
    lost: bool,
    /// How often a reader may still be told of a message that was cut off.
    cuts: usize,
    /// Who sleeps, and was not told to wake.
    writer_sleeps: bool,
    reader_sleeps: bool,
}

fn size(len: usize) -> u64 {
    (8 + len as u64).next_multiple_of(8)
}

fn elsewhere(start: u64) -> u64 {
    start % 50_000
}

/// How much of the ring a message takes, in bytes.
fn room(len: usize) -> u64 {
    if len <= RECORD {
        return size(len);
    }
    let rest = len - PART;
    let whole = size(PART) * (rest / PART) as u64;
    let last = if rest % PART > 0 { size(rest % PART) } else { 0 };
    size(8 + PART) + whole + last
}

impl Run {
    fn new() -> Self {
        let ends = Ends::new(CAPACITY);
        let (writer, reader) = (ends.writer(), ends.reader(3 * RECORD));
        Self {
            ends,
            writer,
            reader,
            sent: VecDeque::new(),
            read: 0,
            at: 0,
            number: 0,
            pending: None,
            lost: false,
            cuts: 0,
            writer_sleeps: false,
            reader_sleeps: false,
        }
    }

    fn tail(&self) -> u64 {
        self.ends.writes.0.load(TAIL, Ordering::Relaxed)
    }

    fn head(&self) -> u64 {
        self.ends.reads.0.load(HEAD, Ordering::Relaxed)
    }

    fn flush(&mut self) {
        if self.writer.flush() {
            self.reader_sleeps = false;
        }
        assert!(!self.reader_sleeps || self.tail() == self.head(), "asleep beside data");
    }

    fn accepted(&mut self, end: u64, body: Option<Vec<u8>>) {
        if !std::mem::take(&mut self.lost) {
            self.sent.push_back(Sent { start: self.at, end, body });
        }
        self.at = end;
    }

    /// `false`: there is no room.
    fn offer(&mut self, len: usize) -> bool {
        self.number += 1;
        let number = self.number;
        let message = self.pending.take().unwrap_or_else(|| body(number, len));
        if self.writer.offer(&message).unwrap() {
            self.accepted(self.at + room(message.len()), Some(message));
            return true;
        }
        assert!(self.at + room(message.len()) - self.head() > CAPACITY as u64, "there is room");
        // A message of one record of which nothing was written can be given up.
        if self.writer.is_within() || message.len() % 2 == 0 {
            self.pending = Some(message);
        }
        false
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Offer(len, count) => {
                for _ in 0..count {
                    if !self.offer(len) {
                        break;
                    }
                }
            }
            Op::Flush => self.flush(),
            Op::Announce if !self.writer.is_within() => {
                if self.writer.announce(elsewhere(self.at)).unwrap() {
                    self.accepted(self.at + 16, None);
                }
            }
            Op::Announce => {}
            Op::ArmWriter => {
                self.flush();
                let len = self.pending.as_ref().map_or(RECORD, Vec::len);
                self.writer_sleeps = self.writer.arm(len).unwrap();
            }
            Op::Read(count, how) => {
                for _ in 0..count {
                    if !self.take(how) {
                        break;
                    }
                }
            }
            Op::ArmReader => self.arm_reader(),
            Op::NextWriter => {
                self.writer = self.ends.next_writer();
                self.at = self.tail();
                self.pending = None;
                self.lost = false;
                self.cuts += 1;
                while self.sent.back().is_some_and(|sent| sent.end > self.at) {
                    self.sent.pop_back();
                }
                self.writer_sleeps = false;
                self.flush();
            }
            Op::NextReader => {
                self.reader = self.ends.next_reader(3 * RECORD);
                let head = self.head();
                self.sent.retain(|sent| sent.start >= head);
                self.read = 0;
                self.lost |= head > self.at;
                self.cuts += 1;
                self.reader_sleeps = false;
                self.take_wake();
            }
        }
    }

    fn take_wake(&mut self) {
        if self.reader.takes_wake() {
            self.writer_sleeps = false;
        }
    }

    fn arm_reader(&mut self) {
        let sleeps = self.reader.arm().unwrap();
        self.take_wake();
        if self.tail() == self.head() {
            assert!(sleeps);
            assert!(!self.writer_sleeps, "asleep beside an empty ring");
        }
        self.reader_sleeps = sleeps;
    }

    fn read_next(&mut self, how: u8) -> Result<Option<Item<Vec<u8>>>, Error> {
        let next = match how {
            0 => self.reader.next().map(|item| {
                item.map(|item| match item {
                    Item::Message(message) => Item::Message(message.to_vec()),
                    Item::Sealed(len) => Item::Sealed(len),
                })
            }),
            _ => self.reader.lend(<[u8]>::to_vec),
        };
        self.take_wake();
        next
    }

    /// `false`: there is nothing.
    fn take(&mut self, how: u8) -> bool {
        let next = match self.read_next(how) {
            Err(error) if error.kind() == ErrorKind::Truncated => {
                assert!(self.cuts > 0, "it was told before");
                self.cuts -= 1;
                return self.take(how);
            }
            next => next.unwrap(),
        };
        let head = self.head();
        let expected = self.sent.get(self.read).filter(|sent| sent.end <= self.tail());
        match (next, expected) {
            (None, None) => return false,
            (Some(Item::Message(message)), Some(Sent { body: Some(body), .. })) => {
                assert!(message == *body, "{} bytes for {}", message.len(), body.len());
            }
            (Some(Item::Sealed(len)), Some(Sent { start, body: None, .. })) => {
                assert_eq!(len, elsewhere(*start));
            }
            (next, expected) => {
                let expected = expected.map(|sent| sent.start..sent.end);
                panic!("{} for {expected:?}", if next.is_some() { "another" } else { "none" });
            }
        }
        self.read += 1;
        while self.sent.front().is_some_and(|sent| sent.end <= head) {
            assert!(self.read > 0, "released before it was handed out");
            self.sent.pop_front();
            self.read -= 1;
        }
        true
    }

    /// Everything that is left comes, and then the end.
    fn finish(mut self) {
        while self.pending.is_some() {
            self.flush();
            while self.take(0) {}
            self.arm_reader();
            self.offer(0);
        }
        self.flush();
        while self.take(1) {}
        assert_eq!(self.read, self.sent.len());
        assert_eq!(self.reader.end().unwrap(), None);
        self.writer.end(true);
        // A message that a writer left behind has no end, unless another follows.
        assert_eq!(self.reader.end().unwrap(), Some(!self.reader.is_within()));
        assert!(!self.reader.arm().unwrap());
        self.reader.leave();
        assert!(self.writer.is_deserted());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn a_ring_is_a_queue(ops in vec(op(), 1..150)) {
        let mut run = Run::new();
        for op in &ops {
            run.apply(op);
        }
        run.finish();
    }
}

/// Each length about each edge, at each place of the ring that a record can begin at about its end.
#[test]
fn every_length_beside_the_end() {
    let ends = Ends::new(CAPACITY);
    let (mut writer, mut reader) = (ends.writer(), ends.reader(CAPACITY));
    let mut at = 0;
    for len in (0..=40).chain(RECORD - 9..=RECORD + 9).chain([2 * PART, 3 * PART, CAPACITY]) {
        for before in (0..48).step_by(8) {
            // To where the next record begins so many bytes before the end of the ring.
            let end = CAPACITY as u64;
            let gap = (2 * end - before - at % end) % end;
            for gap in [gap / 2 / 8 * 8, gap - gap / 2 / 8 * 8].into_iter().filter(|gap| *gap > 0) {
                send(&mut writer, &mut reader, &body(1, gap as usize - 8));
                at += gap;
            }
            send(&mut writer, &mut reader, &body(len, len));
            at += room(len);
            assert_eq!(ends.writes.0.load(TAIL, Ordering::Relaxed), at);
        }
    }
}

fn send(writer: &mut Writer<Arc<Region>>, reader: &mut Reader<Arc<Region>>, message: &[u8]) {
    let mut read = None;
    while !writer.offer(message).unwrap() {
        let _ = writer.flush();
        read = reader.next().unwrap();
        assert!(read.is_none() && reader.is_within());
        let _ = reader.arm().unwrap();
    }
    let _ = writer.flush();
    let read = read.or_else(|| reader.next().unwrap());
    let Some(Item::Message(read)) = read else { panic!("{read:?}") };
    assert!(read == message, "{} bytes", message.len());
    assert_eq!(reader.next().unwrap(), None);
    let _ = reader.arm().unwrap();
}
