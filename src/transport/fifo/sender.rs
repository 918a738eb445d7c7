//! The end that messages go into.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Sink;
use tokio::io::AsyncWrite;

use super::{Options, Writer, units::Units};
use crate::{Endpoint, Error, ErrorKind, Result, frame::Frames, place::Place};

/// One of those who write to a FIFO: a `Sink` of messages.
///
/// `feed` queues up to 128 KiB before it waits; what is flushed together goes out in as few writes
/// as whole frames allow.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// Sending is not cancel-safe: a `send` that is dropped early may or may not have queued its
/// message, which then goes out with the next flush.
#[derive(Debug)]
pub struct Sender(Kind);

#[derive(Debug)]
enum Kind {
    /// Whole frames among those of others.
    Shared(Shared),
    /// Alone, frames of any length.
    Exclusive { frames: Frames<Writer>, max_len: usize },
}

#[derive(Debug)]
struct Shared {
    writer: Writer,
    units: Units,
    max_len: usize,
    place: Place,
}

impl Sender {
    pub(super) fn new(writer: Writer, options: &Options, endpoint: &Arc<Endpoint>) -> Self {
        let max_len = options.max_len;
        if options.exclusive {
            let frames = Frames::new(writer).max_len(max_len).on(Arc::clone(endpoint));
            return Self(Kind::Exclusive { frames, max_len });
        }
        let mut place = Place::default();
        place.set(Arc::clone(endpoint));
        Self(Kind::Shared(Shared { writer, units: Units::default(), max_len, place }))
    }

    /// The endpoint that is sent to.
    ///
    /// # Examples
    ///
    /// See [`max_len`](Self::max_len).
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.0 {
            Kind::Shared(shared) => shared.place.endpoint(),
            Kind::Exclusive { frames, .. } => frames.endpoint(),
        }
    }

    /// The longest message that can be sent, in bytes: 4,092 on Linux, the prefix being part of what
    /// is written as one; 8 MiB for one that is [exclusive](super::Options::exclusive).
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::fifo;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let _receiver = fifo::receiver(&*path).await?;
    /// let sender = fifo::sender(&*path).await?;
    /// assert!(sender.max_len() >= 508); // What POSIX promises, less the prefix.
    /// assert!(sender.endpoint().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_len(&self) -> usize {
        match &self.0 {
            Kind::Shared(shared) => shared.max_len.min(Units::MAX_LEN),
            Kind::Exclusive { max_len, .. } => *max_len,
        }
    }

    /// The bare bytes, to be framed by any codec. Messages that were fed and not flushed are
    /// dropped.
    ///
    /// # Examples
    ///
    /// See [`Writer`].
    pub fn into_io(self) -> Writer {
        match self.0 {
            Kind::Shared(shared) => shared.writer,
            Kind::Exclusive { frames, .. } => frames.into_io().0,
        }
    }
}

impl Shared {
    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while let Some(unit) = self.units.front() {
            let len = unit.len();
            let written = match ready!(Pin::new(&mut self.writer).poll_write(cx, unit)) {
                Ok(written) if written == len => Ok(()),
                Ok(written) => Err(Error::new(
                    ErrorKind::Truncated,
                    format!("the system has split a write: {written} of {len} bytes"),
                )),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = written {
                return Poll::Ready(Err(self.place.failed("send", error)));
            }
            self.units.pop();
        }
        Poll::Ready(Ok(()))
    }

    fn message(&mut self, body: &[u8]) -> Result<()> {
        let (len, max) = (body.len(), self.max_len.min(Units::MAX_LEN));
        if len <= max {
            self.units.push(body);
            return Ok(());
        }
        let (cause, remedy) = if max < Units::MAX_LEN {
            (format!("message of {len} bytes, limit {max}"), "raise `max_len` at both ends")
        } else {
            let cause = format!("message of {len} bytes, limit {max} where many may write");
            (cause, "send it in parts, or as the only writer: `fifo::Options::exclusive`")
        };
        let error = Error::new(ErrorKind::TooLarge, cause).remedy(remedy);
        Err(self.place.refused("send", error))
    }
}

impl Sink<Bytes> for Sender {
    type Error = Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Shared(shared) if shared.units.is_full() => shared.poll_write_all(cx),
            Kind::Shared(_) => Poll::Ready(Ok(())),
            Kind::Exclusive { frames, .. } => Pin::new(frames).poll_ready(cx),
        }
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        match &mut self.get_mut().0 {
            Kind::Shared(shared) => shared.message(&body),
            Kind::Exclusive { frames, .. } => Pin::new(frames).start_send(body),
        }
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Shared(shared) => shared.poll_write_all(cx),
            Kind::Exclusive { frames, .. } => Pin::new(frames).poll_flush(cx),
        }
    }

    /// Sends what is queued and leaves.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Shared(shared) => {
                let _entered = shared.place.closing();
                ready!(shared.poll_write_all(cx))?;
                let closed = ready!(Pin::new(&mut shared.writer).poll_shutdown(cx));
                Poll::Ready(closed.map_err(|error| shared.place.failed("close", error.into())))
            }
            Kind::Exclusive { frames, .. } => Pin::new(frames).poll_close(cx),
        }
    }
}
