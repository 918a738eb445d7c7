//! What can be chosen about TCP.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};

use tracing::Instrument;

use super::{Connection, Listener, Socket};
use crate::{
    Endpoint, Error, ErrorKind, HostPort, Peer, Result,
    frame::{Frames, MAX_LEN},
    runtime,
    transport::{
        accept::Backlog,
        host::{bind_first, no_address, resolve},
    },
    wait::{Io, Strategy},
};

const EXPOSE: &str = "listen on 127.0.0.1 or [::1], or say `Options::exposed(true)`";

/// Options of listeners and connections.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use framewire::tcp;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let listener = tcp::listen("127.0.0.1:0").await?;
/// let address = listener.local_addr().to_string();
/// let client = tcp::Options::new().deadline(Duration::from_secs(1)).connect(address).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) max_len: usize,
    strategy: Strategy,
    pub(crate) deadline: Duration,
    keep_alive: bool,
    exposed: bool,
    backlog: u32,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            max_len: MAX_LEN,
            strategy: Strategy::default(),
            deadline: Duration::from_secs(5),
            keep_alive: true,
            exposed: false,
            backlog: 1024,
        }
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tcp::Options::new().max_len(64 << 20);
    /// ```
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// How connections wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{tcp, wait::Strategy};
    ///
    /// let options = tcp::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How long [`connect`](Self::connect) may take, name look-up included: 5 s.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether a peer that has gone silent is noticed, by probes after 15 s without traffic, every
    /// 5 s, three of them, and (Linux) after 30 s in which nothing we sent was confirmed: yes.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tcp::Options::new().keep_alive(false);
    /// ```
    pub fn keep_alive(mut self, keep_alive: bool) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// Whether [`listen`](Self::listen) accepts an address that other machines can reach: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, tcp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let refused = tcp::listen("0.0.0.0:0").await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Denied);
    /// # }
    /// ```
    pub fn exposed(mut self, exposed: bool) -> Self {
        self.exposed = exposed;
        self
    }

    /// How many connections can wait to be accepted: 1024, and no more than the system's limit.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tcp::Options::new().backlog(16);
    /// ```
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = backlog;
        self
    }

    /// Listens on `host:port`; port 0 lets the system choose.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`InUse`](ErrorKind::InUse): somebody listens there. [`Denied`](ErrorKind::Denied): the
    /// address can be reached from other machines and [`exposed`](Self::exposed) does not allow
    /// that, or the port needs privileges. [`Address`](ErrorKind::Address): not `host:port`, or a
    /// host that has no address.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing is bound before it is done.
    pub async fn listen(&self, address: impl Into<String>) -> Result<Listener> {
        self.listen_on(endpoint(address.into())?).await
    }

    /// The same for an endpoint of a protocol over TCP, which errors and events then name.
    pub(crate) async fn listen_on(&self, endpoint: Arc<Endpoint>) -> Result<Listener> {
        let bound = self.bind(&endpoint).await;
        bound.map_err(|error| error.doing("listen on").on(endpoint))
    }

    /// Connects to `host:port`, trying each of the host's addresses.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound): nobody listens there. [`TimedOut`](ErrorKind::TimedOut):
    /// no answer before the deadline. [`Address`](ErrorKind::Address): not `host:port`, or a host
    /// that has no address.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn connect(&self, address: impl Into<String>) -> Result<Connection> {
        self.connect_to(endpoint(address.into())?).await
    }

    /// The same for an endpoint of a protocol over TCP, which errors and events then name.
    pub(crate) async fn connect_to(&self, endpoint: Arc<Endpoint>) -> Result<Connection> {
        let span = tracing::debug_span!("connect", %endpoint);
        let connecting = async {
            let stream = self.stream(&endpoint).await?;
            let connection = self.connection(stream, &endpoint)?;
            tracing::debug!(peer = ?connection.peer(), "connected");
            Ok(connection)
        };
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(&endpoint));
        connecting.instrument(span).await.map_err(failed)
    }

    /// Connects, as long as the deadline allows.
    async fn stream(&self, endpoint: &Endpoint) -> Result<TcpStream> {
        match runtime::timeout(self.deadline, connect(endpoint))?.await {
            Ok(connected) => connected,
            Err(_) => {
                Err(Error::new(ErrorKind::TimedOut, format!("no answer in {:?}", self.deadline))
                    .remedy("is a firewall dropping it? raise `Options::deadline` otherwise"))
            }
        }
    }

    async fn bind(&self, endpoint: &Arc<Endpoint>) -> Result<Listener> {
        let found = resolve(host(endpoint)?).await?;
        let listener = bind_first(found, self.exposed, EXPOSE, |addr| self.bind_to(addr))?;
        Listener::new(listener, Backlog::new(), self.clone(), endpoint)
    }

    fn bind_to(&self, addr: SocketAddr) -> io::Result<tokio::net::TcpListener> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Elsewhere than on Windows this only lets go of a port that closed connections linger on.
        if cfg!(unix) {
            socket.set_reuseaddr(true)?;
        }
        socket.bind(addr)?;
        runtime::with_io(|| socket.listen(self.backlog))
    }

    /// Sets the stream up and frames it.
    pub(super) fn connection(
        &self,
        stream: TcpStream,
        endpoint: &Arc<Endpoint>,
    ) -> Result<Connection> {
        stream.set_nodelay(true)?;
        if self.keep_alive {
            keep_alive(&stream)?;
        }
        let peer = Peer { addr: Some(stream.peer_addr()?), ..Peer::default() };
        let io = Io::tcp(stream)?.strategy(self.strategy);
        let frames = Frames::new(Socket::new(io, peer)).max_len(self.max_len);
        Ok(frames.on(Arc::clone(endpoint)))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

fn host(endpoint: &Endpoint) -> Result<&HostPort> {
    match endpoint {
        Endpoint::Tcp(address) | Endpoint::Tls(address) => Ok(address),
        _ => Err(no_address()),
    }
}

fn endpoint(address: String) -> Result<Arc<Endpoint>> {
    Ok(Arc::new(Endpoint::Tcp(address.parse::<HostPort>()?)))
}

fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(15));
    socket.set_tcp_keepalive(&probes.with_interval(Duration::from_secs(5)).with_retries(3))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(30)))?;
    Ok(())
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream> {
    let mut last = None;
    for addr in resolve(host(endpoint)?).await? {
        match runtime::wait_with_io(TcpStream::connect(addr)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(not_connected(error)),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

/// Says what can be done where nobody answers.
fn not_connected(error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there: start the listener first",
        _ => return error.into(),
    };
    Error::from(error).remedy(remedy)
}
