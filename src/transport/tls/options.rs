//! What can be chosen about TLS.

use std::{sync::Arc, time::Duration};

use tokio::{sync::OnceCell, task::spawn_blocking, time::Instant};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, ServerConfig},
};
use tracing::Instrument;

use super::{
    Certificate, Connection, Identity, Listener, Socket, config,
    refusal::{Phase, Side, explained},
    socket::wire,
};
use crate::{
    Endpoint, Error, ErrorKind, HostPort, Result, frame::Frames, runtime, tcp, wait::Strategy,
};

/// Options of listeners and connections.
///
/// What TCP has besides can be chosen there first: it is `From<tcp::Options>`.
///
/// # Examples
///
/// ```
/// use framewire::{tcp, tls};
///
/// # fn main() -> framewire::Result<()> {
/// let identity = tls::Identity::self_signed(["localhost"])?;
/// let options = tls::Options::from(tcp::Options::new().keep_alive(false)).identity(identity);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    tcp: tcp::Options,
    identity: Option<Identity>,
    /// `None`: those of the system.
    trust: Option<Vec<Certificate>>,
    /// `None`: everybody.
    clients: Option<Vec<Certificate>>,
    server_name: Option<String>,
    handshakes: usize,
    server_config: Option<Arc<ServerConfig>>,
    client_config: Option<Arc<ClientConfig>>,
    /// What the identity and the trust come to for a client, made when it first connects.
    made: Arc<OnceCell<Arc<ClientConfig>>>,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        tcp::Options::new().into()
    }

    /// Who we are: a listener has to say, a client where the listener demands it. Nobody.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self.made = Arc::default();
        self
    }

    /// Whom a client believes: servers that show one of these certificates, or one that is signed
    /// by one of these. Those of the system, or of the file that `SSL_CERT_FILE` names.
    ///
    /// The system's are read when these options, or a clone, first connect.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    pub fn trust(mut self, certificates: impl IntoIterator<Item = Certificate>) -> Self {
        self.trust = Some(certificates.into_iter().collect());
        self.made = Arc::default();
        self
    }

    /// Whom a listener lets in: clients that show one of these certificates, or one that is signed
    /// by one of these. Everybody, whatever they show.
    ///
    /// # Examples
    ///
    /// Each end knows the other:
    ///
    /// ```
    /// use framewire::tls::{self, Identity};
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let server = Identity::self_signed(["localhost"])?;
    /// let client = Identity::self_signed(["worker-7"])?;
    /// let (servers, clients) = ([server.certificate()], [client.certificate()]);
    ///
    /// let listening = tls::Options::new().identity(server).require_client(clients.clone());
    /// let mut listener = listening.listen("localhost:0").await?;
    /// let address = format!("localhost:{}", listener.local_addr().port());
    /// let calling = tls::Options::new().identity(client).trust(servers);
    /// let (ours, theirs) = tokio::join!(calling.connect(address), listener.next());
    ///
    /// let theirs = theirs.expect("a listener never ends")?;
    /// assert_eq!(theirs.peer().certificates(), clients);
    /// # Ok(())
    /// # }
    /// ```
    pub fn require_client(mut self, certificates: impl IntoIterator<Item = Certificate>) -> Self {
        self.clients = Some(certificates.into_iter().collect());
        self
    }

    /// The name that the server's certificate must have: the host that is connected to.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tls::Options::new().server_name("build.internal");
    /// ```
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// How many handshakes a listener has going on at a time: 256. Where there are so many, the
    /// oldest makes room for the next who comes once it has taken a tenth of the
    /// [`deadline`](Self::deadline).
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tls::Options::new().handshakes(1024);
    /// ```
    pub fn handshakes(mut self, most: usize) -> Self {
        self.handshakes = most;
        self
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tls::Options::new().max_len(64 << 20);
    /// ```
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.tcp = self.tcp.max_len(max_len);
        self
    }

    /// How connections wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{tls, wait::Strategy};
    ///
    /// let options = tls::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.tcp = self.tcp.strategy(strategy);
        self
    }

    /// How long [`connect`](Self::connect) may take, name look-up and handshake included, and each
    /// handshake of a listener: 5 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let options = framewire::tls::Options::new().deadline(Duration::from_secs(1));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.tcp = self.tcp.deadline(deadline);
        self
    }

    /// Whether [`listen`](Self::listen) accepts an address that other machines can reach: no.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::tls::Options::new().exposed(true);
    /// ```
    pub fn exposed(mut self, exposed: bool) -> Self {
        self.tcp = self.tcp.exposed(exposed);
        self
    }

    /// What rustls is to do for a listener, instead of what the options above come to: to choose
    /// certificates by the name that is asked for, exchange them while it runs, or read revocation
    /// lists.
    ///
    /// A client that ends without having read a session ticket resets the connection, which can
    /// cost the server what it had not read: set `send_tls13_tickets` to 0 where clients may only
    /// send.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use framewire::tls::{self, rustls::ServerConfig};
    ///
    /// fn listening(config: ServerConfig) -> tls::Options {
    ///     tls::Options::new().server_config(Arc::new(config))
    /// }
    /// ```
    pub fn server_config(mut self, config: Arc<ServerConfig>) -> Self {
        self.server_config = Some(config);
        self
    }

    /// What rustls is to do for a client, instead of what the options above come to.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use framewire::tls::{self, rustls::ClientConfig};
    ///
    /// fn calling(config: ClientConfig) -> tls::Options {
    ///     tls::Options::new().client_config(Arc::new(config))
    /// }
    /// ```
    pub fn client_config(mut self, config: Arc<ClientConfig>) -> Self {
        self.client_config = Some(config);
        self
    }

    /// Listens on `host:port`; port 0 lets the system choose.
    ///
    /// # Examples
    ///
    /// See [`require_client`](Self::require_client).
    ///
    /// # Errors
    ///
    /// [`Denied`](ErrorKind::Denied): there is no [`identity`](Self::identity) to show, or one of
    /// the certificates cannot be used. Else as [`tcp::Options::listen`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing is bound before it is done.
    pub async fn listen(&self, address: impl Into<String>) -> Result<Listener> {
        let endpoint = endpoint(address.into())?;
        let config = self.server();
        let config = config.map_err(|error| error.doing("listen on").on(Arc::clone(&endpoint)))?;
        let tcp = self.tcp.listen_on(endpoint).await?;
        Ok(Listener::new(tcp, &self.tcp, config, self.handshakes))
    }

    /// Connects to `host:port`, trying each of the host's addresses, and shakes hands with who
    /// answers.
    ///
    /// Where the server demands a certificate and does not like ours, the first receive tells it:
    /// in TLS 1.3 a client is done before the server has looked.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::tls;
    ///
    /// # async fn example() -> framewire::Result<()> {
    /// let connection = tls::Options::new().connect("build.example.org:7000").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Denied`](ErrorKind::Denied): the server's certificate is not for this host, or signed by
    /// nobody whom we trust, or out of date. [`Malformed`](ErrorKind::Malformed): what answers does
    /// not speak TLS. [`Unsupported`](ErrorKind::Unsupported): it does not speak TLS 1.3.
    /// [`Closed`](ErrorKind::Closed): it ended during the handshake.
    /// [`TimedOut`](ErrorKind::TimedOut): it was not done before the deadline.
    /// [`NotFound`](ErrorKind::NotFound): the system has no root certificates. Else as
    /// [`tcp::Options::connect`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn connect(&self, address: impl Into<String>) -> Result<Connection> {
        let host = address.into().parse::<HostPort>()?;
        let endpoint = Arc::new(Endpoint::Tls(host.clone()));
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(&endpoint));
        let config = self.client().await.map_err(failed)?;
        let name = self.server_name.as_deref().unwrap_or(&host.host);
        let name = config::server_name(name).map_err(failed)?;

        let begun = Instant::now();
        let tcp = self.tcp.connect_to(Arc::clone(&endpoint)).await?.into_io().0;
        let left = self.tcp.deadline.saturating_sub(begun.elapsed());
        let span = tracing::debug_span!("handshake", %endpoint, peer = ?tcp.peer().addr());
        let shaken = async {
            let connect = TlsConnector::from(config).connect(name, wire(tcp));
            match runtime::timeout(left, connect)?.await {
                Ok(Ok(stream)) => Ok(Socket::new(stream.into())),
                Ok(Err(error)) => Err(explained(error, Side::Client, Phase::Handshake)),
                Err(_) => Err(Error::new(
                    ErrorKind::TimedOut,
                    format!("connected, and no handshake in {:?}", self.tcp.deadline),
                )
                .remedy("does it speak TLS? raise `Options::deadline` otherwise")),
            }
        };
        let socket = shaken.instrument(span).await.map_err(failed)?;
        Ok(Frames::new(socket).max_len(self.tcp.max_len).on(endpoint))
    }

    fn server(&self) -> Result<Arc<ServerConfig>> {
        match (&self.server_config, &self.identity) {
            (Some(config), _) => Ok(Arc::clone(config)),
            (None, Some(identity)) => config::server(identity, self.clients.as_deref()),
            (None, None) => Err(Error::new(
                ErrorKind::Denied,
                "a TLS listener has to show a certificate, and was given none",
            )
            .remedy("give `tls::Options::identity` one: `Identity::from_pem` or `self_signed`")),
        }
    }

    async fn client(&self) -> Result<Arc<ClientConfig>> {
        if let Some(config) = &self.client_config {
            return Ok(Arc::clone(config));
        }
        let made = self.made.get_or_try_init(|| async {
            let roots = match &self.trust {
                Some(given) => config::given(given),
                None => systems().await,
            };
            config::client(self.identity.as_ref(), roots?)
        });
        made.await.cloned()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// With the defaults of TLS, over TCP as it was chosen.
impl From<tcp::Options> for Options {
    fn from(tcp: tcp::Options) -> Self {
        Self {
            tcp,
            identity: None,
            trust: None,
            clients: None,
            server_name: None,
            handshakes: 256,
            server_config: None,
            client_config: None,
            made: Arc::default(),
        }
    }
}

/// The roots of the system, read where that holds up nobody.
async fn systems() -> Result<RootCertStore> {
    runtime::here()?;
    match spawn_blocking(config::systems).await {
        Ok(read) => read,
        Err(ended) => Err(Error::new(ErrorKind::Io, ended)),
    }
}

fn endpoint(address: String) -> Result<Arc<Endpoint>> {
    Ok(Arc::new(Endpoint::Tls(address.parse::<HostPort>()?)))
}
