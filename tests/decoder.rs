//! Whatever a byte stream holds and however it is cut: what a naive decoder makes of it.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.

use bytes::{BufMut, Bytes};
use framewire::{ErrorKind, frame::Decoder};
use proptest::{collection::vec, prelude::*};

/// What may be reserved beyond the most that was ever kept, in bytes.
const AHEAD: usize = 64 * 1024;
/// The largest buffer for frames that need no larger one.
const LARGE: usize = 256 << 10;

/// What is done between two reads.
#[derive(Clone, Debug)]
struct Step {
    /// The most that the next read brings, in bytes.
    read: usize,
    /// Messages that are taken afterwards.
    take: usize,
    /// Whether they are only looked at.
    lend: bool,
    /// How many of the messages that are held are dropped.
    drop: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let read = prop_oneof![1_usize..8, 1_usize..5000, 1_usize..200_000];
    let take = prop_oneof![3 => Just(usize::MAX), 1 => 0_usize..3];
    let step = (read, take, any::<bool>(), 0_usize..4);
    vec(step.prop_map(|(read, take, lend, drop)| Step { read, take, lend, drop }), 1..40)
}

/// A stream of frames, whole ones to begin with.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![
        4 => 0_usize..20,
        4 => 0_usize..3000,
        2 => 8_000_usize..70_000,
        1 => 200_000_usize..700_000
    ];
    (vec((len, any::<u8>()), 0..30), vec(any::<u8>(), 0..20)).prop_map(|(frames, tail)| {
        let mut stream = Vec::new();
        for (len, seed) in frames {
            stream.put_u32(len as u32);
            stream.extend((0..len).map(|i| (i as u8).wrapping_mul(31) ^ seed));
        }
        stream.extend(tail);
        stream
    })
}

/// The bodies, and whether one that is too long comes behind them.
fn naive(mut stream: &[u8], max_len: usize) -> (Vec<&[u8]>, bool) {
    let mut bodies = Vec::new();
    while let Some((prefix, rest)) = stream.split_first_chunk() {
        let len = u32::from_be_bytes(*prefix) as usize;
        if len > max_len {
            return (bodies, true);
        }
        let Some((body, rest)) = rest.split_at_checked(len) else { break };
        bodies.push(body);
        stream = rest;
    }
    (bodies, false)
}

/// A decoder beside what it is to bring.
struct Run<'a> {
    decoder: Decoder,
    expected: std::vec::IntoIter<&'a [u8]>,
    broken: bool,
    held: Vec<(Bytes, &'a [u8])>,
    arrived: usize,
    taken: usize,
    /// The most that had arrived and was not taken.
    kept: usize,
}

impl Run<'_> {
    fn read(&mut self, stream: &[u8], most: usize) {
        let space = self.decoder.space();
        let room = space.chunk_mut().len();
        assert!(room > 0, "no space");
        self.kept = self.kept.max(self.arrived - self.taken);
        // Beyond what is kept, only a buffer of a size that the stream has filled before.
        assert!(room <= AHEAD + self.arrived, "{room} where {} arrived", self.arrived);
        assert!(room <= LARGE.max(AHEAD + self.kept), "{room} where {} were kept", self.kept);
        let bytes = &stream[self.arrived..];
        let bytes = &bytes[..bytes.len().min(most).min(room)];
        space.put_slice(bytes);
        self.arrived += bytes.len();
    }

    /// Whether a message was there.
    fn take(&mut self, lend: bool) -> bool {
        let taken = if lend {
            let next = self.expected.as_slice().first().copied();
            let same = self.decoder.with_message(|body| Some(body) == next);
            same.map(|same| same.map(|same| assert!(same)).is_some())
        } else {
            self.decoder.message().map(|message| {
                let Some(message) = message else { return false };
                self.held.push((message, self.expected.as_slice()[0]));
                true
            })
        };
        match taken {
            Ok(true) => {
                self.taken += 4 + self.expected.next().unwrap().len();
                true
            }
            Ok(false) => {
                let next = self.expected.as_slice().first();
                let whole = next.is_some_and(|body| self.taken + 4 + body.len() <= self.arrived);
                assert!(!whole, "a whole message was not handed out");
                false
            }
            Err(error) => {
                assert!(self.broken && self.expected.as_slice().is_empty(), "{error}");
                assert_eq!(error.kind(), ErrorKind::TooLarge);
                false
            }
        }
    }
}

fn decodes(stream: &[u8], steps: &[Step], max_len: usize) {
    let (expected, broken) = naive(stream, max_len);
    let mut run = Run {
        decoder: Decoder::new().max_len(max_len),
        expected: expected.into_iter(),
        broken,
        held: Vec::new(),
        arrived: 0,
        taken: 0,
        kept: 0,
    };
    for step in steps.iter().cycle() {
        run.read(stream, step.read);
        for _ in 0..step.take {
            if !run.take(step.lend) {
                break;
            }
        }
        for _ in 0..step.drop.min(run.held.len()) {
            let (message, expected) = run.held.swap_remove(step.read % run.held.len());
            assert_eq!(message, expected);
        }
        if run.arrived == stream.len() {
            break;
        }
    }
    while run.take(false) {}
    assert!(run.expected.as_slice().is_empty());
    for (message, expected) in &run.held {
        assert_eq!(message, expected);
    }
    assert_eq!(run.decoder.finish().is_ok(), run.taken == stream.len());
    assert_eq!(run.decoder.into_leftover(), &stream[run.taken..]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn frames_in_any_pieces(stream in stream(), steps in steps()) {
        decodes(&stream, &steps, 1 << 20);
    }

    #[test]
    fn frames_of_which_some_are_too_long(stream in stream(), steps in steps(), max in 0_usize..9000) {
        decodes(&stream, &steps, max);
    }

    #[test]
    fn any_bytes(stream in vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..2000), steps in steps()) {
        decodes(&stream, &steps, 300);
    }
}

/// Whoever takes no message before the next read has room all the same.
#[test]
fn what_is_not_taken_is_kept() {
    let mut decoder = Decoder::new();
    let mut arrived = 0;
    while arrived < 1 << 20 {
        let space = decoder.space();
        let room = space.chunk_mut().len();
        assert!(room > 0 && room <= (AHEAD + arrived).min(LARGE));
        space.put_bytes(0, room);
        arrived += room;
    }
    for _ in 0..arrived / 4 {
        assert_eq!(decoder.message().unwrap().unwrap(), "");
    }
}

/// A peer that announces much and sends it bit by bit does not have it copied each time.
#[test]
fn a_frame_in_small_pieces_stays_where_it_is() {
    let mut decoder = Decoder::new();
    decoder.space().put_u32(4 << 20);
    let mut moves = 0;
    let mut last = 0;
    for _ in 0..20_000 {
        let space = decoder.space();
        let room = space.chunk_mut().len();
        // Whatever it was given, it has one byte less of it than before, or was given it anew.
        moves += u32::from(room + 1 != last);
        last = room;
        space.put_u8(0);
    }
    assert!(moves < 10, "{moves} buffers for 20 KB");
}
