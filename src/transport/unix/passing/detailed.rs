//! A connection with descriptors in its messages.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Sink, Stream, StreamExt};

use super::{Outgoing, Received, io::Passing};
use crate::{
    Endpoint, Error, ErrorKind, Peer, Result,
    frame::{Frames, LINGER, PREFIX},
    runtime::timeout,
    sys,
    unix::Connection,
};

/// So many descriptors are queued before a sender waits for their sending.
const MANY: usize = 64;

/// A Unix connection whose messages carry open descriptors: a `Stream` of [`Received`] and a `Sink`
/// of [`Outgoing`].
///
/// The bytes are those of a [`Connection`]: its peer may be one, and then gets the messages without
/// the descriptors, which the kernel closes. A peer of another kind passes descriptors with the
/// first byte of a frame, by a call of sendmsg(2) that sends nothing behind that frame.
///
/// The stream ends as that of a `Connection` does, and with one error where descriptors came that
/// belong to no message ([`Malformed`](ErrorKind::Malformed)), more than
/// [`Options::max_descriptors`](crate::unix::Options::max_descriptors) with one
/// ([`TooLarge`](ErrorKind::TooLarge)), or some that could not be opened here, most likely for want
/// of free numbers ([`Exhausted`](ErrorKind::Exhausted)). Messages in front of it come first. All
/// that is not handed out is closed.
///
/// # Examples
///
/// ```
/// use framewire::unix::{self, Outgoing};
/// use futures::{SinkExt, StreamExt};
/// use std::{fs::File, io::{Read, Seek, Write}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, theirs) = unix::pair()?;
/// let (mut ours, mut theirs) = (ours.detailed()?, theirs.detailed()?);
///
/// # let mut file = tempfile::tempfile()?;
/// file.write_all(b"read me")?;
/// ours.send(Outgoing::new("a file").with(file)).await?;
///
/// let received = theirs.next().await.expect("it was sent")?;
/// let (body, [file]) = received.exactly()?;
/// assert_eq!(body, "a file");
/// let (mut file, mut text) = (File::from(file), String::new());
/// file.rewind()?;
/// file.read_to_string(&mut text)?;
/// assert_eq!(text, "read me");
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// As that of [`Frames`]: receiving is cancel-safe, sending is not.
///
/// # Platform
///
/// Unix. Tested on Linux.
#[derive(Debug)]
pub struct Detailed {
    frames: Frames<Passing>,
}

impl Connection {
    /// The same connection, with descriptors as part of its messages.
    ///
    /// Do this before anything is received: the descriptors of what has arrived by then are closed
    /// already, and the messages come without them.
    ///
    /// # Examples
    ///
    /// See [`Detailed`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) where this is no Unix socket; and what
    /// getsockname(2) answers.
    ///
    /// # Platform
    ///
    /// Unix.
    pub fn detailed(self) -> Result<Detailed> {
        let refused = match self.get_ref().io().fd().map(sys::is_unix).transpose() {
            Ok(Some(true)) => return Ok(Detailed { frames: self.map_io(Passing::new) }),
            Ok(_) => Error::new(ErrorKind::Unsupported, "only Unix sockets carry descriptors"),
            Err(error) => error.into(),
        };
        Err(self.refused("pass descriptors over", refused))
    }
}

impl Detailed {
    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// assert!(ours.detailed()?.peer().uid().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        self.frames.get_ref().peer()
    }

    /// The endpoint, where there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// assert_eq!(ours.detailed()?.endpoint(), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.frames.endpoint()
    }

    /// Closes in order, as [`Frames::finish`] does: sends what is queued, ends our direction, and
    /// waits up to a second for the peer to end its own, dropping what it still sends.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, theirs) = framewire::unix::pair()?;
    /// drop(theirs);
    /// ours.detailed()?.finish().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What sending the rest answers, and when there is no Tokio runtime with timers here. A peer
    /// that does not end in time is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it closes at once.
    pub async fn finish(mut self) -> Result<()> {
        poll_fn(|cx| Pin::new(&mut self).poll_close(cx)).await?;
        let drained = async { while let Some(Ok(_)) = self.next().await {} };
        let _ = timeout(LINGER, drained)?.await;
        Ok(())
    }
}

impl Stream for Detailed {
    type Item = Result<Received>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frames = &mut self.get_mut().frames;
        let next = match ready!(Pin::new(&mut *frames).poll_next(cx)) {
            Some(Ok(body)) => match frames.get_mut().arrivals.take(PREFIX + body.len()) {
                Ok(descriptors) => return Poll::Ready(Some(Ok(Received::new(body, descriptors)))),
                Err(error) => frames.end(Err(error)),
            },
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        frames.get_mut().arrivals.close();
        Poll::Ready(next)
    }
}

impl Sink<Outgoing> for Detailed {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let frames = &mut self.get_mut().frames;
        if frames.get_ref().departures.len() >= MANY {
            return Pin::new(frames).poll_flush(cx);
        }
        Pin::new(frames).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Outgoing) -> Result<()> {
        let frames = &mut self.get_mut().frames;
        let (body, descriptors) = message.into_parts();
        let possible = frames.get_ref().limit.check(descriptors.len());
        possible.map_err(|error| frames.refused("send", error))?;
        let len = PREFIX + body.len();
        Pin::new(&mut *frames).start_send(body)?;
        frames.get_mut().departures.queue(len, descriptors);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().frames).poll_flush(cx)
    }

    /// Sends what is queued and ends our direction; the other goes on.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.get_mut().frames).poll_close(cx)
    }
}
