//! Descriptors beside the messages.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use super::Socket;
use crate::{
    message::{Messages, TryRecv, TrySend},
    sys::{self, ControlBuffer},
    unix::{Outgoing, Received, passing::Limit},
    wait::Fd,
};

/// A connection with descriptors in its messages: a `Stream` of [`Received`] and a `Sink` of
/// [`Outgoing`].
///
/// # Examples
///
/// See [`Connection::detailed`](Messages::detailed).
pub type Detailed = Messages<Passing, Fd, Outgoing>;

/// A connected socket whose messages carry descriptors.
///
/// # Examples
///
/// It is what [`Detailed`] is made of.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::unix::seqpacket::{self, Passing};
///
/// let (ours, _theirs) = seqpacket::pair()?;
/// let ours = ours.detailed();
/// let passing: &Passing = ours.get_ref();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Passing {
    socket: Socket,
    control: Box<ControlBuffer>,
    limit: Limit,
}

impl Messages<Socket, Fd> {
    /// The same connection with descriptors in its messages. Those that come before this is called
    /// are closed by the kernel.
    ///
    /// A message with more than [`max_descriptors`](crate::unix::Options::max_descriptors), and one
    /// whose descriptors could not all be opened here, is an error that closes those that came, and
    /// the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::unix::{Outgoing, seqpacket};
    /// use futures::{SinkExt, StreamExt};
    /// use std::{fs::File, io::{Read, Write}, os::fd::OwnedFd};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, theirs) = seqpacket::pair()?;
    /// let (mut ours, mut theirs) = (ours.detailed(), theirs.detailed());
    /// let (writer, mut reader) = std::os::unix::net::UnixStream::pair()?;
    /// ours.send(Outgoing::new("write here").with(writer)).await?;
    ///
    /// let received = theirs.next().await.expect("it was sent")?;
    /// let (body, [writer]): (_, [OwnedFd; 1]) = received.exactly()?;
    /// File::from(writer).write_all(&body)?;
    /// let mut written = String::new();
    /// reader.read_to_string(&mut written)?;
    /// assert_eq!(written, "write here");
    /// # Ok(())
    /// # }
    /// ```
    pub fn detailed(self) -> Detailed {
        self.map_io(|socket| {
            let limit = Limit::new(socket.max_descriptors);
            Passing { socket, control: Box::new(limit.control_buffer()), limit }
        })
    }
}

impl TryRecv for Passing {
    type Received = Received;

    fn try_recv(&mut self) -> io::Result<Option<Received>> {
        let Self { socket, control, limit } = self;
        let Some(arrived) = socket.receive_with(control)? else { return Ok(None) };
        let descriptors = limit.accept(arrived.descriptors, arrived.descriptors_cut)?;
        Ok(Some(Received::new(socket.take(), descriptors)))
    }
}

impl TrySend for Passing {
    type Outgoing = Outgoing;

    fn try_send(&mut self, message: &Outgoing) -> io::Result<()> {
        let descriptors = message.descriptors();
        self.limit.check(descriptors.len())?;
        if descriptors.is_empty() {
            return sys::send(self.socket.as_fd(), message.body()).map(drop);
        }
        let descriptors: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
        let body = io::IoSlice::new(message.body());
        sys::send_with(self.socket.as_fd(), &[body], &descriptors).map(drop)
    }

    fn try_close(&mut self) -> io::Result<()> {
        self.socket.try_close()
    }

    fn max_len(&self) -> usize {
        self.socket.max_len()
    }
}

impl Messages<Passing, Fd, Outgoing> {
    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::seqpacket::pair()?;
    /// assert!(ours.detailed().peer().uid().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &crate::Peer {
        self.get_ref().socket.peer()
    }
}
