//! What can be chosen about Unix sockets.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use interprocess::os::unix::uds_local_socket::Stream;
use rustix::net::SocketType;
use tracing::Instrument;

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::seqpacket;
use super::{Allow, Connection, Listener, Socket, connect, datagram};
use crate::{
    Endpoint, Error, Peer, Result, SocketName,
    frame::{Frames, MAX_LEN},
    sys,
    wait::{Io, Strategy},
};

/// How many descriptors a message carries, unless told otherwise.
const DESCRIPTORS: usize = 16;

/// Options of listeners, connections and pairs.
///
/// # Examples
///
/// ```
/// use framewire::unix;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("e.sock");
/// let listener = unix::Options::new().max_len(64 << 20).mode(0o660).listen(path).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(in crate::transport) max_len: Option<usize>,
    pub(super) max_descriptors: usize,
    pub(in crate::transport) strategy: Strategy,
    pub(super) allow: Option<Allow>,
    pub(super) pidfd: bool,
    pub(in crate::transport) deadline: Duration,
    pub(super) wait_for_listener: bool,
    pub(super) backlog: u32,
    pub(super) mode: u32,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            max_len: None,
            max_descriptors: DESCRIPTORS,
            strategy: Strategy::default(),
            allow: None,
            pidfd: false,
            deadline: Duration::from_secs(5),
            wait_for_listener: false,
            backlog: 1024,
            mode: 0o600,
        }
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB; for
    /// [`seqpacket`](super::seqpacket) what the system's send buffers take.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::Options::new().max_len(64 << 20);
    /// ```
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = Some(max_len);
        self
    }

    /// The most descriptors that are sent and accepted with one message, where a connection is
    /// [`detailed`](Connection::detailed): 16, and 253 at most.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::Options::new().max_descriptors(1);
    /// ```
    pub fn max_descriptors(mut self, max_descriptors: usize) -> Self {
        self.max_descriptors = max_descriptors.min(sys::MAX_DESCRIPTORS);
        self
    }

    /// How connections wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{unix, wait::Strategy};
    ///
    /// let options = unix::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Who may be at the other end: for paths anyone whom the socket's mode lets in, for abstract
    /// names processes of our user and root.
    ///
    /// # Examples
    ///
    /// See [`Allow`].
    pub fn allow(mut self, allow: Allow) -> Self {
        self.allow = Some(allow);
        self
    }

    /// Whether [`Peer::pidfd`] is taken for each connection, which costs a descriptor: no.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::Options::new().pidfd(true);
    /// ```
    ///
    /// # Platform
    ///
    /// Linux from 6.5; elsewhere it makes no difference.
    pub fn pidfd(mut self, pidfd: bool) -> Self {
        self.pidfd = pidfd;
        self
    }

    /// How long [`connect`](Self::connect) tries again while the listener's backlog is full, or,
    /// with [`wait_for_listener`](Self::wait_for_listener), nobody listens: 5 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let options = framewire::unix::Options::new().deadline(Duration::from_millis(100));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether [`connect`](Self::connect) also tries again while nobody listens yet: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::unix;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("e.sock");
    /// let late = unix::Options::new().wait_for_listener(true);
    /// let (client, _listener) = tokio::try_join!(late.connect(&*path), async {
    ///     tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    ///     unix::listen(&*path).await
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_for_listener(mut self, wait: bool) -> Self {
        self.wait_for_listener = wait;
        self
    }

    /// How many connections can wait to be accepted: 1024, and no more than
    /// `/proc/sys/net/core/somaxconn`.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::Options::new().backlog(16);
    /// ```
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = backlog;
        self
    }

    /// The mode of the socket file, which says who may connect: 0600. It holds before the name
    /// exists, whatever the umask.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The same options for sockets that keep the boundaries of messages.
    ///
    /// # Examples
    ///
    /// See [`seqpacket::Options`].
    ///
    /// # Platform
    ///
    /// Linux and Android.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn seqpacket(self) -> seqpacket::Options {
        seqpacket::Options::from(self)
    }

    /// The same options for datagrams.
    ///
    /// # Examples
    ///
    /// See [`datagram::Options`].
    pub fn datagram(self) -> datagram::Options {
        datagram::Options::from(self)
    }

    /// Listens on a name.
    ///
    /// A socket file that a killed process left is replaced; one that somebody listens on is not,
    /// nor anything that is not a socket. The name appears in one step, is removed when the
    /// listener is dropped, and only if it still is the listener's own.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): somebody listens on the name.
    /// [`Denied`](crate::ErrorKind::Denied): something else has the name, or others can write to
    /// its directory. [`Address`](crate::ErrorKind::Address): the name is too long.
    /// [`NotFound`](crate::ErrorKind::NotFound): there is no such directory.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    ///
    /// # Platform
    ///
    /// Abstract names are [`Unsupported`](crate::ErrorKind::Unsupported) outside Linux and Android.
    pub async fn listen(&self, name: impl Into<SocketName>) -> Result<Listener> {
        let name = name.into();
        let endpoint = Arc::new(Endpoint::Unix(name.clone()));
        let listener = Listener::bind(self, &name, Arc::clone(&endpoint));
        listener.map_err(|error| error.doing("listen on").on(endpoint))
    }

    /// Connects to a name.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): nobody listens there.
    /// [`TimedOut`](crate::ErrorKind::TimedOut): the backlog was full until the deadline, or nobody
    /// listened until then where that is waited for.
    /// [`Denied`](crate::ErrorKind::Denied): no permission, or the listener's user is not on our
    /// list.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn connect(&self, name: impl Into<SocketName>) -> Result<Connection> {
        let name = name.into();
        let endpoint = Arc::new(Endpoint::Unix(name.clone()));
        let span = tracing::debug_span!("connect", %endpoint);
        let connecting = async {
            let socket = connect::connect(self, &name, SocketType::STREAM).await?;
            let (socket, peer) = self.admit(socket, &endpoint)?;
            tracing::debug!(?peer, "connected");
            Ok(self.frames(socket, peer)?.on(Arc::clone(&endpoint)))
        };
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(&endpoint));
        connecting.instrument(span).await.map_err(failed)
    }

    /// Two connected ends without a name.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, theirs) = framewire::unix::Options::new().max_len(1 << 10).pair()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What socketpair(2) answers, and when there is no Tokio runtime here.
    pub fn pair(&self) -> Result<(Connection, Connection)> {
        let (ours, theirs) = UnixStream::pair()?;
        let end = |end: UnixStream| {
            let (socket, peer) = self.look(end.into())?;
            self.frames(socket, peer)
        };
        Ok((end(ours)?, end(theirs)?))
    }

    /// Looks who is there.
    pub(in crate::transport) fn look(&self, socket: OwnedFd) -> Result<(OwnedFd, Peer)> {
        let socket = Stream::from(UnixStream::from(socket));
        let peer = sys::peer(&socket, self.pidfd)?;
        Ok((socket.into(), peer))
    }

    /// Looks who is there, and whether they may be.
    pub(in crate::transport) fn admit(
        &self,
        socket: OwnedFd,
        endpoint: &Endpoint,
    ) -> Result<(OwnedFd, Peer)> {
        let (socket, peer) = self.look(socket)?;
        self.check(&peer, endpoint)?;
        Ok((socket, peer))
    }

    /// Whether this peer may be at the other end.
    pub(crate) fn check(&self, peer: &Peer, endpoint: &Endpoint) -> Result<()> {
        use Endpoint::{Datagram, Seqpacket, Shm, Unix};

        match (&self.allow, endpoint) {
            (Some(allow), _) => allow.check(peer),
            // Such a name has no permissions.
            (None, Unix(name) | Seqpacket(name) | Datagram(name) | Shm(name))
                if matches!(name, SocketName::Abstract(_)) =>
            {
                Allow::same_user().check(peer)
            }
            (None, _) => Ok(()),
        }
    }

    pub(super) fn frames(&self, socket: OwnedFd, peer: Peer) -> Result<Connection> {
        let io = Io::socket(socket)?.strategy(self.strategy);
        let max_len = self.max_len.unwrap_or(MAX_LEN);
        let socket = Socket::new(io, peer).with_max_descriptors(self.max_descriptors);
        Ok(Frames::new(socket).max_len(max_len))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
