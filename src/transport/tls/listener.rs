//! Listening.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tracing::Instrument;

use super::{
    Connection, Socket,
    refusal::{Phase, Side, explained},
    socket::{Wire, wire},
};
use crate::{
    Endpoint, Error, ErrorKind, Result,
    frame::Frames,
    runtime, tcp,
    transport::{handshakes::Handshakes, socket::Socket as Tcp},
};

/// How much of its deadline a handshake may take where another waits for its place.
const SHARE: u32 = 10;
/// How long, and for how many bytes, a client that was refused may still send: were the connection
/// closed at once, that would reset it, and could cost the client the reason.
const LINGER: Duration = Duration::from_secs(1);
const DREGS: u64 = 64 * 1024;

/// An address that is listened on: a `Stream` of those whose handshake succeeded, which never ends.
///
/// Handshakes go on side by side while the stream is polled, so that a client that is slow or
/// silent holds up nobody. One that fails is an event for `tracing`, not an item of the stream.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// `next` is cancel-safe: handshakes that have begun go on with the next call.
#[derive(Debug)]
pub struct Listener {
    tcp: tcp::Listener,
    /// Accepted, and without a place among the handshakes.
    waiting: Option<Tcp>,
    handshakes: Handshakes<Option<Connection>>,
    config: Arc<ServerConfig>,
    endpoint: Arc<Endpoint>,
    deadline: Duration,
    max_len: usize,
}

impl Listener {
    pub(super) fn new(
        tcp: tcp::Listener,
        options: &tcp::Options,
        config: Arc<ServerConfig>,
        most: usize,
    ) -> Self {
        Self {
            waiting: None,
            handshakes: Handshakes::new(most, options.deadline / SHARE),
            config,
            endpoint: Arc::new(tcp.endpoint().clone()),
            deadline: options.deadline,
            max_len: options.max_len,
            tcp,
        }
    }

    /// The address and port that are listened on.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    pub fn local_addr(&self) -> SocketAddr {
        self.tcp.local_addr()
    }

    /// The endpoint that is listened on, with the port that the system chose.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::tls::{self, Identity};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let identity = Identity::self_signed(["localhost"])?;
    /// let listener = tls::listen("localhost:0", identity).await?;
    /// let port = listener.local_addr().port();
    /// assert_eq!(listener.endpoint().to_string(), format!("tls://localhost:{port}"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Begins the handshake with who was accepted.
    fn begin(&mut self, socket: Tcp) -> io::Result<()> {
        let endpoint = Arc::clone(&self.endpoint);
        let span = tracing::debug_span!("handshake", %endpoint, peer = ?socket.peer().addr());
        let shaken = handshake(TlsAcceptor::from(Arc::clone(&self.config)), socket);
        let shaken = runtime::timeout(self.deadline, shaken)?;
        let (deadline, max_len) = (self.deadline, self.max_len);
        let outcome = async move {
            let failed = match shaken.await {
                Ok(Ok(socket)) => {
                    tracing::debug!("done");
                    return Some(Frames::new(socket).max_len(max_len).on(endpoint));
                }
                Ok(Err((error, wire))) => {
                    linger(wire).await;
                    explained(error, Side::Server, Phase::Handshake)
                }
                Err(_) => {
                    let cause = format!("the client has not done it in {deadline:?}");
                    Error::new(ErrorKind::TimedOut, cause)
                }
            };
            tracing::debug!(kind = ?failed.kind(), error = %failed, "failed");
            None
        };
        self.handshakes.begin(outcome.instrument(span));
        Ok(())
    }
}

async fn handshake(acceptor: TlsAcceptor, socket: Tcp) -> Result<Socket, (io::Error, Wire)> {
    let stream = acceptor.accept(wire(socket)).into_fallible().await?;
    Ok(Socket::new(stream.into()))
}

/// Ends our direction, and drops what still comes.
async fn linger(mut wire: Wire) {
    let dropped = async {
        wire.shutdown().await?;
        tokio::io::copy(&mut wire.take(DREGS), &mut tokio::io::sink()).await
    };
    // It is refused either way.
    let _ = timeout(LINGER, dropped).await;
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = self.get_mut();
        loop {
            while let Poll::Ready(ended) = listener.handshakes.poll_ended(cx) {
                if let Some(connection) = ended {
                    return Poll::Ready(Some(Ok(connection)));
                }
            }
            if listener.waiting.is_none() {
                match ready!(Pin::new(&mut listener.tcp).poll_next(cx)) {
                    Some(Ok(connection)) => listener.waiting = Some(connection.into_io().0),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => return Poll::Ready(None),
                }
            }
            ready!(listener.handshakes.poll_room(cx));
            if let Some(Err(error)) = listener.waiting.take().map(|tcp| listener.begin(tcp)) {
                let error = Error::from(error).doing("accept on");
                return Poll::Ready(Some(Err(error.on(Arc::clone(&listener.endpoint)))));
            }
        }
    }
}
