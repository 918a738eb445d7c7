//! A byte stream as a `Stream` and `Sink` of messages.

mod sending;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;
use tokio::{io::AsyncRead, task::coop};
use tokio_util::io::poll_read_buf;

#[cfg(unix)]
pub(crate) use self::sending::LINGER;
use super::{Decoder, Encoder};
use crate::{
    Endpoint, Result,
    place::Place,
    turn::{RUN, Turn},
};

/// Messages over any `AsyncRead` (a `Stream`), `AsyncWrite` (a `Sink`), or both.
///
/// The stream ends with `None` where the peer closed between two frames. It yields one error, then
/// `None`, where the byte stream broke, ended inside a frame, or announced a message that is too
/// large. Messages share the buffer they arrived in: copy one that is to be kept for long, since it
/// keeps up to 256 KiB of its neighbours alive.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::frame::Frames;
/// use futures::{SinkExt, StreamExt};
///
/// let (ours, theirs) = tokio::io::duplex(64);
/// let (mut ours, mut theirs) = (Frames::new(ours), Frames::new(theirs));
/// ours.send("hello".into()).await?;
/// assert_eq!(theirs.next().await.transpose()?.as_deref(), Some(&b"hello"[..]));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Receiving is cancel-safe: what has arrived stays here. Sending is not: a `send` that is dropped
/// early may or may not have queued its message, which then goes out with the next flush.
#[derive(Debug)]
pub struct Frames<T> {
    io: T,
    decoder: Decoder,
    encoder: Encoder,
    place: Place,
    /// The stream has ended, in order or not.
    ended: bool,
    turn: Turn,
}

impl<T> Frames<T> {
    /// Messages of up to [`MAX_LEN`](super::MAX_LEN) bytes over `io`.
    ///
    /// # Examples
    ///
    /// See [`Frames`].
    pub fn new(io: T) -> Self {
        Self {
            io,
            decoder: Decoder::new(),
            encoder: Encoder::new(),
            place: Place::default(),
            ended: false,
            turn: Turn::default(),
        }
    }

    /// Accepts and sends bodies of up to this many bytes, 4 GiB - 1 at most.
    ///
    /// # Examples
    ///
    /// ```
    /// let frames = framewire::frame::Frames::new(tokio::io::empty()).max_len(64 << 20);
    /// ```
    #[must_use]
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.decoder = self.decoder.max_len(max_len);
        self.encoder = self.encoder.max_len(max_len);
        self
    }

    /// Names the endpoint, for errors and events to mention.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Endpoint, frame::Frames};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let endpoint: Endpoint = "unix:///tmp/e.sock".parse()?;
    /// let frames = Frames::new(tokio::io::empty()).on(endpoint);
    /// assert!(frames.endpoint().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on(mut self, endpoint: impl Into<Arc<Endpoint>>) -> Self {
        self.place.set(endpoint);
        self
    }

    /// The endpoint, where there is one.
    ///
    /// # Examples
    ///
    /// See [`on`](Self::on).
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.place.endpoint()
    }

    /// The byte stream below. Reading or writing it directly breaks the framing.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::frame::Frames;
    ///
    /// let frames = Frames::new(tokio::io::empty());
    /// let _: &tokio::io::Empty = frames.get_ref();
    /// ```
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The byte stream below, and what had arrived of it but was not handed out: from here on it
    /// is yours to frame, with any codec. Messages that were fed and not flushed are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::frame::Frames;
    /// use tokio::io::AsyncReadExt;
    ///
    /// let (io, leftover) = Frames::new(&b"two lines\nof text\n"[..]).into_io();
    /// let mut text = String::new();
    /// leftover.chain(io).read_to_string(&mut text).await?;
    /// assert_eq!(text.lines().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_io(self) -> (T, Bytes) {
        (self.io, self.decoder.into_leftover())
    }
}

/// For a stream of this crate that adds to these messages.
#[cfg(unix)]
impl<T> Frames<T> {
    /// The same messages over what becomes of the byte stream, which is told how many bytes of it
    /// have arrived and were not handed out, and how many are queued and were not written.
    pub(crate) fn map_io<U>(self, map: impl FnOnce(T, usize, usize) -> U) -> Frames<U> {
        let (unread, unsent) = (self.decoder.unread(), self.encoder.unsent());
        let Self { io, decoder, encoder, place, ended, turn } = self;
        Frames { io: map(io, unread, unsent), decoder, encoder, place, ended, turn }
    }

    /// The byte stream below, to be told of the messages.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// Tells an error of our own side's making where it happened.
    #[cold]
    pub(crate) fn refused(&self, doing: &'static str, error: crate::Error) -> crate::Error {
        self.place.refused(doing, error)
    }
}

impl<T: AsyncRead + Unpin> Frames<T> {
    /// Waits for a message, then takes it and all that have arrived with it, 64 at most; cheaper
    /// than as many calls of `next`. Says how many: 0 is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::frame::Frames;
    ///
    /// let mut frames = Frames::new(&b"\0\0\0\x01a\0\0\0\x01b"[..]);
    /// let mut messages = Vec::new();
    /// assert_eq!(frames.recv_many(&mut messages).await?, 2);
    /// assert_eq!(messages, ["a", "b"]);
    /// assert_eq!(frames.recv_many(&mut messages).await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them. Messages in front of a broken frame are returned first.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: messages are taken in the last step.
    pub async fn recv_many(&mut self, messages: &mut Vec<Bytes>) -> Result<usize> {
        let first = poll_fn(|cx| self.poll_decoded(cx, Decoder::take)).await;
        let Some(first) = first.transpose()? else { return Ok(0) };
        messages.push(first);
        let mut count = 1;
        while count < usize::from(RUN) {
            let Some(len) = self.decoder.whole() else { break };
            messages.push(self.decoder.take(len));
            count += 1;
        }
        self.turn.over();
        Ok(count)
    }

    /// Waits for a message and lends it to `see`: cheaper than `next` where the bytes need not
    /// outlive the call. `None` is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::frame::Frames;
    ///
    /// let mut frames = Frames::new(&b"\0\0\0\x02hi"[..]);
    /// assert_eq!(frames.with_next(|body| body.len()).await?, Some(2));
    /// assert_eq!(frames.with_next(|body| body.len()).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: `see` is called in the last step, or not at all.
    pub async fn with_next<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let mut see = Some(see);
        let lent = poll_fn(|cx| {
            self.poll_decoded(cx, |decoder, len| see.take().map(|see| decoder.lend(len, see)))
        });
        Ok(lent.await.transpose()?.flatten())
    }

    /// What `take` makes of the next message, reading until one is whole.
    #[inline]
    fn poll_decoded<R>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut Decoder, usize) -> R,
    ) -> Poll<Option<Result<R>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        ready!(self.turn.poll(cx));
        loop {
            if let Some(len) = self.decoder.whole() {
                self.turn.passed();
                return Poll::Ready(Some(Ok(take(&mut self.decoder, len))));
            }
            if let Some(end) = ready!(self.poll_refill(cx)) {
                return Poll::Ready(self.end(end));
            }
        }
    }

    /// Reads, apart from the path of a message that is there already; `Some` is the end.
    #[inline(never)]
    fn poll_refill(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<()>>> {
        if let Err(error) = self.decoder.check() {
            return Poll::Ready(Some(Err(error)));
        }
        let coop = ready!(coop::poll_proceed(cx));
        match ready!(poll_read_buf(Pin::new(&mut self.io), cx, self.decoder.space())) {
            Ok(0) => return Poll::Ready(Some(self.decoder.finish())),
            Ok(_) => coop.made_progress(),
            Err(error) => return Poll::Ready(Some(Err(error.into()))),
        }
        self.turn.charged();
        Poll::Ready(None)
    }

    /// The last item of the stream.
    #[cold]
    pub(crate) fn end<R>(&mut self, end: Result<()>) -> Option<Result<R>> {
        self.ended = true;
        let end = end.inspect(|()| self.place.closed());
        end.err().map(|error| Err(self.place.failed("receive", error)))
    }

    /// Goes on behind an end, with the first byte of a frame.
    #[cfg(unix)]
    pub(crate) fn go_on(&mut self) {
        self.ended = false;
        self.decoder.forget();
    }
}

impl<T: AsyncRead + Unpin> Stream for Frames<T> {
    type Item = Result<Bytes>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_decoded(cx, Decoder::take)
    }
}
