//! A stream socket and who is at its other end: what `unix` and `tcp` connections are framed over.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Accepted, Endpoint, Peer, frame::Frames, serve::Incoming, wait::Io};

/// The bytes of a connection, and who is at its other end.
///
/// # Examples
///
/// A connection with another framing: lines.
///
/// ```
/// use framewire::unix;
/// use futures::StreamExt;
/// use tokio::io::AsyncReadExt;
/// use tokio_util::codec::{FramedRead, LinesCodec};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, theirs) = unix::pair()?;
/// let (mut theirs, _) = theirs.into_io();
/// tokio::io::AsyncWriteExt::write_all(&mut theirs, b"one\ntwo\n").await?;
/// drop(theirs);
///
/// let (socket, leftover) = ours.into_io();
/// let lines = FramedRead::new(leftover.chain(socket), LinesCodec::new());
/// assert_eq!(lines.count().await, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Socket {
    io: Io,
    peer: Peer,
    /// The most descriptors of a message, where it comes to carry any.
    #[cfg(unix)]
    max_descriptors: usize,
}

impl Socket {
    pub(crate) fn new(io: Io, peer: Peer) -> Self {
        Self {
            io,
            peer,
            #[cfg(unix)]
            max_descriptors: 0,
        }
    }

    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// let (socket, _) = ours.into_io();
    /// assert!(socket.peer().uid().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    #[cfg(any(unix, feature = "tls"))]
    pub(crate) fn io(&self) -> &Io {
        &self.io
    }

    /// The waiting byte stream alone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// let (socket, _) = ours.into_io();
    /// let io: framewire::wait::Io = socket.into_inner();
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> Io {
        self.io
    }
}

/// For descriptors beside the bytes.
#[cfg(unix)]
impl Socket {
    pub(crate) fn with_max_descriptors(mut self, max: usize) -> Self {
        self.max_descriptors = max;
        self
    }

    pub(crate) fn max_descriptors(&self) -> usize {
        self.max_descriptors
    }

    pub(crate) fn io_mut(&mut self) -> &mut Io {
        &mut self.io
    }
}

impl Frames<Socket> {
    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// println!("talking to {:?}", ours.peer().pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        self.get_ref().peer()
    }
}

impl Incoming for Frames<Socket> {
    fn peer(&self) -> Option<&Peer> {
        Some(self.get_ref().peer())
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint()
    }
}

impl From<Frames<Socket>> for Accepted {
    fn from(connection: Frames<Socket>) -> Self {
        Self { peer: Some(connection.peer().clone()), io: Box::pin(connection) }
    }
}

impl AsyncRead for Socket {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
