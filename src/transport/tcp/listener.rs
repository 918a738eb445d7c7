//! Listening.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;
use tokio::net::TcpListener;

use super::{Connection, Options};
#[cfg(unix)]
use crate::handover::{Handle, Held};
use crate::{BoxListener, Endpoint, HostPort, Result, transport::accept::Backlog};

/// The socket, shared with who may hand it over.
#[cfg(unix)]
type Shared = Arc<Held<TcpListener>>;
#[cfg(not(unix))]
type Shared = Arc<TcpListener>;

/// An address that is listened on: a `Stream` of those who connect, which never ends.
///
/// Where descriptors run out, it turns a waiting peer away, pauses and goes on: an event for
/// `tracing`, not an item of the stream.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// `next` is cancel-safe: a connection that was accepted is never dropped.
#[derive(Debug)]
pub struct Listener {
    listener: Shared,
    backlog: Backlog,
    options: Options,
    addr: SocketAddr,
    endpoint: Arc<Endpoint>,
}

impl Listener {
    pub(super) fn new(
        listener: TcpListener,
        backlog: Backlog,
        options: Options,
        asked: &Arc<Endpoint>,
    ) -> Result<Self> {
        let addr = listener.local_addr()?;
        // Where the system was to choose the port, the endpoint tells which it chose.
        let chosen = |host: &str| HostPort { host: host.into(), port: addr.port() };
        let endpoint = match &**asked {
            Endpoint::Tcp(HostPort { host, port: 0 }) => Arc::new(Endpoint::Tcp(chosen(host))),
            Endpoint::Tls(HostPort { host, port: 0 }) => Arc::new(Endpoint::Tls(chosen(host))),
            _ => Arc::clone(asked),
        };
        tracing::debug!(%endpoint, "listening");
        #[cfg(unix)]
        let listener = Held::new(listener, None);
        #[cfg(not(unix))]
        let listener = Arc::new(listener);
        Ok(Self { listener, backlog, options, addr, endpoint })
    }

    /// The address and port that are listened on.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint that is listened on, with the port that the system chose.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let listener = framewire::tcp::listen("127.0.0.1:0").await?;
    /// let port = listener.local_addr().port();
    /// assert_eq!(listener.endpoint().to_string(), format!("tcp://127.0.0.1:{port}"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What to hand this listener over to another process with, while it is in use.
    ///
    /// # Examples
    ///
    /// See [`handover`](crate::handover).
    ///
    /// # Platform
    ///
    /// Unix.
    #[cfg(unix)]
    pub fn handle(&self) -> Handle {
        Handle::of(self.listener.clone())
    }
}

impl From<Listener> for BoxListener {
    fn from(listener: Listener) -> Self {
        let endpoint = listener.endpoint().clone();
        #[cfg(unix)]
        {
            let handle = listener.handle();
            Self::new(endpoint, listener).with_handle(handle)
        }
        #[cfg(not(unix))]
        Self::new(endpoint, listener)
    }
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { listener, backlog, options, endpoint, .. } = self.get_mut();
        let _entered = tracing::debug_span!("accept", %endpoint).entered();
        let accepted = ready!(backlog.poll_accept(cx, |cx| listener.poll_accept(cx)));
        let connection = match accepted {
            Ok((stream, _)) => options.connection(stream, endpoint),
            Err(error) => Err(error.into()),
        };
        Poll::Ready(Some(match connection {
            Ok(connection) => {
                tracing::debug!(peer = ?connection.peer(), "accepted");
                Ok(connection)
            }
            Err(error) => Err(error.doing("accept on").on(Arc::clone(endpoint))),
        }))
    }
}
