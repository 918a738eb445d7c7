//! A datagram socket: what can be received from it and sent to it now.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    Address, Outgoing, Ready, Received,
    arrival::{Arrival, Intake, lagged},
    hub::Running,
    queue::{Taken, Taker},
};
use crate::{
    Accepted, Endpoint, Error, ErrorKind, Peer,
    message::{Body, Messages, TryRecv, TrySend},
    names::Placed,
    serve::Incoming,
    sys,
};

/// The receiving side.
///
/// # Examples
///
/// See [`Ready`].
#[derive(Debug)]
pub struct Source {
    fd: Arc<OwnedFd>,
    feed: Feed,
    peer: Peer,
    /// The largest message that can be sent, where answers are.
    sends: usize,
    /// The socket's name in the file system, where it is ours to remove.
    _placed: Option<Placed>,
}

/// Where messages come from.
#[derive(Debug)]
pub(super) enum Feed {
    /// The descriptor, of which nobody else receives.
    Own(Intake),
    /// What the task that receives from the descriptor has put there for us.
    Shared { taker: Taker<Arrival>, address: Address, _running: Arc<Running> },
}

impl Source {
    pub(super) fn new(
        fd: Arc<OwnedFd>,
        feed: Feed,
        peer: Peer,
        sends: usize,
        placed: Option<Placed>,
    ) -> Self {
        Self { fd, feed, peer, sends, _placed: placed }
    }

    #[inline]
    fn receive(&mut self) -> io::Result<Option<(Arrival, Option<Address>)>> {
        match &mut self.feed {
            Feed::Own(intake) => {
                let packet = intake.receive(self.fd.as_fd())?;
                let (body, credentials) = (intake.inbox.take(), packet.credentials);
                Ok(Some((Arrival { body, credentials }, packet.from.map(Address))))
            }
            Feed::Shared { taker, address, .. } => match taker.queue().take() {
                Taken::Item(arrival) => Ok(Some((arrival, Some(address.clone())))),
                Taken::Missed(missed) => Err(lagged(missed, "too many had not been received yet")),
                Taken::Nothing => Err(io::ErrorKind::WouldBlock.into()),
                Taken::End => Ok(None),
            },
        }
    }
}

impl TryRecv for Source {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.feed {
            Feed::Own(intake) => {
                intake.receive(self.fd.as_fd())?;
                Ok(Some(intake.inbox.take()))
            }
            Feed::Shared { .. } => Ok(self.receive()?.map(|(arrival, _)| arrival.body)),
        }
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        match &mut self.feed {
            Feed::Own(intake) => {
                intake.receive(self.fd.as_fd())?;
                Ok(Some(see(intake.inbox.show())))
            }
            Feed::Shared { .. } => Ok(self.receive()?.map(|(arrival, _)| see(&arrival.body))),
        }
    }

    /// A datagram socket outlives what one peer does to it.
    fn goes_on(&self, error: &Error) -> bool {
        use ErrorKind::{Closed, Denied, Lagged, NotFound, TooLarge};
        matches!(error.kind(), Closed | Denied | Lagged | NotFound | TooLarge)
    }
}

/// The sending side.
///
/// # Examples
///
/// See [`Ready`].
#[derive(Debug)]
pub struct Target {
    fd: Arc<OwnedFd>,
    /// `None` where the socket is connected.
    to: Option<Address>,
    max_len: usize,
}

impl Target {
    pub(super) fn new(fd: Arc<OwnedFd>, to: Option<Address>, max_len: usize) -> Self {
        Self { fd, to, max_len }
    }

    #[inline]
    fn send(&self, body: &[u8], to: Option<&Address>) -> io::Result<()> {
        let sent = match to {
            Some(Address(to)) => sys::send_to(self.fd.as_fd(), body, to),
            None => sys::send(self.fd.as_fd(), body).map(drop),
        };
        sent.map_err(|error| match error.kind() {
            // Nobody has that address any more.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                Error::new(ErrorKind::Closed, error).remedy("the peer is gone").into()
            }
            _ => error,
        })
    }
}

impl TrySend for Target {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        self.send(message, self.to.as_ref())
    }

    fn max_len(&self) -> usize {
        self.max_len
    }
}

/// Both sides.
///
/// # Examples
///
/// See [`Ready`].
#[derive(Debug)]
pub struct Socket {
    pub(super) source: Source,
    pub(super) target: Target,
}

impl TryRecv for Socket {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        self.source.try_recv()
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        self.source.try_lend(see)
    }

    fn goes_on(&self, error: &Error) -> bool {
        self.source.goes_on(error)
    }
}

impl TrySend for Socket {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        self.target.try_send(message)
    }

    fn max_len(&self) -> usize {
        self.target.max_len()
    }
}

/// The same socket, with addresses beside the bodies.
///
/// # Examples
///
/// See [`udp`](crate::udp).
#[derive(Debug)]
pub struct Detailed(Socket);

impl TryRecv for Detailed {
    type Received = Received;

    fn try_recv(&mut self) -> io::Result<Option<Received>> {
        if let Feed::Own(intake) = &mut self.0.source.feed {
            intake.named = true;
        }
        let known = &self.0.source.peer.clone();
        Ok(self.0.source.receive()?.map(|(arrival, from)| {
            let Arrival { body, credentials } = arrival;
            let peer = match (credentials, &from) {
                (Some(credentials), _) => credentials.peer(),
                (None, Some(from)) => from.peer(),
                (None, None) => known.clone(),
            };
            Received { body, from, peer }
        }))
    }

    fn goes_on(&self, error: &Error) -> bool {
        self.0.source.goes_on(error)
    }
}

impl TrySend for Detailed {
    type Outgoing = Outgoing;

    fn try_send(&mut self, message: &Outgoing) -> io::Result<()> {
        let target = &self.0.target;
        target.send(message.body(), message.to.as_ref().or(target.to.as_ref()))
    }

    fn max_len(&self) -> usize {
        self.0.target.max_len()
    }
}

impl Messages<Socket, Ready> {
    /// Who is at the other end: the address for UDP, user and process for Unix sockets (Linux).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let connection = framewire::udp::connect("127.0.0.1:7000").await?;
    /// assert_eq!(connection.peer().addr().map(|address| address.port()), Some(7000));
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        &self.get_ref().source.peer
    }

    /// The same channel with addresses beside the bodies.
    ///
    /// # Examples
    ///
    /// See [`udp`](crate::udp).
    pub fn detailed(self) -> Messages<Detailed, Ready, Outgoing> {
        self.map_io(Detailed)
    }
}

impl Messages<Source, Ready> {
    /// The same channel with addresses beside the bodies, which can be answered to.
    ///
    /// # Examples
    ///
    /// See [`udp`](crate::udp).
    pub fn detailed(self) -> Messages<Detailed, Ready, Outgoing> {
        self.map_io(|source| {
            let target = Target::new(Arc::clone(&source.fd), None, source.sends);
            Detailed(Socket { source, target })
        })
    }
}

impl Incoming for Messages<Socket, Ready> {
    fn peer(&self) -> Option<&Peer> {
        Some(&self.get_ref().source.peer)
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint()
    }
}

impl From<Messages<Socket, Ready>> for Accepted {
    fn from(connection: Messages<Socket, Ready>) -> Self {
        Self { peer: Some(connection.peer().clone()), io: Box::pin(connection) }
    }
}
