//! The end that bytes go into.

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;

use super::writers::Permit;
use crate::{
    sys::PIPE_BUF,
    wait::{Io, Strategy},
};

/// Bytes into a FIFO; shutting it down closes it.
///
/// Where others may write too, a write of up to `PIPE_BUF` bytes (4,096 on Linux) is in the FIFO as
/// one, and a longer one is taken in parts between which others' bytes can be: what must not be
/// torn goes in one call. With [`exclusive`](super::Options::exclusive) nobody else writes.
///
/// # Examples
///
/// ```
/// use framewire::fifo;
/// use futures::SinkExt;
/// use tokio::io::AsyncReadExt;
/// use tokio_util::codec::{FramedWrite, LinesCodec};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("jobs");
/// let (mut reader, _) = fifo::receiver(&*path).await?.into_io();
/// let writer = fifo::sender(&*path).await?.into_io();
/// FramedWrite::new(writer, LinesCodec::new()).send("hello").await?;
///
/// let mut line = [0; 6];
/// reader.read_exact(&mut line).await?;
/// assert_eq!(&line, b"hello\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Writer {
    // Closed before the lock is given up.
    io: Io,
    permit: Option<Permit>,
    exclusive: bool,
    /// All that was begun is written: this is a place to end.
    flushed: bool,
}

impl Writer {
    pub(super) fn new(
        fd: OwnedFd,
        permit: Option<Permit>,
        exclusive: bool,
        strategy: Strategy,
    ) -> io::Result<Self> {
        let io = Io::pipe(fd)?.strategy(strategy);
        Ok(Self { io, permit, exclusive, flushed: true })
    }

    /// Tells that this is the end, and between two frames.
    fn end(&self) {
        if let Some(permit) = &self.permit {
            if let Err(error) = permit.end() {
                tracing::debug!(%error, "the next sender waits for the receiver to see our end");
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Otherwise it is for the receiver to see that the rest of a frame will not come.
        if self.flushed {
            self.end();
        }
    }
}

impl AsyncWrite for Writer {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = if self.exclusive { buf.len() } else { buf.len().min(PIPE_BUF) };
        self.flushed = false;
        // One call of ours is one of the kernel's.
        Pin::new(&mut self.io).poll_write(cx, &buf[..most])
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.exclusive {
            self.flushed = false;
            return Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        self.poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.exclusive
    }

    /// Nothing to do: each write has reached the kernel when it returns.
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        let closed = Pin::new(&mut self.io).poll_shutdown(cx);
        self.permit = None;
        closed
    }
}
