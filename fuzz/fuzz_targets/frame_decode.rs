//! Byte streams from anywhere, in any pieces: no panic, bounded room, and a naive decoder's messages.
//!
//! `cargo fuzz run frame_decode -- -max_len=4096 -max_total_time=20`

#![no_main]

use bytes::{BufMut, Bytes};
use framewire::{ErrorKind, frame::Decoder};
use libfuzzer_sys::fuzz_target;

/// What may be reserved beyond the most that was kept, in bytes.
const AHEAD: usize = 64 * 1024;

// The first byte is the limit, the second how many bytes say how the rest is cut: each is how much
// arrives, and whether messages are taken or lent after it.
fuzz_target!(|input: &[u8]| {
    let [max_len, cuts, rest @ ..] = input else { return };
    let (cuts, stream) = rest.split_at((*cuts as usize).min(rest.len()));
    decode(stream, cuts, 4 * *max_len as usize);
});

fn decode(stream: &[u8], cuts: &[u8], max_len: usize) {
    let (expected, broken) = naive(stream, max_len);
    let mut decoder = Decoder::new().max_len(max_len);
    let mut held: Vec<Bytes> = Vec::new();
    let (mut at, mut kept, mut taken, mut count) = (0, 0, 0, 0);
    let mut cuts = cuts.iter().copied().cycle();
    let mut ended = false;
    while !ended {
        // Each read brings something, and the last step takes all.
        ended = at == stream.len();
        let cut = if ended { u8::MAX } else { cuts.next().unwrap_or(u8::MAX) };
        let space = decoder.space();
        let room = space.chunk_mut().len();
        assert!(room > 0 && room <= AHEAD + kept, "{room} where {kept} were kept");
        let most = if cut == u8::MAX { stream.len() } else { cut as usize % 64 * 4 + 1 };
        let piece = &stream[at..][..most.min(room).min(stream.len() - at)];
        space.put_slice(piece);
        at += piece.len();
        while cut >= 64 {
            let decoded = if cut >= 192 {
                decoder.with_message(Bytes::copy_from_slice)
            } else {
                decoder.message()
            };
            match decoded {
                Ok(Some(message)) => {
                    assert_eq!(message, expected[count]);
                    taken += 4 + message.len();
                    count += 1;
                    if cut % 2 == 0 {
                        held.push(message);
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TooLarge);
                    assert!(broken && count == expected.len());
                    break;
                }
            }
        }
        if cut % 16 == 1 {
            held.clear();
        }
        kept = kept.max(at - taken);
    }
    assert_eq!(count, expected.len());
    assert_eq!(decoder.finish().is_ok(), taken == at);
    assert_eq!(decoder.into_leftover(), &stream[taken..]);
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
