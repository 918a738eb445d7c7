//! A byte stream that is waited for with a strategy.

#![allow(unsafe_code)]

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{Direction, Fd, Strategy};
use crate::sys::{self, Arrived, ControlBuffer};

/// What a pipe is grown to when it first proves too small, in bytes. Linux gives each user 16,384
/// pages of pipes (`/proc/sys/fs/pipe-user-pages-soft`), shared with all other programs: 64 here.
const GROWN: usize = 256 * 1024;

/// How much of a pipe is read or written in one call, in bytes. The kernel holds the pipe's lock
/// while it copies: with longer calls the two ends wait for each other instead of copying at the
/// same time, and what is copied has left the first-level cache when the other end comes to it.
const PIECE: usize = 8 * 1024;

/// A socket's or pipe's bytes as `AsyncRead + AsyncWrite`, waited for with a [`Strategy`].
///
/// It is what this crate's own byte streams are made of, and serves any other: under hyper, tonic
/// or a protocol of your own.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use framewire::wait::Io;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
/// let (mut ours, mut theirs) = (Io::socket(ours.into())?, Io::socket(theirs.into())?);
/// ours.write_all(b"hello").await?;
/// ours.shutdown().await?;
///
/// let mut heard = String::new();
/// theirs.read_to_string(&mut heard).await?;
/// assert_eq!(heard, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// As for any `AsyncRead` and `AsyncWrite`: `read` and `write` are cancel-safe, `read_exact` and
/// `write_all` are not.
///
/// # Platform
///
/// Unix: any stream socket or pipe. Windows: TCP sockets.
#[derive(Debug)]
pub struct Io {
    /// `None` once a pipe's write end was closed.
    fd: Option<Fd>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Socket,
    Pipe { grown: bool },
}

impl Io {
    /// Takes a connected stream socket over.
    ///
    /// # Examples
    ///
    /// See [`Io`].
    ///
    /// # Errors
    ///
    /// When there is no Tokio runtime here to wait on.
    pub fn socket(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { fd: Some(Fd::new(fd)?), kind: Kind::Socket })
    }

    /// Takes a TCP stream over from tokio.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let address = listener.local_addr()?;
    /// use framewire::wait::Io;
    ///
    /// let io = Io::tcp(tokio::net::TcpStream::connect(address).await?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no Tokio runtime here to wait on.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        Self::socket(stream.into_std()?.into())
    }

    /// Takes one end of a pipe over and makes it `O_NONBLOCK`, for all who share the open file.
    ///
    /// The first time it proves too small, the pipe is grown to 256 KiB (Linux).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::Io;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// let (write_end, read_end) = interprocess::unnamed_pipe::pipe()?;
    /// Io::pipe(write_end.into())?.write_all(b"hello").await?;
    ///
    /// let mut heard = String::new();
    /// Io::pipe(read_end.into())?.read_to_string(&mut heard).await?;
    /// assert_eq!(heard, "hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no Tokio runtime here to wait on, and what fcntl(2) answers.
    pub fn pipe(fd: OwnedFd) -> io::Result<Self> {
        sys::set_nonblocking(fd.as_fd())?;
        Ok(Self { fd: Some(Fd::new(fd)?), kind: Kind::Pipe { grown: false } })
    }

    /// Waits with this strategy, in both directions.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::{Io, Strategy};
    ///
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let ours = Io::socket(ours.into())?.strategy(Strategy::Park);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.fd = self.fd.map(|fd| fd.strategy(strategy));
        self
    }

    /// Gives the descriptor back, no longer registered.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let ours = framewire::wait::Io::socket(ours.into())?;
    /// let ours: std::os::fd::OwnedFd = ours.into_fd()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) for the write end of a pipe that was shut
    /// down.
    pub fn into_fd(self) -> io::Result<OwnedFd> {
        self.fd.ok_or_else(closed)?.into_inner()
    }

    /// The descriptor; `None` for the write end of a pipe that was shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// assert!(framewire::wait::Io::socket(ours.into())?.fd().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    /// Receives bytes, and what comes beside them.
    pub(crate) fn poll_recv_with(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        control: &mut ControlBuffer,
    ) -> Poll<io::Result<Arrived>> {
        let Some(fd) = &mut self.fd else { return Poll::Ready(Err(closed())) };
        // SAFETY: the call below only writes to it, as `MaybeUninit` says it must.
        let into = unsafe { buf.unfilled_mut() };
        let polled =
            fd.poll_fd(cx, Direction::Receive, |fd| sys::recv_with(fd, into, &mut *control));
        polled.map_ok(|arrived| {
            // SAFETY: the kernel has written the first `len` bytes of the unfilled part.
            unsafe { buf.assume_init(arrived.len) };
            buf.advance(arrived.len);
            arrived
        })
    }

    /// Sends bytes, and descriptors beside the first of them.
    pub(crate) fn poll_send_with(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
        descriptors: &[BorrowedFd<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |fd| sys::send_with(fd, bufs, descriptors))
    }

    /// Sends what a socket takes at once, without waiting for the rest: for who is being dropped.
    #[cfg(feature = "tls")]
    pub(crate) fn send_now(&self, buf: &[u8]) -> io::Result<usize> {
        sys::send(self.fd().ok_or_else(closed)?, buf)
    }

    /// `poll_read`, where `empty` says what it means that nothing was there to be read: the end, or,
    /// as [`WouldBlock`](io::ErrorKind::WouldBlock), that there is something to wait for.
    #[inline]
    pub(crate) fn poll_read_or(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
        mut empty: impl FnMut(BorrowedFd<'_>) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        let Self { fd: Some(fd), kind } = self else { return Poll::Ready(Err(closed())) };
        // SAFETY: the calls below only write to it, as `MaybeUninit` says they must.
        let into = unsafe { buf.unfilled_mut() };
        let most = if *kind == Kind::Socket { into.len() } else { into.len().min(PIECE) };
        let polled = fd.poll_fd(cx, Direction::Receive, |fd| {
            let into = &mut into[..most];
            let n = if *kind == Kind::Socket { sys::recv(fd, into) } else { sys::read(fd, into) }?;
            if n == 0 { empty(fd).map(|()| 0) } else { Ok(n) }
        });
        polled.map_ok(|n| {
            // SAFETY: the kernel has written the first `n` bytes of the unfilled part.
            unsafe { buf.assume_init(n) };
            buf.advance(n);
        })
    }

    /// Sends by `write`, and grows a pipe that has no room for the first time.
    #[inline]
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let Self { fd: Some(fd), kind } = self else { return Poll::Ready(Err(closed())) };
        fd.poll_fd(cx, Direction::Send, |fd| {
            let mut sent = write(fd);
            let full = matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
            if full && *kind == (Kind::Pipe { grown: false }) {
                *kind = Kind::Pipe { grown: true };
                sys::grow_pipe(fd, GROWN);
                sent = write(fd);
            }
            sent
        })
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "this end was shut down")
}

impl AsyncRead for Io {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_read_or(cx, buf, |_| Ok(()))
    }
}

impl AsyncWrite for Io {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        match io.kind {
            Kind::Socket => io.poll_send(cx, |fd| sys::send(fd, buf)),
            Kind::Pipe { .. } => {
                let piece = &buf[..buf.len().min(PIECE)];
                io.poll_send(cx, |fd| sys::write(fd, piece))
            }
        }
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = self.get_mut();
        match io.kind {
            Kind::Socket => io.poll_send(cx, |fd| sys::send_vectored(fd, bufs)),
            Kind::Pipe { .. } => {
                let mut piece = [IoSlice::new(&[]); 8];
                let mut room = PIECE;
                for (slot, buf) in piece.iter_mut().zip(bufs) {
                    let len = buf.len().min(room);
                    *slot = IoSlice::new(&buf[..len]);
                    room -= len;
                }
                io.poll_send(cx, |fd| sys::write_vectored(fd, &piece))
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing to do: each write has reached the kernel when it returns.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Ends our direction: a socket is shut down for writing, a pipe's write end closed.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.get_mut();
        match (&io.fd, io.kind) {
            (Some(fd), Kind::Socket) => Poll::Ready(sys::shutdown_write(fd.as_fd())),
            _ => {
                io.fd = None;
                Poll::Ready(Ok(()))
            }
        }
    }
}
