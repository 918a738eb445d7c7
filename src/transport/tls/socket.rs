//! The bytes of a connection, encrypted below and plain here.

use std::{
    io::{self, IoSlice, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio_rustls::{
    TlsStream,
    rustls::{self, ConnectionCommon, SideData},
};

use super::refusal::{Phase, Side, explained};
use crate::{
    Accepted, Endpoint, Error, ErrorKind, Peer, frame::Frames, serve::Incoming, transport::socket,
    wait::Io,
};

/// How much is read in one call, in bytes: a record. rustls asks for 4 KiB at a time.
const READ: usize = 16 * 1024;

/// The encrypted side.
pub(super) type Wire = BufReader<socket::Socket>;

pub(super) fn wire(socket: socket::Socket) -> Wire {
    BufReader::with_capacity(READ, socket)
}

/// The bytes of a connection, and who is at its other end.
///
/// Shutting it down ends our direction with TLS's `close_notify`, and the other goes on. Dropping
/// it says the same as far as that can be done without waiting. Where the peer ends without it,
/// reading answers [`Truncated`](ErrorKind::Truncated): somebody may have cut the stream.
///
/// # Examples
///
/// A connection with another framing: lines.
///
/// ```
/// use framewire::tls;
/// use futures::StreamExt;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio_util::codec::{FramedRead, LinesCodec};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let identity = tls::Identity::self_signed(["localhost"])?;
/// # let options = tls::Options::new().trust([identity.certificate()]);
/// # let mut listener = tls::listen("localhost:0", identity).await?;
/// # let address = format!("localhost:{}", listener.local_addr().port());
/// # let (ours, theirs) = tokio::join!(options.connect(address), listener.next());
/// # let (ours, theirs) = (ours?, theirs.expect("a listener never ends")?);
/// let (mut theirs, _) = theirs.into_io();
/// theirs.write_all(b"one\ntwo\n").await?;
/// theirs.shutdown().await?;
///
/// let (socket, leftover) = ours.into_io();
/// let lines = FramedRead::new(leftover.chain(socket), LinesCodec::new());
/// assert_eq!(lines.count().await, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Socket {
    stream: TlsStream<Wire>,
    peer: Peer,
    /// Why the next read fails: what had arrived before was handed out first.
    failed: Option<io::Error>,
    /// Our end was said.
    shut: bool,
}

impl Socket {
    pub(super) fn new(stream: TlsStream<Wire>) -> Self {
        let (wire, session) = stream.get_ref();
        let certificates = session.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().cloned().map(Into::into).collect();
        let peer = Peer { certificates, ..wire.get_ref().peer().clone() };
        Self { stream, peer, failed: None, shut: false }
    }

    /// Who is at the other end: its address, and the certificates that it showed.
    ///
    /// # Examples
    ///
    /// See [`Connection::peer`](Frames::peer).
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    fn side(&self) -> Side {
        match self.stream {
            TlsStream::Client(_) => Side::Client,
            TlsStream::Server(_) => Side::Server,
        }
    }

    fn explained(&self, error: io::Error) -> io::Error {
        explained(error, self.side(), Phase::Messages).into()
    }

    /// A peer that is gone may have said why before it went.
    #[cold]
    fn not_written(&mut self, cx: &mut Context<'_>, error: io::Error) -> io::Error {
        let error = Error::from(error);
        if error.kind() == ErrorKind::Closed && !self.shut {
            if let Poll::Ready(Err(reason)) = Pin::new(&mut self.stream).poll_fill_buf(cx) {
                if reason.kind() == io::ErrorKind::InvalidData {
                    return self.explained(reason);
                }
            }
        }
        error.into()
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match polled {
            Poll::Ready(Err(error)) => Poll::Ready(Err(self.not_written(cx, error))),
            done => done,
        }
    }

    /// What has arrived and was not read.
    fn poll_plain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { stream, shut, .. } = self;
        let stream = Pin::new(stream);
        if !*shut {
            return stream.poll_fill_buf(cx);
        }
        // Once our end was said, rustls 0.23 panics at what breaks the protocol, where its debug
        // assertions are compiled in.
        let polled = catch_unwind(AssertUnwindSafe(move || stream.poll_fill_buf(cx)));
        let broken = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        polled.unwrap_or_else(|_| Poll::Ready(Err(broken())))
    }

    /// Whether more can be read without asking the kernel for it.
    fn has_more(&self) -> bool {
        let (wire, session) = self.stream.get_ref();
        !wire.buffer().is_empty() || !session.wants_read()
    }
}

/// Says goodbye, unless that was done or would have to wait.
impl Drop for Socket {
    fn drop(&mut self) {
        match &mut self.stream {
            TlsStream::Client(stream) => {
                let (wire, session) = stream.get_mut();
                goodbye(wire.get_ref().io(), session);
            }
            TlsStream::Server(stream) => {
                let (wire, session) = stream.get_mut();
                goodbye(wire.get_ref().io(), session);
            }
        }
    }
}

fn goodbye<S: SideData>(io: &Io, session: &mut ConnectionCommon<S>) {
    session.send_close_notify();
    while session.wants_write() {
        if !matches!(session.write_tls(&mut Now(io)), Ok(1..)) {
            return;
        }
    }
}

/// Writes what is taken at once.
struct Now<'a>(&'a Io);

impl Write for Now<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.send_now(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Frames<Socket> {
    /// Who is at the other end: its address, and the certificates that it showed.
    ///
    /// # Examples
    ///
    /// See [`tls::Options::require_client`](super::Options::require_client).
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
    /// Reads as many records as have arrived and fit.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if let Some(error) = socket.failed.take() {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        loop {
            let got_some = buf.filled().len() > before;
            match socket.poll_plain(cx) {
                Poll::Ready(Ok([])) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(plain)) => {
                    let len = plain.len().min(buf.remaining());
                    buf.put_slice(&plain[..len]);
                    Pin::new(&mut socket.stream).consume(len);
                }
                Poll::Ready(Err(error)) => {
                    let error = socket.explained(error);
                    if !got_some {
                        return Poll::Ready(Err(error));
                    }
                    socket.failed = Some(error);
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending if got_some => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
            // Asking the kernel once more would begin a wait, where there is work to do.
            if buf.remaining() == 0 || !socket.has_more() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        if socket.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let polled = Pin::new(&mut socket.stream).poll_write(cx, buf);
        socket.written(cx, polled)
    }

    /// One record holds many of the pieces.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        if socket.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let polled = Pin::new(&mut socket.stream).poll_write_vectored(cx, bufs);
        socket.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Sends what was encrypted and had not gone out.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let polled = Pin::new(&mut socket.stream).poll_flush(cx);
        socket.written(cx, polled)
    }

    /// Ends our direction: the rest, then `close_notify`.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        let polled = Pin::new(&mut socket.stream).poll_shutdown(cx);
        let done = socket.written(cx, polled);
        socket.shut = true;
        done
    }
}
