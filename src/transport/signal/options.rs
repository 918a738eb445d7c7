//! What can be chosen about signals.

use std::{os::fd::OwnedFd, sync::Arc};

use super::{Exclusive, Policy, Queued, Sender, number::Number};
use crate::{Endpoint, Error, ErrorKind, Peer, Result, SignalName, sys, wait::Strategy};

/// What a sender does where the receiver's queue is full.
///
/// # Examples
///
/// See [`Options::when_full`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It tries again, 1 ms later, then 2, 4, 8 and each 16 ms: nothing tells when there is room.
    #[default]
    Wait,
    /// It fails with [`Exhausted`](ErrorKind::Exhausted), and the signal is not sent.
    Fail,
}

/// Options of senders and receivers.
///
/// # Examples
///
/// ```
/// use framewire::signal::{Options, Policy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let jobs = Options::new().capacity(4096).queued("RTMIN+6").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(super) policy: Policy,
    pub(super) capacity: usize,
    pub(super) wide: bool,
    pub(super) strategy: Strategy,
    pub(super) when_full: WhenFull,
    begun: Option<u64>,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self {
            policy: Policy::anyone(),
            capacity: 1024,
            wide: false,
            strategy: Strategy::default(),
            when_full: WhenFull::Wait,
            begun: None,
        }
    }

    /// Whose signals a receiver takes: [`anyone`](Policy::anyone)'s.
    ///
    /// # Examples
    ///
    /// See [`Policy`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many signals a [`Queued`] keeps before they are left in the kernel: 1,024; 256 at the
    /// least. Twice as many can be in memory, 32 bytes each.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn capacity(mut self, signals: usize) -> Self {
        self.capacity = signals;
        self
    }

    /// Has bodies be of 8 bytes, the word, and not of 4, the integer: at a receiver and in
    /// [`Sender::bytes`].
    ///
    /// # Examples
    ///
    /// ```
    /// let words = framewire::signal::Options::new().wide();
    /// ```
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// How an [`Exclusive`] waits: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{signal, wait::Strategy};
    ///
    /// let options = signal::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// What a sender does where the receiver's queue is full: [`WhenFull::Wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::signal::{Options, WhenFull};
    ///
    /// let impatient = Options::new().when_full(WhenFull::Fail);
    /// ```
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// When the process began that a sender sends to, as [`began`](super::began) said when its
    /// number was learnt; one that began at another time is not that process. Unset: it is whoever
    /// has the number.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::signal;
    ///
    /// # #[cfg(target_os = "linux")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let pid = std::process::id();
    /// let began = signal::began(pid).expect("we are alive");
    /// // Later:
    /// let sender = signal::Options::new().began(began).sender(format!("USR1@{pid}")).await?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    pub fn began(mut self, began: u64) -> Self {
        self.begun = Some(began);
        self
    }

    /// Receives a signal beside its handlers: see [`queued`](super::queued).
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address) where it is no signal's name, or a process is named;
    /// [`Unsupported`](ErrorKind::Unsupported) where this system lacks the signal or `/proc`;
    /// [`Denied`](ErrorKind::Denied) of `CHLD`; [`InUse`](ErrorKind::InUse) where an
    /// [`Exclusive`] takes it; [`TimedOut`](ErrorKind::TimedOut) where a thread does not have it
    /// blocked within a second; and when there is no Tokio runtime with timers here.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: the thread that takes the signal stays, and goes on calling its handler.
    pub async fn queued(&self, name: impl AsRef<str>) -> Result<Queued> {
        Queued::open(self, name.as_ref()).await
    }

    /// Receives a signal that has no handler: see [`exclusive`](super::exclusive).
    ///
    /// # Examples
    ///
    /// See [`exclusive`](super::exclusive).
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address) where it is no signal's name, or a process is named;
    /// [`Unsupported`](ErrorKind::Unsupported) where this system lacks the signal or `/proc`;
    /// [`Denied`](ErrorKind::Denied) of `CHLD`, and where a thread does not have it blocked;
    /// [`InUse`](ErrorKind::InUse) where another [`Exclusive`] or a [`Queued`] takes it;
    /// [`TimedOut`](ErrorKind::TimedOut) where threads come and go so fast that for a second
    /// nothing can be said of them; and when there is no Tokio runtime with timers here.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe.
    pub async fn exclusive(&self, name: impl AsRef<str>) -> Result<Exclusive> {
        Exclusive::open(self, name.as_ref()).await
    }

    /// Sends a signal to a process, `RTMIN+3@4711`: see [`sender`](super::sender).
    ///
    /// # Examples
    ///
    /// See [`sender`](super::sender).
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address) where it is no signal's name, or no process is named;
    /// [`Unsupported`](ErrorKind::Unsupported) where this system lacks the signal, or pidfd_open(2)
    /// before Linux 5.3; [`NotFound`](ErrorKind::NotFound) where there is no such process, or it
    /// [began](Self::began) at another time. Whether it may be sent to is told when it is.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: it never waits, and is done when it is first polled.
    pub async fn sender(&self, name: impl AsRef<str>) -> Result<Sender> {
        let failed = |error: Error| error.doing("send to");
        let name: SignalName = name.as_ref().parse().map_err(failed)?;
        let endpoint = Endpoint::Signal(name.clone());
        self.send_to(name).map_err(|error| failed(error).on(endpoint))
    }

    fn send_to(&self, name: SignalName) -> Result<Sender> {
        let number = Number::of(name)?;
        let Some(pid) = number.name.pid() else {
            let remedy = format!("write {}@PID", number.name.name());
            return Err(Error::new(ErrorKind::Address, "no process is named").remedy(remedy));
        };
        let gone = || Error::new(ErrorKind::NotFound, format!("there is no process {pid}"));
        let Some(process) = sys::watch_process(pid)? else {
            if sys::began(pid).is_none() {
                return Err(gone());
            }
            let cause = format!("nothing holds process {pid}: pidfd_open(2) is refused");
            return Err(Error::new(ErrorKind::Unsupported, cause)
                .remedy("use Linux 5.3 or later, have a sandbox allow it, and name no thread"));
        };
        // It is looked at once it is held: that it began then was true of who is held.
        if self.begun.is_some_and(|begun| sys::began(pid) != Some(begun)) {
            return Err(gone().remedy("it has ended, and its number is another's or nobody's"));
        }
        Ok(Sender::new(self, number, Arc::new(process)))
    }

    /// Sends a signal to the process that this pidfd is of: clone(2), pidfd_open(2).
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::signal;
    /// use std::os::fd::OwnedFd;
    ///
    /// # #[cfg(target_os = "linux")]
    /// fn interrupt(process: OwnedFd) -> framewire::Result<signal::Sender> {
    ///     signal::Options::new().sender_to("INT", process)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender); what the descriptor is of is told when it is sent to.
    pub fn sender_to(&self, name: impl AsRef<str>, process: OwnedFd) -> Result<Sender> {
        self.hold(name.as_ref(), Arc::new(process))
    }

    /// Sends a signal to the process at the other end of a connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{signal, unix};
    ///
    /// # #[cfg(target_os = "linux")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = unix::Options::new().pidfd(true).pair()?;
    /// // Linux from 6.5 tells.
    /// if ours.peer().pidfd().is_some() {
    ///     let sender = signal::Options::new().sender_to_peer("USR1", ours.peer())?;
    /// }
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sender`](Self::sender), and [`Unsupported`](ErrorKind::Unsupported) where there is no
    /// [`Peer::pidfd`]: its number alone may be another's by now.
    pub fn sender_to_peer(&self, name: impl AsRef<str>, peer: &Peer) -> Result<Sender> {
        let Some(process) = &peer.pidfd else {
            let error = Error::new(ErrorKind::Unsupported, "nothing holds the peer's process")
                .remedy("ask for it with `unix::Options::pidfd`; Linux has it from 6.5 on");
            return Err(error.doing("send to"));
        };
        self.hold(name.as_ref(), Arc::clone(process))
    }

    fn hold(&self, name: &str, process: Arc<OwnedFd>) -> Result<Sender> {
        let number = Number::to_receive(name).map_err(|error| error.doing("send to"))?;
        Ok(Sender::new(self, number, process))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
