//! A byte stream that is waited for with a strategy: TCP only, on tokio's own socket.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{
    Strategy,
    pace::{Pace, Step, yield_to_runtime},
};

/// A socket's bytes as `AsyncRead + AsyncWrite`, waited for with a [`Strategy`].
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use framewire::wait::Io;
///
/// let io = Io::tcp(tokio::net::TcpStream::connect("127.0.0.1:7000").await?)?;
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
/// Windows: TCP sockets. Unix: any stream socket or pipe.
#[derive(Debug)]
pub struct Io {
    stream: TcpStream,
    receive: Pace,
}

impl Io {
    /// Takes a TCP stream over.
    ///
    /// # Examples
    ///
    /// See [`Io`].
    ///
    /// # Errors
    ///
    /// None on this platform.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        Ok(Self { stream, receive: Pace::new(Strategy::default()) })
    }

    /// Waits with this strategy for what is received.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(io: framewire::wait::Io) {
    /// let io = io.strategy(framewire::wait::Strategy::Park);
    /// # }
    /// ```
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.receive = Pace::new(strategy);
        self
    }

    /// Sends what the socket takes at once, without waiting for the rest: for who is being dropped.
    #[cfg(feature = "tls")]
    pub(crate) fn send_now(&self, buf: &[u8]) -> io::Result<usize> {
        self.stream.try_write(buf)
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, receive } = self.get_mut();
        let mut fresh = true;
        while !receive.is_parked() {
            let read = stream.try_read(buf.initialize_unfilled());
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => {
                    receive.after_success();
                    return Poll::Ready(read.map(|n| buf.advance(n)));
                }
            }
            match receive.after_nothing(fresh) {
                Step::Try => fresh = false,
                Step::Yield => {
                    yield_to_runtime(cx);
                    return Poll::Pending;
                }
                Step::Park => break,
            }
        }
        let polled = Pin::new(stream).poll_read(cx, buf);
        match &polled {
            Poll::Ready(_) => receive.after_success(),
            Poll::Pending => receive.park(),
        }
        polled
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
