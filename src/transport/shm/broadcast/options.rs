//! What can be chosen about broadcasts.

use std::{future::poll_fn, os::fd::AsFd, path::PathBuf, sync::Arc, time::Duration};

use rustix::net::SocketType;
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Receiver, Sender, Slow, Start,
    introduction::{self, GIVEN, GOT, Hello, Kind, Welcome},
};
use crate::{
    Endpoint, Error, ErrorKind, Result, SocketName, runtime,
    shared::{CAPACITY, Region},
    sys,
    transport::unix::connect,
    unix::{self, Allow},
    wait::{Direction, Fd, Strategy},
};

/// How large the ring is, in bytes, and how many may receive, unless told otherwise.
const USUAL: (usize, usize) = (1 << 20, 1024);

/// Options of senders and receivers.
///
/// # Examples
///
/// ```
/// use framewire::shm::broadcast::{self, Slow};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("prices");
/// let options = broadcast::Options::new().capacity(16 << 20).slow(Slow::Disconnect);
/// let sender = options.sender(&*path).await?;
/// assert_eq!(sender.max_len(), 4 << 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) unix: unix::Options,
    capacity: usize,
    pub(super) slow: Slow,
    start: Start,
    strategy: Strategy,
    deadline: Duration,
    pub(super) max_receivers: usize,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        let (capacity, max_receivers) = USUAL;
        Self {
            unix: unix::Options::new(),
            capacity,
            slow: Slow::default(),
            start: Start::default(),
            strategy: Strategy::default(),
            deadline: Duration::from_secs(5),
            max_receivers,
        }
    }

    /// How many bytes of messages a sender keeps, rounded up to a power of two: 1 MiB, 64 KiB at
    /// least and 1 GiB at most. Each message takes 16 to 23 bytes more than it is long, and the
    /// longest is a quarter of this.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// What a sender does about a slow receiver: [`Slow::Overwrite`].
    ///
    /// # Examples
    ///
    /// See [`Slow`].
    pub fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }

    /// Where a receiver begins: [`Start::Newest`].
    ///
    /// # Examples
    ///
    /// See [`Start`].
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// How a receiver waits: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{shm::broadcast, wait::Strategy};
    ///
    /// let options = broadcast::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How many may receive from a sender at a time: 1024. Each costs it two descriptors.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::broadcast::Options::new().max_receivers(8);
    /// ```
    pub fn max_receivers(mut self, most: usize) -> Self {
        self.max_receivers = most;
        self
    }

    /// How long a receiver waits for its sender to answer, and, with
    /// [`wait_for_sender`](Self::wait_for_sender), to be there: 5 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let hasty = framewire::shm::broadcast::Options::new().deadline(Duration::from_millis(100));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.unix = self.unix.deadline(deadline);
        self.deadline = deadline;
        self
    }

    /// Whether a receiver tries again while there is no sender yet: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::broadcast;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("prices");
    /// let early = broadcast::Options::new().wait_for_sender(true);
    /// let (receiver, sender) = tokio::try_join!(early.receiver(&*path), broadcast::sender(&*path))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_for_sender(mut self, wait: bool) -> Self {
        self.unix = self.unix.wait_for_listener(wait);
        self
    }

    /// Who may be at the other end: anyone whom the mode of the sender's socket lets in.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{shm::broadcast, unix::Allow};
    ///
    /// let ours_and_roots = broadcast::Options::new().allow(Allow::same_user());
    /// ```
    pub fn allow(mut self, allow: Allow) -> Self {
        self.unix = self.unix.allow(allow);
        self
    }

    /// The mode of the sender's socket, which says who may receive: 0600.
    ///
    /// # Examples
    ///
    /// ```
    /// let the_group_may_receive = framewire::shm::broadcast::Options::new().mode(0o660);
    /// ```
    pub fn mode(mut self, mode: u32) -> Self {
        self.unix = self.unix.mode(mode);
        self
    }

    /// Becomes the one sender at a path, where a socket is made.
    ///
    /// One that a killed sender left is replaced; one that somebody listens on is not, nor anything
    /// that is not a socket. It is removed when the sender is dropped.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): there is a sender already.
    /// [`Denied`](crate::ErrorKind::Denied): something else has the name, or others can write to
    /// its directory. [`NotFound`](crate::ErrorKind::NotFound): there is no such directory.
    /// [`Exhausted`](crate::ErrorKind::Exhausted): there is not enough memory. And when there is no
    /// Tokio runtime here, or one without I/O or timers.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn sender(&self, path: impl Into<PathBuf>) -> Result<Sender> {
        let path = path.into();
        let endpoint = Arc::new(Endpoint::ShmBroadcast(path.clone()));
        self.send(path, endpoint, Kind::Broadcast)
    }

    pub(in crate::transport::shm) fn send(
        &self,
        path: PathBuf,
        endpoint: Arc<Endpoint>,
        kind: Kind,
    ) -> Result<Sender> {
        let sender = Sender::open(self, &SocketName::Path(path), &endpoint, kind);
        sender.map_err(|error| error.doing("send to").on(endpoint))
    }

    /// Receives from the sender at a path.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): there is no sender.
    /// [`TimedOut`](crate::ErrorKind::TimedOut): it did not answer, or was not there, until the
    /// [deadline](Self::deadline). [`Exhausted`](crate::ErrorKind::Exhausted): it has as many
    /// receivers as it may. [`Denied`](crate::ErrorKind::Denied): no permission, or its user is not
    /// on our list. [`Malformed`](crate::ErrorKind::Malformed): who is there is no such sender, or a
    /// hostile one. And when there is no Tokio runtime here, or one without I/O or timers.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: a connection that is being made is closed.
    pub async fn receiver(&self, path: impl Into<PathBuf>) -> Result<Receiver> {
        let path = path.into();
        let endpoint = Arc::new(Endpoint::ShmBroadcast(path.clone()));
        self.receive(path, endpoint, Kind::Broadcast).await
    }

    pub(in crate::transport::shm) async fn receive(
        &self,
        path: PathBuf,
        endpoint: Arc<Endpoint>,
        kind: Kind,
    ) -> Result<Receiver> {
        let span = tracing::debug_span!("subscribe", %endpoint);
        let name = SocketName::Path(path);
        let introduced = self.introduce(&name, &endpoint, kind).instrument(span);
        let failed = |error: Error| error.doing("receive from").on(Arc::clone(&endpoint));
        Ok(introduced.await.map_err(failed)?.on(endpoint))
    }

    /// Says hello, and takes what the sender answers.
    async fn introduce(
        &self,
        name: &SocketName,
        endpoint: &Endpoint,
        kind: Kind,
    ) -> Result<Receiver> {
        // Before the sender sees us, so that it finds all that we have to say.
        let (page, file) = Region::create_words()?;
        let bell = sys::eventfd()?;
        let hello = Hello { kind, start: self.start }.encode();
        let given: [_; GIVEN] = [file.as_fd(), bell.as_fd()];
        let begun = Instant::now();
        let socket = connect::connect(&self.unix, name, SocketType::SEQPACKET).await?;
        let (socket, peer) = self.unix.clone().pidfd(true).admit(socket, endpoint)?;
        sys::send_with(socket.as_fd(), &[std::io::IoSlice::new(&hello)], &given)?;
        drop(file);

        let mut socket = Fd::new(socket)?.strategy(Strategy::Park);
        let answer = poll_fn(|cx| {
            socket.poll_fd(cx, Direction::Receive, |fd| introduction::receive(fd, GOT))
        });
        let late = |_| {
            let cause = format!("the sender did not answer for {:?}", self.deadline);
            Error::new(ErrorKind::TimedOut, cause).remedy("is it stuck?")
        };
        let answer = runtime::timeout(self.deadline.saturating_sub(begun.elapsed()), answer)?
            .await
            .map_err(late)?;
        let (packet, arrived) = answer.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => {
                Error::new(ErrorKind::Closed, "the sender has hung up without an answer")
            }
            _ => error.into(),
        })?;
        let welcome = Welcome::decode(&packet, kind)?;
        if arrived.cut || arrived.descriptors_cut {
            let cause = "a welcome that is too long, or comes with too much";
            return Err(Error::new(ErrorKind::Malformed, cause));
        }
        let [region] = &arrived.descriptors[..] else {
            let cause = "a welcome comes with one descriptor, and there was another number";
            return Err(Error::new(ErrorKind::Malformed, cause));
        };
        if welcome.capacity == 0 {
            return Err(Error::new(ErrorKind::Malformed, "the sender has no ring"));
        }
        let region = introduction::map(region.as_fd(), welcome.capacity)?;
        tracing::debug!(?welcome, "subscribed");
        let line = (socket.share(), peer.pidfd);
        Receiver::new((region, page), welcome, kind, line, bell, self.strategy)
    }

    pub(super) fn ring(&self) -> usize {
        let (least, most) = CAPACITY;
        let least = least.max(rustix::param::page_size());
        self.capacity.clamp(least, most).next_power_of_two()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
