//! What can be chosen about shared memory.

use std::{os::fd::OwnedFd, sync::Arc, time::Duration};

use rustix::net::SocketType;
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Channel, Connection, Listener,
    hello::{Answer, Hello},
    introduction::{self, Introduced, Introduction, Ours},
};
use crate::{
    Endpoint, Error, Peer, Result, SocketName,
    frame::MAX_LEN,
    handover::Inherited,
    message::Messages,
    shared::{CAPACITY, Trust},
    transport::unix::connect,
    unix,
    wait::Strategy,
};

/// What a ring has, and may have at the other end, unless told otherwise.
const USUAL: usize = 256 << 10;
const USUAL_MAX: usize = 64 << 20;

/// Options of listeners, connections and pairs.
///
/// # Examples
///
/// ```
/// use framewire::shm;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("e.sock");
/// let listener = shm::Options::new().capacity(4 << 20).mode(0o660).listen(path).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) capacity: usize,
    pub(super) max_capacity: usize,
    pub(super) trust: Option<Trust>,
    pub(super) unix: unix::Options,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self::from(unix::Options::new())
    }

    /// How many bytes the memory holds that we write to and the peer reads from: 256 KiB. It is
    /// rounded up to a power of two, and is 64 KiB at least and 1 GiB at most.
    ///
    /// What is on its way fits in there; messages may be larger. More than the default absorbs
    /// longer bursts, and leaves the processor's cache sooner.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::Options::new().capacity(1 << 20);
    /// ```
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.clamp(CAPACITY.0, CAPACITY.1).next_power_of_two();
        self
    }

    /// How many bytes the peer's memory may hold: 64 MiB, and 1 GiB at most. A peer whose
    /// [`capacity`](Self::capacity) is larger is refused.
    ///
    /// What the peer has written and we read counts as our memory too.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::Options::new().max_capacity(1 << 20);
    /// ```
    pub fn max_capacity(mut self, max_capacity: usize) -> Self {
        self.max_capacity = max_capacity;
        self
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::Options::new().max_len(64 << 20);
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
    /// use framewire::{shm, wait::Strategy};
    ///
    /// let options = shm::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.unix = self.unix.strategy(strategy);
        self
    }

    /// Trusts peers not to change what they have sent: messages are lent, and large ones received,
    /// without a copy. No peer is, unless this is called.
    ///
    /// Messages of more than 16 KiB that were one record, half of the peer's
    /// [`capacity`](Self::capacity) at most, are then `Bytes` in the ring itself, for as long as you
    /// keep them, on any thread, beyond the end of the connection too. The peer goes on meanwhile:
    /// where kept messages stand in its way for half of the ring, the kernel copies them aside (Linux
    /// from 5.14; before, all are copied as they are received), and as long as more is kept than half
    /// of the ring holds, those that follow are copied.
    ///
    /// # Examples
    ///
    /// See [`Trust`].
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Who may be at the other end: for paths anyone whom the socket's mode lets in, for abstract
    /// names processes of our user and root.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{shm, unix::Allow};
    ///
    /// let options = shm::Options::new().allow(Allow::same_user());
    /// ```
    pub fn allow(mut self, allow: unix::Allow) -> Self {
        self.unix = self.unix.allow(allow);
        self
    }

    /// How long it may take until two processes have each other's memory, and how long
    /// [`connect`](Self::connect) takes in all: 5 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let options = framewire::shm::Options::new().deadline(Duration::from_millis(100));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.unix = self.unix.deadline(deadline);
        self
    }

    /// Whether [`connect`](Self::connect) also tries again while nobody listens yet: no.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::Options::new().wait_for_listener(true);
    /// ```
    pub fn wait_for_listener(mut self, wait: bool) -> Self {
        self.unix = self.unix.wait_for_listener(wait);
        self
    }

    /// How many connections can wait to be accepted: 1024, and no more than
    /// `/proc/sys/net/core/somaxconn`.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::Options::new().backlog(16);
    /// ```
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.unix = self.unix.backlog(backlog);
        self
    }

    /// The mode of the socket file, which says who may connect: 0600. It holds before the name
    /// exists, whatever the umask.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn mode(mut self, mode: u32) -> Self {
        self.unix = self.unix.mode(mode);
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
    /// As [`unix::Options::listen`].
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn listen(&self, name: impl Into<SocketName>) -> Result<Listener> {
        let name = name.into();
        let endpoint = Arc::new(Endpoint::Shm(name.clone()));
        let listener = Listener::bind(self, &name, Arc::clone(&endpoint));
        listener.map_err(|error| error.doing("listen on").on(endpoint))
    }

    /// Takes over a socket that is listened on already: one that this process
    /// [inherited](crate::handover::Sockets), or a descriptor from anywhere else. It is a
    /// `SOCK_SEQPACKET` one: `ListenSequentialPacket=` in systemd.socket(5).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::{handover::Sockets, shm};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let fast = Sockets::inherited()?.take("fast").expect("systemd.socket(5) names it");
    /// let listener = shm::Options::new().adopt_listener(fast)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`unix::Options::adopt_listener`].
    pub fn adopt_listener(&self, socket: impl Into<Inherited>) -> Result<Listener> {
        let adopted = Listener::adopt(self, socket.into());
        adopted.map_err(|error| error.doing("adopt a listener for shared memory"))
    }

    /// Connects to a name, and returns when the listener has answered: somebody has to poll it.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`unix::Options::connect`]; and
    /// [`Closed`](crate::ErrorKind::Closed): the listener gave up on us.
    /// [`TimedOut`](crate::ErrorKind::TimedOut): it has not answered in time.
    /// [`Denied`](crate::ErrorKind::Denied): our ring is larger than the listener allows, or its ring is
    /// larger than we do. [`Malformed`](crate::ErrorKind::Malformed): it is no listener for shared memory,
    /// or its memory is not safe to use. [`Unsupported`](crate::ErrorKind::Unsupported): it is of another
    /// version.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn connect(&self, name: impl Into<SocketName>) -> Result<Connection> {
        let name = name.into();
        let endpoint = Arc::new(Endpoint::Shm(name.clone()));
        let span = tracing::debug_span!("connect", %endpoint);
        let connecting = async {
            let begun = Instant::now();
            // Before the listener sees us, so that it finds all that we have to say.
            let ours = Ours::make(self)?;
            let socket = connect::connect(&self.unix, &name, SocketType::SEQPACKET).await?;
            let (socket, peer) = self.look(socket)?;
            self.unix.check(&peer, &endpoint)?;
            let deadline = self.unix.deadline;
            let left = deadline.saturating_sub(begun.elapsed());
            let introduced = Introduction::new(socket, peer, self)?.call(ours);
            let introduced = introduction::within(left, deadline, introduced)?.await?;
            tracing::debug!(peer = ?introduced.peer, "connected");
            Ok(self.connection(introduced)?.on(Arc::clone(&endpoint)))
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
    /// What the system answers where memory, descriptors or a socket pair are not to be had, and
    /// when there is no Tokio runtime here.
    pub fn pair(&self) -> Result<(Connection, Connection)> {
        let (ours, theirs) = introduction::pair(self)?;
        Ok((self.connection(ours)?, self.connection(theirs)?))
    }

    /// A connection of those who were introduced.
    pub(super) fn connection(&self, introduced: Introduced) -> Result<Connection> {
        let (channel, doorbell) = Channel::open(introduced, self)?;
        Ok(Messages::new(channel, doorbell))
    }

    /// What we say of ourselves.
    pub(super) fn hello(&self, answer: Answer) -> Hello {
        Hello {
            answer,
            capacity: self.capacity as u64,
            max_capacity: self.max_capacity.min(CAPACITY.1) as u64,
            max_len: self.max_len_or_default() as u64,
        }
    }

    pub(super) fn max_len_or_default(&self) -> usize {
        self.unix.max_len.unwrap_or(MAX_LEN)
    }

    /// Looks who is there, with a descriptor of the process: its end is the end of a connection
    /// whose socket it has left to a child.
    pub(super) fn look(&self, socket: OwnedFd) -> Result<(OwnedFd, Peer)> {
        self.unix.clone().pidfd(true).look(socket)
    }
}

impl From<unix::Options> for Options {
    fn from(unix: unix::Options) -> Self {
        Self { capacity: USUAL, max_capacity: USUAL_MAX, trust: None, unix }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
