//! The two ends of a pipe, each with its one direction.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{sys, wait::Io};

/// The end that bytes come out of.
///
/// # Examples
///
/// ```
/// use framewire::pipe;
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (sender, receiver) = pipe::pair()?;
/// let (mut reader, _leftover): (pipe::Reader, _) = receiver.into_io();
/// drop(sender);
/// assert_eq!(reader.read(&mut [0; 8]).await?, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader(Io);

/// The end that bytes go into; shutting it down closes it.
///
/// # Examples
///
/// ```
/// use framewire::pipe;
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (sender, _receiver) = pipe::pair()?;
/// let (mut writer, _): (pipe::Writer, _) = sender.into_io();
/// writer.write_all(b"bare bytes").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Writer(Io);

/// An end that is not ours to choose may be a socket too: that is what some parents give a child
/// for its standard input and output.
pub(super) fn io(fd: OwnedFd) -> io::Result<Io> {
    if sys::is_pipe(fd.as_fd())? { Io::pipe(fd) } else { Io::socket(fd) }
}

impl Reader {
    pub(super) fn new(io: Io) -> Self {
        Self(io)
    }

    /// The waiting byte stream alone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (_sender, receiver) = framewire::pipe::pair()?;
    /// let io: framewire::wait::Io = receiver.into_io().0.into_inner();
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> Io {
        self.0
    }
}

impl Writer {
    pub(super) fn new(io: Io) -> Self {
        Self(io)
    }

    /// The waiting byte stream alone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (sender, _receiver) = framewire::pipe::pair()?;
    /// let io: framewire::wait::Io = sender.into_io().0.into_inner();
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> Io {
        self.0
    }
}

impl AsyncRead for Reader {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Writer {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
