//! A datagram that came, with what the kernel says of it.

use std::{io, os::fd::BorrowedFd, sync::Arc};

use bytes::Bytes;

use super::{Address, losses::Losses};
use crate::{
    Endpoint, Error, ErrorKind, Peer, Result,
    message::Body,
    sys::{self, Credentials, Packet},
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
    /// Where it came from, to be answered to; `None` where the sender's socket has no name that can
    /// be sent to.
    ///
    /// It proves nothing: over UDP whoever sends writes it, and a path is as it was written by
    /// whoever bound it, in whatever directory that was.
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
    dropped: Dropped,
    /// Something is in the inbox behind an error that is told first.
    waiting: Option<Box<Packet>>,
    policy: Policy,
    pub(super) losses: Losses,
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
    pub(crate) fn of(options: &unix::Options, endpoint: &Arc<Endpoint>) -> Result<Self> {
        if options.check(&Peer::default(), endpoint).is_ok() {
            return Ok(Self::anyone());
        }
        if !sys::MESSAGES_HAVE_CREDENTIALS {
            let cause = "only Linux tells who sent a datagram";
            return Err(Error::new(ErrorKind::Unsupported, cause)
                .remedy("say with `unix::Options::mode` who may send"));
        }
        Ok(Self(Some((options.clone(), Arc::clone(endpoint)))))
    }

    #[inline]
    fn check(&self, packet: &Packet) -> Result<()> {
        let Some((options, endpoint)) = &self.0 else { return Ok(()) };
        let peer = packet.credentials.map(Credentials::peer).unwrap_or_default();
        options.check(&peer, endpoint)
    }
}

/// So many messages of strangers are passed over before somebody else has a turn.
const RUN: u32 = 64;
/// Why those are dropped.
pub(super) const STRANGERS: &str = "strangers sent them";
/// Why others are.
pub(super) const OVERRUN: &str = "the system's receive buffer was full";

impl Intake {
    pub(super) fn new(max_len: usize, named: bool, policy: Policy) -> Self {
        let (inbox, losses) = (Inbox::new(max_len), Losses::default());
        Self { inbox, named, dropped: Dropped(0), waiting: None, policy, losses }
    }

    /// Receives one message into the inbox. That some were dropped in front of it is told first.
    #[inline]
    pub(super) fn receive(&mut self, fd: BorrowedFd<'_>) -> io::Result<Packet> {
        if let Some(packet) = self.waiting.take() {
            return Ok(*packet);
        }
        let (packet, missed) = self.receive_and_count(fd)?;
        if missed > 0 {
            self.waiting = Some(Box::new(packet));
            return Err(lagged(missed, OVERRUN));
        }
        Ok(packet)
    }

    /// Receives one message into the inbox, and says how many were dropped in front of it.
    #[inline]
    pub(super) fn receive_and_count(&mut self, fd: BorrowedFd<'_>) -> io::Result<(Packet, u64)> {
        for _ in 0..RUN {
            let packet = self.inbox.receive(fd, self.named).map_err(as_told)?;
            if let Err(error) = self.policy.check(&packet) {
                if let Some(count) = self.losses.count(STRANGERS, 1) {
                    tracing::warn!(count, %error, "dropped messages of strangers");
                }
                continue;
            }
            let missed = self.dropped.until(packet.dropped);
            return Ok((packet, missed.into()));
        }
        let cause = format!("{RUN} messages of strangers in a row were dropped");
        Err(Error::new(ErrorKind::Denied, cause)
            .remedy("who may send? see `Options::allow`")
            .into())
    }
}

/// The kernel's count of dropped messages, as it was last told. It comes with messages that are
/// behind a gap, is not told while it is 0, and wraps.
#[derive(Debug)]
struct Dropped(u32);

impl Dropped {
    /// How many were dropped since, now that this is told.
    #[inline]
    fn until(&mut self, told: Option<u32>) -> u32 {
        let Some(told) = told else { return 0 };
        let missed = told.wrapping_sub(self.0);
        self.0 = told;
        missed
    }
}

/// An error of a call, in our terms: the answers that came to what was sent before are one.
#[inline]
pub(super) fn as_told(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
            Error::new(ErrorKind::Closed, error).remedy("nobody has that address now").into()
        }
        _ => error,
    }
}

/// So many messages are lost, and why.
#[cold]
pub(super) fn lagged(missed: u64, why: &str) -> io::Error {
    Error::new(ErrorKind::Lagged, format!("{missed} messages were dropped: {why}"))
        .remedy("receive faster, or have the peers send slower")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_count_begins_with_0_and_wraps() {
        let mut dropped = Dropped(0);
        let told = [None, Some(5), Some(5), None, Some(7), Some(u32::MAX), None, Some(2)];
        let missed: Vec<_> = told.into_iter().map(|told| dropped.until(told)).collect();
        assert_eq!(missed, [0, 5, 0, 0, 2, u32::MAX - 7, 0, 3]);
    }
}
