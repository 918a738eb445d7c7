//! Whatever is queued and however it is written: the frames, in order, by the rules of `Buf`.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.

use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes};
use framewire::{ErrorKind, frame::Encoder};
use proptest::{collection::vec, prelude::*};

const MAX_LEN: usize = 40_000;

#[derive(Clone, Debug)]
enum Step {
    /// Queues a body of this length.
    Message(usize),
    /// Writes up to as many bytes, of as many pieces at most.
    Write(usize, usize),
    /// Takes up to as many bytes out.
    Copy(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![
        Just(0),
        0_usize..100,
        8_190_usize..8_195,
        8_000_usize..30_000,
        Just(MAX_LEN),
        Just(MAX_LEN + 1)
    ];
    let some = prop_oneof![0_usize..10, 0_usize..10_000, 0_usize..100_000];
    let step = prop_oneof![
        3 => len.prop_map(Step::Message),
        3 => (some.clone(), 0_usize..70).prop_map(|(most, pieces)| Step::Write(most, pieces)),
        1 => some.prop_map(Step::Copy)
    ];
    vec(step, 0..60)
}

/// A body whose bytes tell it from others.
fn body(len: usize, seed: usize) -> Bytes {
    (0..len).map(|i| (i as u8).wrapping_mul(31) ^ seed as u8).collect()
}

/// What holds for a queue of these bytes at any time; the pieces it is written in.
fn check(queued: &impl Buf, expected: &[u8], pieces: usize) -> usize {
    assert_eq!(queued.remaining(), expected.len());
    assert_eq!(queued.has_remaining(), !expected.is_empty());
    assert_eq!(queued.chunk().is_empty(), expected.is_empty());
    assert!(expected.starts_with(queued.chunk()));

    let untouched = b"untouched";
    let mut slices = vec![IoSlice::new(untouched); pieces];
    let filled = queued.chunks_vectored(&mut slices);
    assert!(filled <= pieces);
    assert!(filled > 0 || pieces == 0 || expected.is_empty());
    assert!(slices[filled..].iter().all(|slice| slice.as_ptr() == untouched.as_ptr()));
    let mut rest = expected;
    for (i, slice) in slices[..filled].iter().enumerate() {
        assert!(!slice.is_empty());
        assert!(i > 0 || **slice == *queued.chunk());
        rest = rest.strip_prefix(&**slice).unwrap();
    }
    assert!(filled == pieces || rest.is_empty(), "a piece was left out");
    expected.len() - rest.len()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn what_is_queued_is_a_sound_buf(steps in steps()) {
        let mut encoder = Encoder::new().max_len(MAX_LEN);
        let mut expected = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            match *step {
                Step::Message(len) => match encoder.message(body(len, i)) {
                    Ok(()) => {
                        expected.put_u32(len as u32);
                        expected.put_slice(&body(len, i));
                    }
                    Err(error) => {
                        assert!(len > MAX_LEN);
                        assert_eq!(error.kind(), ErrorKind::TooLarge);
                    }
                },
                Step::Write(most, pieces) => {
                    let mut queued = encoder.queued();
                    let wrote = check(&queued, &expected, pieces).min(most);
                    queued.advance(wrote);
                    drop(queued);
                    expected.drain(..wrote);
                }
                Step::Copy(most) => {
                    let len = most.min(expected.len());
                    let copied = encoder.queued().copy_to_bytes(len);
                    assert!(expected.drain(..len).eq(copied));
                }
            }
            check(&encoder.queued(), &expected, 3);
            assert_eq!(encoder.is_full(), expected.len() >= 128 * 1024);
        }
        check(&encoder.queued(), &expected, 200);
        let all = encoder.queued().copy_to_bytes(expected.len());
        assert_eq!(all, expected);
    }
}
