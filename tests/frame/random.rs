//! Any messages in any pieces, against what tokio-util makes of them.

use bytes::{Bytes, BytesMut};
use framewire::{
    ErrorKind,
    frame::{Decoder, Frames},
};
use futures::{SinkExt, StreamExt, executor::block_on};
use proptest::{collection::vec, prelude::*};
use tokio_test::io::Builder;
use tokio_util::codec::{Decoder as _, Encoder as _, LengthDelimitedCodec};

use super::frame;

fn bodies() -> impl Strategy<Value = Vec<Bytes>> {
    let small = vec(any::<u8>(), 0..40);
    let large = (any::<u8>(), 0..40_000_usize).prop_map(|(byte, len)| vec![byte; len]);
    vec(prop_oneof![4 => small, 1 => large].prop_map(Bytes::from), 0..20)
}

/// Runs what needs a reactor for nothing.
fn run<T>(part: impl Future<Output = T>) -> T {
    block_on(part)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn messages_come_out_as_they_went_in(bodies in bodies(), cuts in vec(1..5000_usize, 1..50)) {
        let wire: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        let mut mock = Builder::new();
        let mut rest = &wire[..];
        for cut in cuts.iter().cycle() {
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            if piece.is_empty() {
                break;
            }
            mock.read(piece);
            rest = behind;
        }
        let received: Vec<Bytes> = run(Frames::new(mock.build()).map(Result::unwrap).collect());
        prop_assert!(received == bodies);
    }

    #[test]
    fn the_wire_is_that_of_tokio_utils_codec(bodies in bodies()) {
        let mut theirs = BytesMut::new();
        for body in &bodies {
            LengthDelimitedCodec::new().encode(body.clone(), &mut theirs).unwrap();
        }
        let mut ours = Frames::new(Vec::new());
        run(async {
            for body in &bodies {
                ours.feed(body.clone()).await.unwrap();
            }
            ours.flush().await.unwrap();
        });
        prop_assert!(theirs == ours.get_ref()[..]);
        for body in &bodies {
            prop_assert_eq!(&LengthDelimitedCodec::new().decode(&mut theirs).unwrap().unwrap(), body);
        }
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_is_whole_messages_and_a_truncation(bodies in bodies(), at in 0.0..1.0) {
        let wire: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        let cut = (wire.len() as f64 * at) as usize;
        let mut received = run(Frames::new(&wire[..cut]).collect::<Vec<_>>());
        let mut end = 0;
        let whole = bodies.iter().take_while(|body| {
            end += 4 + body.len();
            end <= cut
        });
        let whole: Vec<_> = whole.collect();
        let carried: usize = whole.iter().map(|body| 4 + body.len()).sum();
        if carried < cut {
            let last = received.pop().expect("an error").unwrap_err();
            prop_assert_eq!(last.kind(), ErrorKind::Truncated);
        }
        let received: Vec<_> = received.into_iter().map(Result::unwrap).collect();
        prop_assert!(received.iter().eq(whole));
    }

    #[test]
    fn garbage_is_messages_and_one_error_at_most(garbage in vec(any::<u8>(), 0..2000), limit in 0..3000_usize) {
        let received = run(Frames::new(&garbage[..]).max_len(limit).collect::<Vec<_>>());
        let errors = received.iter().filter(|item| item.is_err()).count();
        prop_assert!(errors == 0 || errors == 1 && received.last().unwrap().is_err());
        prop_assert!(received.iter().flatten().all(|message| message.len() <= limit));
    }

    #[test]
    fn a_decoder_holds_what_was_put_in(pieces in vec((any::<u8>(), 0..60_000_usize), 0..20)) {
        use bytes::BufMut;

        let mut decoder = Decoder::new().max_len(usize::MAX);
        let mut all = Vec::new();
        for (byte, len) in pieces {
            prop_assert!(decoder.space().has_remaining_mut());
            decoder.space().put_bytes(byte, len);
            all.put_bytes(byte, len);
        }
        prop_assert_eq!(decoder.into_leftover(), all);
    }
}
