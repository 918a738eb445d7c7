//! What can be chosen about rings with a name.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tracing::Instrument;

use super::{
    Connection, End, Inlet, Listener, Outlet, Receiver, Sender, connecting, opening,
    place::{Place, Purpose},
    role::Role,
};
use crate::{
    Endpoint, Error, Result, frame::MAX_LEN, message::Messages, shared::CAPACITY, wait::Strategy,
};

/// Options of senders, receivers, listeners and connections.
///
/// # Examples
///
/// ```
/// use framewire::shm::named;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = format!("doc-options-{}", std::process::id());
/// let options = named::Options::new().capacity(4 << 20).max_len(64 << 20);
/// let receiver = options.receiver(name).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) capacity: usize,
    pub(super) max_len: usize,
    pub(super) strategy: Strategy,
    pub(super) end: End,
    pub(super) deadline: Duration,
    pub(super) wait_for_listener: bool,
    directory: Option<PathBuf>,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            capacity: 256 << 10,
            max_len: MAX_LEN,
            strategy: Strategy::default(),
            end: End::default(),
            deadline: Duration::from_secs(5),
            wait_for_listener: false,
            directory: None,
        }
    }

    /// How many bytes a ring holds, for whoever makes it: 256 KiB. It is rounded up to a power of
    /// two, and is 64 KiB at least and 1 GiB at most.
    ///
    /// What is on its way fits in there; messages may be larger. All of it is taken when the ring
    /// is made.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.clamp(CAPACITY.0, CAPACITY.1).next_power_of_two();
        self
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// How both ends wait: [`Strategy::Adaptive`]. A listener always parks.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{shm::named, wait::Strategy};
    ///
    /// let options = named::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// When a receiver ends: [`End::WithClose`].
    ///
    /// # Examples
    ///
    /// See [`End`].
    pub fn end(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// How long [`connect`](Self::connect) tries again while others are let in, or, with
    /// [`wait_for_listener`](Self::wait_for_listener), nobody listens: 5 s.
    ///
    /// # Examples
    ///
    /// See [`wait_for_listener`](Self::wait_for_listener).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Whether [`connect`](Self::connect) waits for a listener to come, where there is none: no.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, shm::named};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let name = format!("doc-wait-{}", std::process::id());
    /// let options = named::Options::new().wait_for_listener(true);
    /// let late = options.deadline(Duration::from_millis(20)).connect(name).await.unwrap_err();
    /// assert_eq!(late.kind(), ErrorKind::TimedOut);
    /// # }
    /// ```
    pub fn wait_for_listener(mut self, wait: bool) -> Self {
        self.wait_for_listener = wait;
        self
    }

    /// Where the files of names are, which all who use a name have to agree on:
    /// `/dev/shm/framewire-<uid>`, which is made 0700 where it is missing.
    ///
    /// It should be in memory (a tmpfs), belong to our user or root, and be writable by nobody
    /// else. `$XDG_RUNTIME_DIR` is one as well, but not for all processes of a user.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::shm::named::Options::new().directory("/run/app");
    /// ```
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Becomes the one sender of a ring, which is made where there is none. No receiver is waited
    /// for: what is sent waits in the ring for one to come, as far as there is room.
    ///
    /// Where the last sender was killed, this one goes on behind what that had flushed. A message
    /// that it was in the middle of is told to the receiver as
    /// [`Truncated`](crate::ErrorKind::Truncated).
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::ErrorKind::InUse): somebody sends to it, for 250 ms on end.
    /// [`Denied`](crate::ErrorKind::Denied): what has the name, or the directory that it is in, is
    /// not ours, or open to others. [`Exhausted`](crate::ErrorKind::Exhausted): there is not enough
    /// memory for the ring. [`Address`](crate::ErrorKind::Address): the name is not of 1 to 200
    /// letters, digits, dots, underscores and hyphens, or begins with a dot.
    /// [`Malformed`](crate::ErrorKind::Malformed): the ring that is there is damaged. And when
    /// there is no Tokio runtime here.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: what was opened is left.
    pub async fn sender(&self, name: impl Into<String>) -> Result<Sender> {
        let (endpoint, place) = self.place(name.into(), Purpose::OneWay)?;
        let opening = async {
            let opened = opening::open(place?, Role::Sender, self.capacity).await?;
            let (outlet, bell) = Outlet::new(opened, self)?;
            Ok(Messages::new(outlet, bell).on(Arc::clone(&endpoint)))
        };
        let failed = |error: Error| error.doing("send to").on(Arc::clone(&endpoint));
        opening.instrument(tracing::debug_span!("open", %endpoint)).await.map_err(failed)
    }

    /// Becomes the one receiver of a ring, which is made where there is none. No sender is waited
    /// for.
    ///
    /// What the last receiver has left unread comes first, and what it was handed last may come
    /// again if it was killed: a message is done with when the next one is asked for, and an eighth
    /// of the ring later at most.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender); `InUse`: somebody receives from it.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: what was opened is left.
    pub async fn receiver(&self, name: impl Into<String>) -> Result<Receiver> {
        let (endpoint, place) = self.place(name.into(), Purpose::OneWay)?;
        let opening = async {
            let opened = opening::open(place?, Role::Receiver, self.capacity).await?;
            let (inlet, bell) = Inlet::new(opened, self)?;
            Ok(Messages::new(inlet, bell).on(Arc::clone(&endpoint)))
        };
        let failed = |error: Error| error.doing("receive from").on(Arc::clone(&endpoint));
        opening.instrument(tracing::debug_span!("open", %endpoint)).await.map_err(failed)
    }

    /// Listens on a name.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender); `InUse`: somebody listens on it.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn listen(&self, name: impl Into<String>) -> Result<Listener> {
        let (endpoint, place) = self.place(name.into(), Purpose::Duplex)?;
        let listener = place.and_then(|place| Listener::open(self, place, Arc::clone(&endpoint)));
        listener.map_err(|error| error.doing("listen on").on(endpoint))
    }

    /// Connects to who listens on a name.
    ///
    /// One client at a time is let in: others meanwhile try again after pauses of 1 to 25 ms.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): nobody listens there.
    /// [`TimedOut`](crate::ErrorKind::TimedOut): the listener let nobody in until the
    /// [deadline](Self::deadline), or did not come. Else as [`sender`](Self::sender).
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing of a wait is left.
    pub async fn connect(&self, name: impl Into<String>) -> Result<Connection> {
        let (endpoint, place) = self.place(name.into(), Purpose::Duplex)?;
        let connecting = async {
            let channel = connecting::connect(self, &place?).await?;
            let (channel, bell) = channel;
            tracing::debug!(peer = ?channel.peer(), "connected");
            Ok(Messages::new(channel, bell).on(Arc::clone(&endpoint)))
        };
        let failed = |error: Error| error.doing("connect to").on(Arc::clone(&endpoint));
        connecting.instrument(tracing::debug_span!("connect", %endpoint)).await.map_err(failed)
    }

    /// The endpoint of a name, if it can be one, and its place.
    fn place(&self, name: String, purpose: Purpose) -> Result<(Arc<Endpoint>, Result<Place>)> {
        let endpoint: Endpoint = format!("shm+named://{name}").parse()?;
        let place = Place::of(&name, purpose, self.directory.as_ref());
        Ok((Arc::new(endpoint), place))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
