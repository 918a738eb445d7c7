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
    sys::{self, Arrived, ControlBuffer},
    transport::inbox::Inbox,
    unix,
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
    /// How many descriptors a message carries, after `detailed`.
    pub(super) max_descriptors: usize,
    /// The peer closed before it had received all. The kernel tells at once, in front of what the
    /// peer had sent by then; we tell at the end.
    reset: Option<io::Error>,
}

impl Socket {
    pub(super) fn new(fd: Arc<OwnedFd>, peer: Peer, options: &unix::Options, sends: usize) -> Self {
        let max_descriptors = options.max_descriptors;
        // The same limit of the system's holds for what comes: there is no room for more.
        Self { fd, inbox: Inbox::new(sends), peer, sends, max_descriptors, reset: None }
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
        let packet = self.whole(|inbox, fd| inbox.receive(fd, false))?;
        if packet.is_end() { self.end().map(|()| false) } else { Ok(true) }
    }

    /// The same with the descriptors beside it; `None` is the end.
    pub(super) fn receive_with(
        &mut self,
        control: &mut ControlBuffer,
    ) -> io::Result<Option<Arrived>> {
        let arrived = self.whole(|inbox, fd| inbox.receive_with(fd, control))?;
        let ended = arrived.len == 0 && arrived.credentials.is_none();
        if ended { self.end().map(|()| None) } else { Ok(Some(arrived)) }
    }

    /// Takes what was received last.
    pub(super) fn take(&mut self) -> Bytes {
        self.inbox.take()
    }

    #[inline]
    fn whole<R>(
        &mut self,
        mut receive: impl FnMut(&mut Inbox, BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            match receive(&mut self.inbox, self.fd.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    self.reset = Some(error);
                }
                received => return received,
            }
        }
    }

    /// The end, in order or not.
    #[cold]
    fn end(&mut self) -> io::Result<()> {
        self.reset.take().map_or(Ok(()), Err)
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
