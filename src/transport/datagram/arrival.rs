//! A datagram that came, with what the kernel says of it.

use std::{io, os::fd::BorrowedFd, sync::Arc};

use bytes::Bytes;

use super::Address;
use crate::{
    Endpoint, Error, ErrorKind, Peer, Result,
    message::Body,
    sys::{Credentials, Packet},
    transport::inbox::Inbox,
    unix,
};

/// A message and whose it is: what a datagram socket receives after `detailed`.
///
/// # Examples
///
/// See [`udp`](crate::udp).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// The message.
    pub body: Bytes,
    /// Where it came from, to be answered to; `None` where the sender's socket has no name.
    pub from: Option<Address>,
    /// Who sent it, as far as the kernel tells: the address for UDP, user and process for Unix
    /// sockets (Linux).
    pub peer: Peer,
}

impl Body for Received {
    fn body(&self) -> &Bytes {
        &self.body
    }
}

/// A message, and where it goes: what a datagram socket sends after `detailed`.
///
/// # Examples
///
/// See [`udp`](crate::udp).
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub(super) body: Bytes,
    pub(super) to: Option<Address>,
}

impl Outgoing {
    /// To whomever the socket is connected to.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{message::Body, udp::Outgoing};
    ///
    /// assert_eq!(Outgoing::new("hello").body(), "hello");
    /// ```
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), to: None }
    }

    /// To this address, of a socket that is not connected.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::udp::{Address, Outgoing};
    /// use std::net::SocketAddr;
    ///
    /// let to = Address::from(SocketAddr::from(([127, 0, 0, 1], 7000)));
    /// let outgoing = Outgoing::new("hello").to(to);
    /// ```
    #[must_use]
    pub fn to(mut self, address: Address) -> Self {
        self.to = Some(address);
        self
    }
}

impl From<Bytes> for Outgoing {
    fn from(body: Bytes) -> Self {
        Self::new(body)
    }
}

impl Body for Outgoing {
    fn body(&self) -> &Bytes {
        &self.body
    }
}

/// A message as it waits for whom it is for.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) body: Bytes,
    pub(super) credentials: Option<Credentials>,
}

impl Credentials {
    /// Who that is.
    pub(super) fn peer(self) -> Peer {
        let Self { pid, uid, gid } = self;
        // A process of another namespace has no number here.
        let pid = (pid != 0).then_some(pid);
        Peer { uid: Some(uid), gid: Some(gid), pid, ..Peer::default() }
    }
}

/// What a socket takes in, and what it counts.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) inbox: Inbox,
    /// Whether the sender's address is asked for.
    pub(super) named: bool,
    /// The kernel's count of dropped messages, as it was last told.
    dropped: u32,
    /// Something is in the inbox behind an error that is told first.
    waiting: Option<Packet>,
    pub(super) policy: Policy,
}

/// Whose messages are taken.
#[derive(Clone, Debug)]
pub(crate) struct Policy(Option<(unix::Options, Arc<Endpoint>)>);

impl Policy {
    /// Everybody's.
    pub(crate) fn anyone() -> Self {
        Self(None)
    }

    /// What these options say of this endpoint.
    pub(crate) fn of(options: &unix::Options, endpoint: &Arc<Endpoint>) -> Self {
        let asks = options.check(&Peer::default(), endpoint).is_err();
        Self(asks.then(|| (options.clone(), Arc::clone(endpoint))))
    }

    #[inline]
    fn check(&self, packet: &Packet) -> Result<()> {
        let Some((options, endpoint)) = &self.0 else { return Ok(()) };
        let peer = packet.credentials.map(Credentials::peer).unwrap_or_default();
        options.check(&peer, endpoint)
    }
}

/// So many messages of strangers are passed over before somebody else has a turn.
const STRANGERS: u32 = 64;

impl Intake {
    pub(super) fn new(max_len: usize, named: bool, policy: Policy) -> Self {
        Self { inbox: Inbox::new(max_len), named, dropped: 0, waiting: None, policy }
    }

    /// Receives one message into the inbox.
    #[inline]
    pub(super) fn receive(&mut self, fd: BorrowedFd<'_>) -> io::Result<Packet> {
        if let Some(packet) = self.waiting.take() {
            return Ok(packet);
        }
        for _ in 0..STRANGERS {
            let packet = self.inbox.receive(fd, self.named)?;
            if let Err(error) = self.policy.check(&packet) {
                tracing::warn!(%error, "dropped a stranger's message");
                continue;
            }
            let missed = packet.dropped.map_or(0, |dropped| dropped.wrapping_sub(self.dropped));
            if missed > 0 {
                self.dropped = self.dropped.wrapping_add(missed);
                self.waiting = Some(packet);
                return Err(lagged(u64::from(missed), "the system's receive buffer was full"));
            }
            return Ok(packet);
        }
        let cause = format!("{STRANGERS} messages of strangers in a row were dropped");
        Err(Error::new(ErrorKind::Denied, cause)
            .remedy("who may send? see `Options::allow`")
            .into())
    }
}

/// So many messages are lost, and why.
#[cold]
pub(super) fn lagged(missed: u64, why: &str) -> io::Error {
    Error::new(ErrorKind::Lagged, format!("{missed} messages were dropped: {why}"))
        .remedy("receive faster, or have the peers send slower")
        .into()
}
