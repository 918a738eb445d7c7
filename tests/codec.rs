//! Messages as values, through codecs of tokio-util's and our own.

#![allow(clippy::unwrap_used)] // The functions that tests share are tests as well.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use framewire::{
    BoxDuplex, Endpoint, Error, ErrorKind, Result,
    codec::Typed,
    frame::{Encoder as FrameEncoder, Frames},
};
use futures::{Sink, SinkExt, Stream, StreamExt, stream};
use tokio::io::{DuplexStream, duplex};
use tokio_util::codec::{BytesCodec, Decoder, Encoder, LengthDelimitedCodec, LinesCodec};

/// Values over these messages.
fn values<C: Decoder + Clone>(
    messages: &[&'static [u8]],
    codec: C,
) -> Typed<impl Stream<Item = Result<Bytes>> + Unpin + use<C>, C> {
    let messages: Vec<_> = messages.iter().map(|body| Ok(Bytes::from_static(body))).collect();
    Typed::new(stream::iter(messages), codec)
}

fn pair<C: Clone>(codec: C) -> [Typed<Frames<DuplexStream>, C>; 2] {
    let (ours, theirs) = duplex(1 << 16);
    [ours, theirs].map(|io| Typed::new(Frames::new(io), codec.clone()))
}

#[tokio::test]
async fn lines_both_ways() {
    let [mut ours, mut theirs] = pair(LinesCodec::new());
    ours.feed("hello").await.unwrap();
    ours.feed(String::new()).await.unwrap();
    ours.close().await.unwrap();
    assert_eq!(theirs.next().await.unwrap().unwrap(), "hello");
    assert_eq!(theirs.next().await.unwrap().unwrap(), "");
    assert!(theirs.next().await.is_none());
    // Half-close: the other direction goes on.
    theirs.send("still here").await.unwrap();
    assert_eq!(ours.next().await.unwrap().unwrap(), "still here");
}

#[tokio::test]
async fn bytes_come_through_copied_or_not() {
    let [mut ours, mut theirs] = pair(BytesCodec::new());
    for len in [1, 100, 5_000, 200_000] {
        let body = Bytes::from(vec![7; len]);
        let (sent, arrived) = tokio::join!(ours.send(body.clone()), theirs.next());
        sent.unwrap();
        assert_eq!(arrived.unwrap().unwrap(), body);
    }
    // A message that is nobody else's is taken over as it is.
    let body = Bytes::from(vec![1; 100]);
    let place = body.as_ptr();
    let mut typed = Typed::new(stream::iter([Ok(body)]), BytesCodec::new());
    assert_eq!(typed.next().await.unwrap().unwrap().as_ptr(), place);
}

#[tokio::test]
async fn a_malformed_value_harms_no_other() {
    let messages: [&[u8]; 4] = [b"good", b"\xff\xfe", b"two\nlines", b"good again\n"];
    let endpoint: Endpoint = "unix:///tmp/e.sock".parse().unwrap();
    let mut lines = values(&messages, LinesCodec::new()).on(endpoint.clone());
    assert_eq!(lines.next().await.unwrap().unwrap(), "good");
    for _ in 0..2 {
        let error = lines.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(error.endpoint(), Some(&endpoint));
        assert!(error.to_string().starts_with("decode unix:///tmp/e.sock: "), "{error}");
    }
    assert_eq!(lines.next().await.unwrap().unwrap(), "good again");
    assert!(lines.next().await.is_none());
}

#[tokio::test]
async fn a_codec_forgets_what_it_learnt_from_a_malformed_value() {
    // The first message announces five bytes and has three: the next is not their continuation.
    let messages: [&[u8]; 2] = [b"\0\0\0\x05abc", b"\0\0\0\x01a"];
    let mut bodies = values(&messages, LengthDelimitedCodec::new());
    assert_eq!(bodies.next().await.unwrap().unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(bodies.next().await.unwrap().unwrap(), "a");

    // A codec that discards up to the next newline finds itself in a new message instead.
    let mut lines = values(&[b"far too long", b"ok"], LinesCodec::new_with_max_length(4));
    assert_eq!(lines.next().await.unwrap().unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(lines.next().await.unwrap().unwrap(), "ok");
}

#[tokio::test]
async fn left_over_bytes_and_missing_values_are_told() {
    let messages: [&[u8]; 4] = [b"\0\0\0\x01ab", b"", b"\0\0", b"\0\0\0\0"];
    let mut bodies = values(&messages, LengthDelimitedCodec::new());
    let left = bodies.next().await.unwrap().unwrap_err();
    assert_eq!(left.kind(), ErrorKind::Malformed);
    assert!(left.to_string().starts_with("decode: 1 byte left over"), "{left}");
    // The empty message has no value and is none; the one behind it is cut off.
    let short = bodies.next().await.unwrap().unwrap_err();
    assert_eq!(short.kind(), ErrorKind::Malformed);
    assert_eq!(bodies.next().await.unwrap().unwrap(), "");
    assert!(bodies.next().await.is_none());

    let mut lines = values(&[b"\r"], LinesCodec::new());
    let none = lines.next().await.unwrap().unwrap_err();
    assert!(none.to_string().starts_with("decode: no whole value in 1 bytes"), "{none}");
}

#[tokio::test]
async fn ends_behind_an_error_of_the_transport() {
    let mut truncated = FrameEncoder::new();
    truncated.message("whole\n".into()).unwrap();
    truncated.message("cut off\n".into()).unwrap();
    let wire = truncated.queued().copy_to_bytes(16);
    let mut lines = Typed::new(Frames::new(&wire[..]), LinesCodec::new());
    assert_eq!(lines.next().await.unwrap().unwrap(), "whole");
    let error = lines.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert!(lines.next().await.is_none());
}

/// Numbers of one byte, in a codec that can refuse and that says so with an error of ours.
#[derive(Clone)]
struct Digits;

impl Encoder<u32> for Digits {
    type Error = Error;

    fn encode(&mut self, value: u32, message: &mut BytesMut) -> Result<()> {
        message.put_u8(b'#');
        match char::from_digit(value, 10) {
            Some(digit) => message.put_u8(digit as u8),
            None => return Err(Error::new(ErrorKind::Unsupported, "more than one digit")),
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_encoded_is_not_sent() {
    let mut digits = Typed::new(Frames::new(Vec::new()), Digits);
    digits.feed(1).await.unwrap();
    let error = digits.feed(10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "the codec's own error was lost");
    assert_eq!(error.to_string(), "encode: more than one digit");
    digits.feed(2).await.unwrap();
    digits.flush().await.unwrap();
    assert_eq!(digits.get_ref().get_ref(), b"\0\0\0\x02#1\0\0\0\x02#2");
}

#[tokio::test]
async fn too_large_a_value_leaves_the_sink_usable() {
    let (ours, theirs) = duplex(1 << 16);
    let mut ours = Typed::new(Frames::new(ours).max_len(8), LinesCodec::new());
    let mut theirs = Typed::new(Frames::new(theirs), LinesCodec::new());
    assert_eq!(ours.send("too large").await.unwrap_err().kind(), ErrorKind::TooLarge);
    ours.send("fits").await.unwrap();
    assert_eq!(theirs.next().await.unwrap().unwrap(), "fits");
}

#[tokio::test]
async fn splits_over_two_tasks_and_boxes() {
    let (ours, theirs) = duplex(64);
    let (ours, theirs): (BoxDuplex, BoxDuplex) =
        (Box::pin(Frames::new(ours)), Box::pin(Frames::new(theirs)));
    let (sink, stream) = Typed::new(theirs, LinesCodec::new()).split();
    let echoing = tokio::spawn(stream.forward(sink));
    let (mut sink, stream) = Typed::new(ours, LinesCodec::new()).split();
    let sending = tokio::spawn(async move {
        for number in 0..1000 {
            sink.feed(number.to_string()).await?;
        }
        sink.close().await
    });
    let lines: Vec<_> = stream.map(|line| line.unwrap()).collect().await;
    assert!(
        lines.iter().map(String::as_str).eq((0..1000).map(|n| n.to_string()).collect::<Vec<_>>())
    );
    sending.await.unwrap().unwrap();
    echoing.await.unwrap().unwrap();
}

#[test]
fn is_send_and_unpin() {
    fn check<T: Send + Unpin>(_: &T) {}
    let [mut ours, _theirs] = pair(LinesCodec::new());
    check(&ours);
    check(&ours.next());
    check(&Typed::new((), std::marker::PhantomPinned));
    fn sends(_: impl Send) {}
    sends(ours.send(""));
    sends(ours.close());
    let _: Box<dyn Sink<String, Error = Error> + Send + Unpin> = Box::new(ours);
}

#[cfg(any(feature = "json", feature = "postcard"))]
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Command {
    Seek { to: u64 },
    Say(String),
    Stop,
}

#[cfg(any(feature = "json", feature = "postcard"))]
fn commands() -> Vec<Command> {
    vec![Command::Seek { to: u64::MAX }, Command::Say("x".repeat(100_000)), Command::Stop]
}

#[cfg(feature = "json")]
mod json {
    use framewire::codec::Json;

    use super::*;

    #[tokio::test]
    async fn values_both_ways() {
        let [mut ours, mut theirs] = pair(Json::<Command>::new());
        for command in commands() {
            let (sent, arrived) = tokio::join!(ours.send(command.clone()), theirs.next());
            sent.unwrap();
            assert_eq!(arrived.unwrap().unwrap(), command);
        }
    }

    #[tokio::test]
    async fn two_types() {
        let (ours, theirs) = duplex(1024);
        let mut client = Typed::new(Frames::new(ours), Json::<Vec<u8>, Command>::new());
        let mut server = Typed::new(Frames::new(theirs), Json::<Command, Vec<u8>>::new());
        client.send(Command::Stop).await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Command::Stop);
        server.send(vec![1, 2]).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn bad_documents_then_a_good_one() {
        let deep = "[".repeat(100_000).leak();
        let bad: [&[u8]; 6] = [b"", b"{", b"7 8", b"\"text\"", b"\xff", deep.as_bytes()];
        let mut numbers = values(&[&bad[..], &[b" 9\n"]].concat(), Json::<u32>::new());
        for body in bad {
            let error = numbers.next().await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{body:?}");
        }
        assert_eq!(numbers.next().await.unwrap().unwrap(), 9);
        assert!(numbers.next().await.is_none());
    }

    #[tokio::test]
    async fn a_value_without_a_form_is_told() {
        type Keyed = std::collections::BTreeMap<Vec<u8>, u8>;
        let mut typed = Typed::new(Frames::new(Vec::new()), Json::<Keyed>::new());
        let error = typed.send(Keyed::from([(vec![1], 1)])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().starts_with("encode: "), "{error}");
        typed.send(Keyed::new()).await.unwrap();
        assert_eq!(typed.get_ref().get_ref(), b"\0\0\0\x02{}");
    }
}

#[cfg(feature = "postcard")]
mod postcard {
    use framewire::codec::Postcard;

    use super::*;

    #[tokio::test]
    async fn values_both_ways() {
        let [mut ours, mut theirs] = pair(Postcard::<Command>::new());
        for command in commands() {
            let (sent, arrived) = tokio::join!(ours.send(command.clone()), theirs.next());
            sent.unwrap();
            assert_eq!(arrived.unwrap().unwrap(), command);
        }
    }

    #[tokio::test]
    async fn an_empty_message_is_a_value_without_content() {
        let [mut ours, mut theirs] = pair(Postcard::<()>::new());
        ours.send(()).await.unwrap();
        theirs.next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn bad_values_then_a_good_one() {
        // No such variant; cut off; a byte too many; a text of 4 GiB that is not there.
        let bad: [&[u8]; 5] = [b"", b"\x07", b"\0", b"\x02\0", b"\x01\xff\xff\xff\xff\x0f"];
        let mut commands = values(&[&bad[..], &[b"\x02"]].concat(), Postcard::<Command>::new());
        for body in bad {
            let error = commands.next().await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{body:?}");
        }
        assert_eq!(commands.next().await.unwrap().unwrap(), Command::Stop);
        assert!(commands.next().await.is_none());
    }
}
