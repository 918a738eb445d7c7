//! Peers that do not keep to the envelope.

use framewire::{ErrorKind, mq};
use futures::{SinkExt, StreamExt};

use super::{
    common::{random, within},
    subject::{Name, small},
};

/// What is no row of messages, and how many good ones it has in front.
const WRONG: [(&[u8], usize); 7] = [
    (b"", 0),
    (b"abc", 0),
    (b"\0\0\0\x05four", 0),
    (b"\0\0\0\x01a\0\0\0\x01b\0\0\0\x02c", 2),
    (b"\x7f\xff\xff\xff", 0),
    (b"\x80\0\0\x01short", 0),
    (b"\0\0\0\0\xff\xff\xff\xff0123456789abcdef", 1),
];

/// One error each, and the receiver goes on: it has other senders as well.
#[tokio::test]
async fn a_receiver_tells_and_goes_on() {
    for options in [small().packed(), small().spill(1000)] {
        let name = Name::new();
        let mut receiver = options.receiver(&*name).await.unwrap();
        let mut raw = small().sender(&*name).await.unwrap();
        let mut good = options.sender(&*name).await.unwrap();
        for (wrong, before) in WRONG {
            raw.send(wrong.into()).await.unwrap();
            good.send("good".into()).await.unwrap();
            for _ in 0..before {
                within(receiver.next()).await.unwrap().unwrap();
            }
            let error = within(receiver.next()).await.unwrap().unwrap_err();
            // A file that is not there is another matter.
            let kinds = [ErrorKind::Malformed, ErrorKind::NotFound];
            assert!(kinds.contains(&error.kind()), "{wrong:?}: {error}");
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "good");
        }
    }
}

/// Who is at the other end of a connection is alone there: it ends.
#[tokio::test]
async fn a_connection_tells_and_ends() {
    for (wrong, before) in WRONG {
        let name = Name::new();
        let mut listener = small().packed().listen(&*name).await.unwrap();
        let mut raw = small().connect(&*name).await.unwrap();
        raw.send(wrong.into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        for _ in 0..before {
            within(server.next()).await.unwrap().unwrap();
        }
        let error = within(server.next()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(within(server.next()).await.is_none());
    }
}

#[tokio::test]
async fn whatever_comes_nothing_breaks() {
    let name = Name::new();
    let mut receiver = small().packed().spill(1000).receiver(&*name).await.unwrap();
    let mut raw = small().sender(&*name).await.unwrap();
    for seed in 0..2000 {
        let mut bytes = random(seed, seed as usize % 65).to_vec();
        // Small first bytes, so that some of it looks like lengths.
        if seed % 2 == 0 {
            bytes.iter_mut().for_each(|byte| *byte &= 3);
            bytes.iter_mut().step_by(2).for_each(|byte| *byte = 0);
        }
        raw.send(bytes.clone().into()).await.unwrap();
        raw.send(b"\0\0\0\x07the end"[..].into()).await.unwrap();
        let mut carried = 0;
        loop {
            match within(receiver.next()).await.unwrap() {
                Ok(message) if message == "the end" => break,
                Ok(message) => carried += 4 + message.len(),
                Err(_) => {}
            }
        }
        assert!(carried <= bytes.len());
    }
}

/// The answer names what to do about it.
#[tokio::test]
async fn one_end_alone_with_an_envelope_is_told() {
    let name = Name::new();
    let mut receiver = small().packed().receiver(&*name).await.unwrap();
    let mut sender = mq::sender(&*name).await.unwrap();
    sender.send("plain text".into()).await.unwrap();
    let error = within(receiver.next()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("at both ends"), "{error}");
}
