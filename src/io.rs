//! Messages become a byte stream again: for hyper, tonic, `tokio::io::copy`, and whatever else
//! speaks bytes.
//!
//! Any mechanism of this crate, a message queue or shared memory as well as a socket, then carries
//! any protocol that is made for a byte stream. Both ends need it: boundaries mean nothing to it,
//! and the messages are of its own cutting.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::{Error, ErrorKind, Result};

/// The largest message that is sent, unless you say otherwise, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;
/// What is first reserved for bytes that are written, in bytes.
const SMALL: usize = 4 * 1024;

/// The bytes of any stream of messages (`AsyncRead` and `AsyncBufRead`), sink of messages
/// (`AsyncWrite`), or both.
///
/// Reading hands out the bytes of the messages in their order, without regard to where one ends;
/// empty messages have none. The end of the stream is the end of file. After an error nothing more
/// is read: a byte stream with a gap is none.
///
/// What is written is gathered and goes out with a flush, or once [`max_message`] bytes are there,
/// as with a `BufWriter`; what was not flushed when it is dropped is lost. Shutting down flushes
/// and closes the sink, and the other direction goes on.
///
/// [`max_message`]: Self::max_message
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::{frame::Frames, io::ByteStream};
/// use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
///
/// let (ours, theirs) = tokio::io::duplex(64);
/// let mut ours = ByteStream::new(Frames::new(ours));
/// let mut theirs = ByteStream::new(Frames::new(theirs));
///
/// ours.write_all(b"two lines\nof text").await?;
/// ours.shutdown().await?;
///
/// let (mut line, mut rest) = (String::new(), String::new());
/// theirs.read_line(&mut line).await?;
/// theirs.read_to_string(&mut rest).await?;
/// assert_eq!((line.as_str(), rest.as_str()), ("two lines\n", "of text"));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// As for any `AsyncRead` and `AsyncWrite`: `read`, `fill_buf`, `write` and `flush` are cancel-safe,
/// `read_exact` and `write_all` are not.
#[derive(Debug)]
pub struct ByteStream<T> {
    io: T,
    /// What is left of the message that is being read.
    arrived: Bytes,
    /// Nothing more will arrive.
    ended: bool,
    /// What was written and is not a message yet.
    written: BytesMut,
    max_message: usize,
    /// Our direction was shut down.
    shut: bool,
}

impl<T> ByteStream<T> {
    /// The bytes of `io`'s messages.
    ///
    /// # Examples
    ///
    /// See [`ByteStream`].
    pub fn new(io: T) -> Self {
        Self {
            io,
            arrived: Bytes::new(),
            ended: false,
            written: BytesMut::new(),
            max_message: MAX_MESSAGE,
            shut: false,
        }
    }

    /// Sends messages of at most this many bytes, 1 at least; 64 KiB unless you say otherwise.
    /// Those of the peer may be of any size.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::{frame::Frames, io::ByteStream};
    /// use tokio::io::AsyncWriteExt;
    ///
    /// let mut bytes = ByteStream::new(Frames::new(Vec::new())).max_message(2);
    /// bytes.write_all(b"odd").await?;
    /// bytes.flush().await?;
    /// assert_eq!(bytes.get_ref().get_ref(), b"\0\0\0\x02od\0\0\0\x01d");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_message(mut self, max_message: usize) -> Self {
        self.max_message = max_message.max(1);
        self
    }

    /// The messages below. Sending or receiving there directly is out of turn.
    ///
    /// # Examples
    ///
    /// See [`max_message`](Self::max_message).
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// The messages below, and what is left of the one that was being read. What was written and
    /// not flushed is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::{frame::Frames, io::ByteStream};
    /// use tokio::io::AsyncReadExt;
    ///
    /// let mut bytes = ByteStream::new(Frames::new(&b"\0\0\0\x05hello"[..]));
    /// assert_eq!(bytes.read_u8().await?, b'h');
    /// let (_frames, left) = bytes.into_parts();
    /// assert_eq!(left, "ello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_parts(self) -> (T, Bytes) {
        (self.io, self.arrived)
    }

    /// Takes as much as fits into the message that is being gathered.
    fn gather(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.max_message.saturating_sub(self.written.len()));
        if self.written.capacity() - self.written.len() < taken {
            self.written.reserve(taken.max(SMALL.min(self.max_message)));
        }
        self.written.extend_from_slice(&bytes[..taken]);
        taken
    }
}

impl<T: Sink<Bytes, Error = Error> + Unpin> ByteStream<T> {
    /// Makes a message of what was gathered and hands it down.
    fn poll_hand_down(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.written.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.io.poll_ready_unpin(cx))?;
        let sent = self.io.start_send_unpin(self.written.split().freeze());
        Poll::Ready(sent.map_err(|error| match error.kind() {
            ErrorKind::TooLarge => error.remedy("lower `max_message` of the byte stream"),
            _ => error,
        }))
    }

    /// Makes room for at least one byte more.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.written.len() < self.max_message {
            return Poll::Ready(Ok(()));
        }
        self.poll_hand_down(cx).map_err(Into::into)
    }
}

impl<T: Stream<Item = Result<Bytes>> + Unpin> AsyncBufRead for ByteStream<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let stream = self.get_mut();
        while stream.arrived.is_empty() && !stream.ended {
            match ready!(stream.io.poll_next_unpin(cx)) {
                Some(Ok(message)) => stream.arrived = message,
                Some(Err(error)) => {
                    stream.ended = true;
                    return Poll::Ready(Err(error.into()));
                }
                None => stream.ended = true,
            }
        }
        Poll::Ready(Ok(&stream.arrived))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let stream = self.get_mut();
        if amount < stream.arrived.len() {
            stream.arrived.advance(amount);
        } else {
            // Emptied and kept, it would keep the buffer that it shares with its neighbours.
            stream.arrived = Bytes::new();
        }
    }
}

impl<T: Stream<Item = Result<Bytes>> + Unpin> AsyncRead for ByteStream<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let arrived = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = arrived.len().min(buffer.remaining());
        buffer.put_slice(&arrived[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}

impl<T: Sink<Bytes, Error = Error> + Unpin> AsyncWrite for ByteStream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        ready!(stream.poll_room(cx))?;
        Poll::Ready(Ok(stream.gather(bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        ready!(stream.poll_room(cx))?;
        Poll::Ready(Ok(pieces.iter().map(|piece| stream.gather(piece)).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.shut {
            return Poll::Ready(Ok(()));
        }
        ready!(stream.poll_hand_down(cx))?;
        stream.io.poll_flush_unpin(cx).map_err(Into::into)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if !stream.shut {
            ready!(stream.poll_hand_down(cx))?;
            ready!(stream.io.poll_close_unpin(cx))?;
            stream.shut = true;
        }
        Poll::Ready(Ok(()))
    }
}
