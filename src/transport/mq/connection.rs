//! A connection, and who is at its other end.

use std::io;

use super::{Channel, Outgoing, Ranked, Received};
use crate::{
    Accepted, Endpoint, Peer,
    message::{Messages, TryRecv, TrySend},
    serve::Incoming,
    wait::Watched,
};

/// A connection over a pair of queues: a `Stream` and `Sink` of messages.
///
/// # Examples
///
/// See [`listen`](super::listen).
pub type Connection = Messages<Channel, Watched>;

/// A connection whose messages have priorities: a `Stream` of [`Received`] and a `Sink` of
/// [`Outgoing`].
///
/// # Examples
///
/// See [`Connection::detailed`](Messages::detailed).
pub type DetailedConnection = Messages<Ranked<Channel>, Watched, Outgoing>;

impl Messages<Channel, Watched> {
    /// Who is at the other end, as far as the queues tell: the user that alone can open them. A
    /// queue does not tell which process it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-peer-{}", std::process::id());
    /// let options = mq::Options::new().capacity(4).max_len(64);
    /// let listener = options.listen(name).await?;
    /// let client = options.connect(name).await?;
    /// assert!(client.peer().uid().is_some() && client.peer().pid().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        self.get_ref().peer()
    }

    /// The same connection with the priorities of its messages. They come highest first, and in the
    /// order in which they were sent within one priority.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::mq::{self, Outgoing};
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = &format!("/framewire-doc-both-{}", std::process::id());
    /// let options = mq::Options::new().capacity(4).max_len(64);
    /// let mut listener = options.listen(name).await?;
    /// let mut client = options.connect(name).await?.detailed();
    /// client.send(Outgoing::new("tea is ready")).await?;
    /// client.send(Outgoing::new("fire").priority(31)).await?;
    ///
    /// let mut server = listener.next().await.expect("a listener never ends")?.detailed();
    /// let first = server.next().await.expect("it was sent")?;
    /// assert_eq!((&first.body[..], first.priority()), (&b"fire"[..], 31));
    /// # Ok(())
    /// # }
    /// ```
    pub fn detailed(self) -> DetailedConnection {
        self.map_io(Ranked)
    }
}

impl TryRecv for Ranked<Channel> {
    type Received = Received;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Received>> {
        Ok(self.0.take()?.map(|(body, priority)| Received { body, priority }))
    }
}

impl TrySend for Ranked<Channel> {
    type Outgoing = Outgoing;

    #[inline]
    fn try_send(&mut self, message: &Outgoing) -> io::Result<()> {
        self.0.give(&message.body, message.priority)
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        self.0.try_flush()
    }

    fn try_close(&mut self) -> io::Result<()> {
        self.0.try_close()
    }

    #[inline]
    fn max_len(&self) -> usize {
        self.0.max_len()
    }
}

impl From<Connection> for Accepted {
    fn from(connection: Connection) -> Self {
        Self { peer: Some(connection.peer().clone()), io: Box::pin(connection) }
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
