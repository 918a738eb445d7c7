//! One end of a connection.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use bytes::Bytes;

use super::Connection;
use crate::{
    Accepted, Endpoint, Peer,
    message::{Messages, TryRecv, TrySend},
    serve::Incoming,
    sys,
    transport::inbox::Inbox,
    wait::Fd,
};

/// A connected socket: what can be received from it and sent to it now.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use framewire::{message::{TryRecv, TrySend}, unix::seqpacket};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (mut ours, mut theirs) = seqpacket::pair()?;
/// ours.get_mut().try_send(&Bytes::from("now"))?;
/// assert_eq!(theirs.get_mut().try_recv()?, Some(Bytes::from("now")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Socket {
    fd: Arc<OwnedFd>,
    inbox: Inbox,
    peer: Peer,
    /// The largest message that can be sent.
    sends: usize,
    /// The peer closed before it had received all. The kernel tells at once, in front of what the
    /// peer had sent by then; we tell at the end.
    reset: Option<io::Error>,
}

impl Socket {
    pub(super) fn new(fd: Arc<OwnedFd>, peer: Peer, sends: usize, accepts: usize) -> Self {
        Self { fd, inbox: Inbox::new(accepts), peer, sends, reset: None }
    }

    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::seqpacket::pair()?;
    /// assert!(ours.get_ref().peer().uid().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Receives a message into the inbox; `false` is the end.
    #[inline]
    fn receive(&mut self) -> io::Result<bool> {
        loop {
            match self.inbox.receive(self.fd.as_fd(), false) {
                // What has no sender is no message.
                Ok(packet) if packet.len == 0 && packet.credentials.is_none() => {
                    return self.reset.take().map_or(Ok(false), Err);
                }
                Ok(_) => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    self.reset = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl TryRecv for Socket {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        Ok(if self.receive()? { Some(self.inbox.take()) } else { None })
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        Ok(if self.receive()? { Some(see(self.inbox.show())) } else { None })
    }
}

impl TrySend for Socket {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        // It goes whole or not at all.
        sys::send(self.fd.as_fd(), message).map(drop)
    }

    fn try_close(&mut self) -> io::Result<()> {
        sys::shutdown_write(self.fd.as_fd())
    }

    fn max_len(&self) -> usize {
        self.sends
    }
}

impl Messages<Socket, Fd> {
    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::seqpacket::pair()?;
    /// println!("talking to {:?}", ours.peer().pid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        self.get_ref().peer()
    }
}

impl Incoming for Connection {
    fn peer(&self) -> Option<&Peer> {
        Some(self.get_ref().peer())
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint()
    }
}

impl From<Connection> for Accepted {
    fn from(connection: Connection) -> Self {
        Self { peer: Some(connection.peer().clone()), io: Box::pin(connection) }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
