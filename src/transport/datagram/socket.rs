//! A datagram socket: what can be received from it and sent to it now.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    Address, Outgoing, Ready, Received,
    arrival::{Arrival, Intake, as_told, lagged},
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
    /// It was connected to one who is gone, and whoever sends to it now is another.
    parted: bool,
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
        Self { fd, feed, peer, sends, parted: false, _placed: placed }
    }

    #[inline]
    fn receive(&mut self) -> io::Result<Option<(Arrival, Option<Address>)>> {
        match &mut self.feed {
            Feed::Own(_) if self.parted => Ok(None),
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
            Feed::Own(intake) if !self.parted => {
                intake.receive(self.fd.as_fd())?;
                Ok(Some(intake.inbox.take()))
            }
            _ => Ok(self.receive()?.map(|(arrival, _)| arrival.body)),
        }
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        match &mut self.feed {
            Feed::Own(intake) if !self.parted => {
                intake.receive(self.fd.as_fd())?;
                Ok(Some(see(intake.inbox.show())))
            }
            _ => Ok(self.receive()?.map(|(arrival, _)| see(&arrival.body))),
        }
    }

    /// A datagram socket outlives what one peer does to it.
    fn goes_on(&self, error: &Error) -> bool {
        use ErrorKind::{Closed, Denied, Lagged, TooLarge};
        let of_one_message = matches!(error.kind(), Closed | Denied | Lagged | TooLarge);
        let number = error.raw_os_error().map(io::Error::from_raw_os_error);
        of_one_message || number.is_some_and(|error| sys::is_told_of_a_datagram(&error))
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
    to: Whom,
    max_len: usize,
}

/// To whom messages go that do not say it themselves.
#[derive(Debug)]
pub(super) enum Whom {
    /// Whom the socket is connected to.
    Connected,
    Address(Address),
    Nobody,
}

impl Target {
    pub(super) fn new(fd: Arc<OwnedFd>, to: Whom, max_len: usize) -> Self {
        Self { fd, to, max_len }
    }

    #[inline]
    fn send(&self, body: &[u8], to: Option<&Address>) -> io::Result<()> {
        let sent = match (to, &self.to) {
            (Some(Address(to)), _) | (None, Whom::Address(Address(to))) => {
                sys::send_to(self.fd.as_fd(), body, to)
            }
            (None, Whom::Connected) => sys::send(self.fd.as_fd(), body).map(drop),
            (None, Whom::Nobody) => Err(Error::new(ErrorKind::Address, "to nobody")
                .remedy("say to whom with `Outgoing::to`")
                .into()),
        };
        sent.map_err(|error| self.refused(error, body.len()))
    }

    fn refused(&self, error: io::Error, len: usize) -> io::Error {
        match error.kind() {
            io::ErrorKind::WouldBlock => error,
            // Whose path that was is gone and has taken it along.
            io::ErrorKind::NotFound => {
                Error::new(ErrorKind::Closed, error).remedy("nobody has that address now").into()
            }
            _ if sys::is_too_long(&error) => {
                let cause = format!("message of {len} bytes: the system does not take it");
                Error::new(ErrorKind::TooLarge, cause).remedy("send it in parts").into()
            }
            _ if sys::is_want_of_room(&error) => io::ErrorKind::WouldBlock.into(),
            _ => as_told(error),
        }
    }

    /// Whether the kernel has found the peer to be gone and taken it away: it does so for Unix
    /// sockets, and lets whoever will send to them from then on.
    #[cold]
    fn is_parted(&self, error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::BrokenPipe
            && matches!(self.to, Whom::Connected)
            && !sys::is_connected(self.fd.as_fd()).unwrap_or(false)
    }
}

impl TrySend for Target {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        self.send(message, None)
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

impl Socket {
    #[inline]
    fn send(&mut self, body: &[u8], to: Option<&Address>) -> io::Result<()> {
        let sent = self.target.send(body, to);
        if sent.as_ref().is_err_and(|error| self.target.is_parted(error)) {
            self.source.parted = true;
            // Whoever waits for a message is woken by it. It cannot fail; and would say the same.
            let _ = sys::shutdown_read(self.target.fd.as_fd());
        }
        sent
    }
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
        self.send(message, None)
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
        self.0.send(message.body(), message.to.as_ref())
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
            let target = Target::new(Arc::clone(&source.fd), Whom::Nobody, source.sends);
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
