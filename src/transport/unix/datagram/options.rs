//! What can be chosen about Unix datagrams.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use rustix::net::SocketType;
use tracing::Instrument;

use super::{
    super::{connect, listening},
    Connection, Listener, Receiver, Sender,
};
use crate::{
    Endpoint, Error, Peer, Result, SocketName,
    names::Placed,
    sys,
    transport::datagram::{Limits, Open, Overflow, Policy},
    unix,
    wait::Strategy,
};

/// Options of listeners, connections, receivers and senders: those of stream sockets, and some of
/// their own.
///
/// # Examples
///
/// ```
/// use framewire::unix;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("e.sock");
/// let options = unix::Options::new().mode(0o660).datagram().idle(Duration::from_secs(10));
/// let listener = options.listen(path).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    unix: unix::Options,
    limits: Limits,
}

impl Options {
    /// The defaults, each named at the method that changes it, here or at
    /// [`unix::Options`](super::super::Options).
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        unix::Options::new().into()
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
    /// let options = framewire::unix::datagram::Options::new().max_len(1000);
    /// ```
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.unix = self.unix.max_len(max_len);
        self
    }

    /// How they wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{unix::datagram, wait::Strategy};
    ///
    /// let options = datagram::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.unix = self.unix.strategy(strategy);
        self
    }

    /// After how long without a message from its peer a listener's connection ends: 60 s, and up
    /// to half as long again. What the peer sends later makes a connection anew.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn idle(mut self, idle: Duration) -> Self {
        self.limits.idle = idle;
        self
    }

    /// How many peers a listener has at once: 1024. What others send is dropped, and an event says
    /// so.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::datagram::Options::new().peers(16);
    /// ```
    pub fn peers(mut self, peers: usize) -> Self {
        self.limits.peers = peers;
        self
    }

    /// How long a listener's connection that is not received from may hold up the others: 1 s. Then
    /// it ends, with an error that says how many messages it has missed.
    ///
    /// A connection holds 128 messages or 256 KiB that were not received yet; then the listener
    /// stops receiving, and the senders wait: one that receives slowly slows all of them down. So
    /// it is with peers that wait to be accepted, of whom there may be 128; where none is accepted
    /// for this long, what further peers send is dropped, and an event says so.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let options = framewire::unix::datagram::Options::new().stall(Duration::from_millis(50));
    /// ```
    pub fn stall(mut self, stall: Duration) -> Self {
        self.limits.overflow = Overflow::Wait(stall);
        self
    }

    /// Binds a name and makes a connection for each who sends to it.
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
        let (name, endpoint) = named(name);
        let listener = self.bind(&name, &endpoint).and_then(|open| {
            // A peer that is connected to us is told apart from one that is not by nothing but
            // trying, and the latter makes room without an event.
            open.listener(self.limits, true)
        });
        listener.map_err(|error| error.doing("listen on").on(endpoint))
    }

    /// Connects to a name, so as to send to it and to be answered.
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
    /// Cancel-safe: a socket that is being connected is closed.
    pub async fn connect(&self, name: impl Into<SocketName>) -> Result<Connection> {
        let (name, endpoint) = named(name);
        let connecting = async {
            let socket = connect::connect(&self.unix, &name, SocketType::DGRAM).await?;
            let placed = listening::name_for_answers(socket.as_fd())?;
            self.open(socket, placed, &endpoint)?.connection(Peer::default())
        };
        self.connecting(connecting, &endpoint).await
    }

    /// Binds a name and receives from whoever sends to it.
    ///
    /// # Examples
    ///
    /// See [`receiver`](super::receiver).
    ///
    /// # Errors
    ///
    /// As [`unix::Options::listen`](super::super::Options::listen).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn receiver(&self, name: impl Into<SocketName>) -> Result<Receiver> {
        let (name, endpoint) = named(name);
        let receiver = self.bind(&name, &endpoint).and_then(Open::receiver);
        receiver.map_err(|error| error.doing("receive on").on(endpoint))
    }

    /// Sends to a name.
    ///
    /// # Examples
    ///
    /// See [`receiver`](super::receiver).
    ///
    /// # Errors
    ///
    /// As [`unix::Options::connect`](super::super::Options::connect).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a socket that is being connected is closed.
    pub async fn sender(&self, name: impl Into<SocketName>) -> Result<Sender> {
        let (name, endpoint) = named(name);
        let connecting = async {
            let socket = connect::connect(&self.unix, &name, SocketType::DGRAM).await?;
            // A listener would answer: it is to learn that nobody hears it.
            sys::shutdown_read(socket.as_fd())?;
            self.open(socket, None, &endpoint)?.sender()
        };
        self.connecting(connecting, &endpoint).await
    }

    async fn connecting<T>(
        &self,
        connecting: impl Future<Output = Result<T>>,
        endpoint: &Arc<Endpoint>,
    ) -> Result<T> {
        let span = tracing::debug_span!("connect", %endpoint);
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(endpoint));
        connecting.instrument(span).await.map_err(failed)
    }

    fn bind(&self, name: &SocketName, endpoint: &Arc<Endpoint>) -> Result<Open> {
        let (socket, placed) = listening::bind(&self.unix, name, SocketType::DGRAM)?;
        self.open(socket, placed, endpoint)
    }

    fn open(&self, fd: OwnedFd, placed: Option<Placed>, endpoint: &Arc<Endpoint>) -> Result<Open> {
        // The same limit of the system's holds for what comes: there is no room for more.
        let max_len = sys::fit_send_buffer(fd.as_fd(), self.unix.max_len)?;
        Ok(Open {
            fd,
            endpoint: Arc::clone(endpoint),
            strategy: self.unix.strategy,
            max_len,
            policy: Policy::of(&self.unix, endpoint)?,
            placed,
        })
    }
}

fn named(name: impl Into<SocketName>) -> (SocketName, Arc<Endpoint>) {
    let name = name.into();
    (name.clone(), Arc::new(Endpoint::Datagram(name)))
}

impl From<unix::Options> for Options {
    fn from(unix: unix::Options) -> Self {
        let overflow = Overflow::Wait(Duration::from_secs(1));
        Self { unix, limits: Limits { overflow, ..Limits::default() } }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use futures::{SinkExt, StreamExt};

    use super::*;

    #[tokio::test]
    async fn a_limit_that_nothing_reaches_is_none() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("e.sock");
        let options = Options::new().max_len(usize::MAX);
        let mut receiver = options.receiver(&*path).await.unwrap();
        let mut sender = options.sender(&*path).await.unwrap();
        sender.send("hello".into()).await.unwrap();
        let received = receiver.next().await.expect("it was sent").unwrap();
        assert_eq!(received, "hello");
    }
}
