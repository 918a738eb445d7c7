//! The sending half of a framed byte stream.

use std::{
    future::poll_fn,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Frames;
use crate::{Error, Result, runtime::timeout};

/// Pieces of one gather write.
const PIECES: usize = 64;
/// How long [`Frames::finish`] waits for the peer to end.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

impl<T: AsyncWrite + Unpin> Frames<T> {
    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { io, encoder, .. } = self;
        let mut io = Pin::new(io);
        let mut queued = encoder.queued();
        while queued.has_remaining() {
            let chunk = queued.chunk();
            let polled = if chunk.len() == queued.remaining() || !io.is_write_vectored() {
                io.as_mut().poll_write(cx, chunk)
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let filled = queued.chunks_vectored(&mut pieces);
                io.as_mut().poll_write_vectored(cx, &pieces[..filled])
            };
            let written = match ready!(polled) {
                Ok(0) => Err(std::io::Error::from(std::io::ErrorKind::WriteZero)),
                other => other,
            };
            match written {
                Ok(written) => queued.advance(written),
                Err(error) => {
                    drop(queued);
                    return Poll::Ready(Err(self.place.failed("send", error.into())));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Frames<T> {
    /// Closes in order: sends what is queued, ends our direction, and waits up to a second for the
    /// peer to end its own, dropping what it still sends.
    ///
    /// A connection that is dropped with unread input tells the peer that it was reset, which over
    /// TCP can cost it the last messages that were sent to it; after this it cannot.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use framewire::frame::Frames;
    ///
    /// let (ours, theirs) = tokio::io::duplex(64);
    /// drop(theirs);
    /// Frames::new(ours).finish().await?;
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
        let drained = async { while let Ok(Some(())) = self.with_next(|_| ()).await {} };
        let _ = timeout(LINGER, drained)?.await;
        Ok(())
    }
}

impl<T: AsyncWrite + Unpin> Sink<Bytes> for Frames<T> {
    type Error = Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let frames = self.get_mut();
        if frames.encoder.is_full() { frames.poll_write_all(cx) } else { Poll::Ready(Ok(())) }
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        let frames = self.get_mut();
        frames.encoder.message(body).map_err(|error| frames.place.refused("send", error))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let frames = self.get_mut();
        ready!(frames.poll_write_all(cx))?;
        let flushed = ready!(Pin::new(&mut frames.io).poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| frames.place.failed("send", error.into())))
    }

    /// Sends what is queued and ends our direction; the other goes on.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let frames = self.get_mut();
        let _entered = frames.place.closing();
        ready!(frames.poll_write_all(cx))?;
        let closed = ready!(Pin::new(&mut frames.io).poll_shutdown(cx));
        Poll::Ready(closed.map_err(|error| frames.place.failed("close", error.into())))
    }
}
