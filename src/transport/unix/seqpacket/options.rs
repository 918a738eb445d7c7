//! What can be chosen about sockets that keep boundaries.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use rustix::net::SocketType;
use tracing::Instrument;

use super::{super::connect, Connection, Listener, Socket};
use crate::{
    Endpoint, Error, Peer, Result, SocketName,
    handover::Inherited,
    message::Messages,
    sys, unix,
    wait::{Fd, Strategy},
};

/// Options of listeners, connections and pairs: those of stream sockets, and two of their own.
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
/// let listener = unix::Options::new().mode(0o660).seqpacket().listen(path).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) unix: unix::Options,
}

impl Options {
    /// The defaults, each named at the method that changes it, here or at
    /// [`unix::Options`](super::super::Options).
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self { unix: unix::Options::new() }
    }

    /// The largest message that is sent and accepted, in bytes: what the system's default send
    /// buffer takes (`/proc/sys/net/core/wmem_default` less 32).
    ///
    /// For more, the send buffer is asked to grow; the system's limit on that is
    /// `/proc/sys/net/core/wmem_max`, and what cannot be had is neither sent nor accepted.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use framewire::{ErrorKind, unix::seqpacket};
    /// use futures::SinkExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (mut ours, _theirs) = seqpacket::Options::new().max_len(1000).pair()?;
    /// let refused = ours.send(Bytes::from(vec![0; 1001])).await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::TooLarge);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.unix = self.unix.max_len(max_len);
        self
    }

    /// How connections wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{unix::seqpacket, wait::Strategy};
    ///
    /// let options = seqpacket::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.unix = self.unix.strategy(strategy);
        self
    }

    /// Listens on a name.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    ///
    /// # Errors
    ///
    /// As [`unix::Options::listen`](super::super::Options::listen).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn listen(&self, name: impl Into<SocketName>) -> Result<Listener> {
        let name = name.into();
        let endpoint = Arc::new(Endpoint::Seqpacket(name.clone()));
        let listener = Listener::bind(self, &name, Arc::clone(&endpoint));
        listener.map_err(|error| error.doing("listen on").on(endpoint))
    }

    /// Takes over a socket that is listened on already: one that this process
    /// [inherited](crate::handover::Sockets), or a descriptor from anywhere else.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::{handover::Sockets, unix::seqpacket};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let web = Sockets::inherited()?.take("web").expect("systemd.socket(5) names it");
    /// let listener = seqpacket::Options::new().adopt_listener(web)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`unix::Options::adopt_listener`](super::super::Options::adopt_listener).
    pub fn adopt_listener(&self, socket: impl Into<Inherited>) -> Result<Listener> {
        let adopted = Listener::adopt(self, socket.into());
        adopted.map_err(|error| error.doing("adopt a Unix seqpacket listener"))
    }

    /// Connects to a name.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`unix::Options::connect`](super::super::Options::connect).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn connect(&self, name: impl Into<SocketName>) -> Result<Connection> {
        let name = name.into();
        let endpoint = Arc::new(Endpoint::Seqpacket(name.clone()));
        let span = tracing::debug_span!("connect", %endpoint);
        let connecting = async {
            let socket = connect::connect(&self.unix, &name, SocketType::SEQPACKET).await?;
            let (socket, peer) = self.unix.admit(socket, &endpoint)?;
            tracing::debug!(?peer, "connected");
            Ok(self.messages(socket, peer)?.on(Arc::clone(&endpoint)))
        };
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(&endpoint));
        connecting.instrument(span).await.map_err(failed)
    }

    /// Two connected ends without a name.
    ///
    /// # Examples
    ///
    /// See [`pair`](super::pair).
    ///
    /// # Errors
    ///
    /// What socketpair(2) answers, and when there is no Tokio runtime here.
    pub fn pair(&self) -> Result<(Connection, Connection)> {
        let (ours, theirs) = sys::packet_pair(SocketType::SEQPACKET)?;
        let end = |end: OwnedFd| {
            let (socket, peer) = self.unix.look(end)?;
            self.messages(socket, peer)
        };
        Ok((end(ours)?, end(theirs)?))
    }

    /// The messages of a connected socket.
    pub(super) fn messages(&self, socket: OwnedFd, peer: Peer) -> Result<Connection> {
        // An accepted one may come from a listener that was not made here.
        sys::carry_credentials(socket.as_fd())?;
        let sends = sys::fit_send_buffer(socket.as_fd(), self.unix.max_len)?;
        let ready = Fd::new(socket)?.strategy(self.unix.strategy);
        Ok(Messages::new(Socket::new(ready.share(), peer, &self.unix, sends), ready))
    }
}

impl From<unix::Options> for Options {
    fn from(unix: unix::Options) -> Self {
        Self { unix }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
