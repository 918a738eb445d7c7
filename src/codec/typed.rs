//! Messages as values, through a codec.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures::{
    Sink, SinkExt, Stream, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio_util::codec::{Decoder, Encoder};

use crate::{BoxError, Endpoint, Error, ErrorKind, Result, place::Place};

/// What the first value is encoded into, in bytes; further ones share it as long as they fit.
const SMALL: usize = 4 * 1024;
/// A buffer larger than this, in bytes, is given back after the message that needed it.
const LARGE: usize = 64 * 1024;

/// Values over any stream of messages (a `Stream`), sink of messages (a `Sink`), or both.
///
/// Each message is one value: the codec's `decode_eof` sees it whole. A message that the codec
/// refuses, finds no value in, or leaves bytes of, is [`Malformed`](ErrorKind::Malformed), and the
/// stream goes on with the next one: the codec is put back to where it was before. For that it is
/// cloned for each message, so that codecs should be cheap to clone. An empty message that the
/// codec finds no value in is skipped. Errors of the stream below are passed on as they are, and so
/// is its end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::{codec::Typed, frame::Frames};
/// use futures::{SinkExt, StreamExt};
/// use tokio_util::codec::LinesCodec;
///
/// let (ours, theirs) = tokio::io::duplex(64);
/// let mut ours = Typed::new(Frames::new(ours), LinesCodec::new());
/// let mut theirs = Typed::new(Frames::new(theirs), LinesCodec::new());
///
/// ours.send("hello").await?;
/// assert_eq!(theirs.next().await.transpose()?.as_deref(), Some("hello"));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// As that of what is below: receiving is cancel-safe, sending is not.
#[derive(Debug)]
pub struct Typed<T, C> {
    io: T,
    codec: C,
    place: Place,
    /// Where values are encoded, from the first one on.
    encoded: Option<BytesMut>,
    /// Where messages are copied that share their bytes with others.
    copied: BytesMut,
}

// The codec is never pinned: it is called through `&mut`.
impl<T: Unpin, C> Unpin for Typed<T, C> {}

impl<T, C> Typed<T, C> {
    /// Values of `io`'s messages.
    ///
    /// # Examples
    ///
    /// See [`Typed`].
    pub fn new(io: T, codec: C) -> Self {
        Self { io, codec, place: Place::default(), encoded: None, copied: BytesMut::new() }
    }

    /// Names the endpoint, for the codec's errors to mention.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::{Endpoint, codec::Typed, frame::Frames};
    /// use futures::StreamExt;
    /// use tokio_util::codec::LinesCodec;
    ///
    /// let endpoint: Endpoint = "unix:///tmp/e.sock".parse()?;
    /// let two_lines = Frames::new(&b"\0\0\0\x03a\nb"[..]);
    /// let mut lines = Typed::new(two_lines, LinesCodec::new()).on(endpoint);
    /// let error = lines.next().await.unwrap().unwrap_err();
    /// assert!(error.to_string().starts_with("decode unix:///tmp/e.sock: 1 byte left over"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on(mut self, endpoint: impl Into<Arc<Endpoint>>) -> Self {
        self.place.set(endpoint);
        self
    }

    /// What is below.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::codec::Typed;
    /// use tokio_util::codec::BytesCodec;
    ///
    /// let mut typed = Typed::new(7, BytesCodec::new());
    /// *typed.get_mut() += 1;
    /// assert_eq!(typed.get_ref(), &8);
    /// assert_eq!(typed.into_parts(), (8, BytesCodec::new()));
    /// ```
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// What is below, to be used: nothing is held back here.
    ///
    /// # Examples
    ///
    /// See [`get_ref`](Self::get_ref).
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// What is below, and the codec.
    ///
    /// # Examples
    ///
    /// See [`get_ref`](Self::get_ref).
    pub fn into_parts(self) -> (T, C) {
        (self.io, self.codec)
    }

    /// Its sending and its receiving half, for two tasks. Each has a codec of its own.
    ///
    /// It stands in front of [`StreamExt::split`], which would have to be told which of the types
    /// of values that the codec takes is meant.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::{codec::Typed, frame::Frames};
    /// use futures::{SinkExt, StreamExt};
    /// use tokio_util::codec::LinesCodec;
    ///
    /// let (ours, theirs) = tokio::io::duplex(64);
    /// let (mut sender, _) = Typed::new(Frames::new(ours), LinesCodec::new()).split();
    /// let (_, mut receiver) = Typed::new(Frames::new(theirs), LinesCodec::new()).split();
    /// sender.send("hello").await?;
    /// assert_eq!(receiver.next().await.transpose()?.as_deref(), Some("hello"));
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::type_complexity)] // Two names for these would say less.
    pub fn split(self) -> (Typed<SplitSink<T, Bytes>, C>, Typed<SplitStream<T>, C>)
    where
        T: Stream + Sink<Bytes>,
        C: Clone,
    {
        let (sink, stream) = self.io.split();
        let mut sender = Typed::new(sink, self.codec.clone());
        let mut receiver = Typed::new(stream, self.codec);
        (sender.place, receiver.place) = (self.place.clone(), self.place);
        (sender, receiver)
    }
}

impl<T: Sink<Bytes, Error = Error> + Unpin, C> Typed<T, C> {
    /// Sends what was fed.
    ///
    /// It stands in front of [`SinkExt::flush`], as [`split`](Self::split) does in front of its
    /// namesake.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::{codec::Typed, frame::Frames};
    /// use futures::SinkExt;
    /// use tokio_util::codec::LinesCodec;
    ///
    /// let mut lines = Typed::new(Frames::new(Vec::new()), LinesCodec::new());
    /// lines.feed("one").await?;
    /// lines.feed("two").await?;
    /// lines.flush().await?;
    /// assert_eq!(lines.get_ref().get_ref(), b"\0\0\0\x04one\n\0\0\0\x04two\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the sink below.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: what was not sent stays queued.
    pub async fn flush(&mut self) -> Result<()> {
        self.io.flush().await
    }

    /// Sends what was fed and ends our direction; the other goes on.
    ///
    /// It stands in front of [`SinkExt::close`], as [`split`](Self::split) does in front of its
    /// namesake.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::{codec::Typed, frame::Frames};
    /// use futures::StreamExt;
    /// use tokio_util::codec::LinesCodec;
    ///
    /// let (ours, theirs) = tokio::io::duplex(64);
    /// Typed::new(Frames::new(ours), LinesCodec::new()).close().await?;
    /// assert!(Frames::new(theirs).next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the sink below.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: call it again.
    pub async fn close(&mut self) -> Result<()> {
        self.io.close().await
    }
}

impl<T, C: Decoder + Clone> Typed<T, C>
where
    C::Error: Into<BoxError>,
{
    /// The value of a message; `None` where an empty one has none.
    fn decode(&mut self, message: Bytes) -> Result<Option<C::Item>> {
        let len = message.len();
        let before = self.codec.clone();
        let mut bytes = match message.try_into_mut() {
            Ok(ours) => ours,
            // Its neighbours are in the same buffer: it is copied, into one that is used again.
            Err(shared) => {
                let mut copied = mem::take(&mut self.copied);
                copied.clear();
                copied.extend_from_slice(&shared);
                copied
            }
        };
        let decoded = self.codec.decode_eof(&mut bytes);
        let left = bytes.len();
        if len.max(bytes.capacity()) <= LARGE {
            self.copied = bytes;
        }
        let error = match decoded {
            Ok(Some(value)) if left == 0 => return Ok(Some(value)),
            Ok(None) if len == 0 => return Ok(None),
            Ok(Some(_)) => {
                let bytes = if left == 1 { "byte" } else { "bytes" };
                Error::new(ErrorKind::Malformed, format!("{left} {bytes} left over by the codec"))
                    .remedy("send one value a message, with the same codec at both ends")
            }
            Ok(None) => Error::new(ErrorKind::Malformed, format!("no whole value in {len} bytes"))
                .remedy("send one value a message, with the same codec at both ends"),
            Err(error) => of_codec(error),
        };
        self.codec = before;
        Err(self.place.failed("decode", error))
    }
}

/// A codec's error as one of ours, unless it is one already.
fn of_codec(error: impl Into<BoxError>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(ours) => *ours,
        Err(cause) => Error::new(ErrorKind::Malformed, cause),
    }
}

impl<T, C> Stream for Typed<T, C>
where
    T: Stream<Item = Result<Bytes>> + Unpin,
    C: Decoder + Clone,
    C::Error: Into<BoxError>,
{
    type Item = Result<C::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let typed = self.get_mut();
        loop {
            let Some(message) = ready!(typed.io.poll_next_unpin(cx)) else {
                return Poll::Ready(None);
            };
            match message.and_then(|message| typed.decode(message)) {
                Ok(None) => {}
                other => return Poll::Ready(other.transpose()),
            }
        }
    }
}

impl<T, C, V> Sink<V> for Typed<T, C>
where
    T: Sink<Bytes, Error = Error> + Unpin,
    C: Encoder<V>,
    <C as Encoder<V>>::Error: Into<BoxError>,
{
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().io.poll_ready_unpin(cx)
    }

    /// Encodes the value and sends its message; nothing where the codec refuses it, which is
    /// [`Malformed`](ErrorKind::Malformed) as well.
    fn start_send(self: Pin<&mut Self>, value: V) -> Result<()> {
        let typed = self.get_mut();
        let encoded = typed.encoded.get_or_insert_with(|| BytesMut::with_capacity(SMALL));
        if let Err(error) = typed.codec.encode(value, encoded) {
            encoded.clear();
            return Err(typed.place.refused("encode", of_codec(error)));
        }
        let message = encoded.split().freeze();
        if message.len() > LARGE {
            typed.encoded = None;
        }
        typed.io.start_send_unpin(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().io.poll_flush_unpin(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().io.poll_close_unpin(cx)
    }
}
