//! A connection, and who is at its other end.

use super::Channel;
use crate::{Accepted, Endpoint, Peer, message::Messages, serve::Incoming, wait::SharedBell};

/// A connection through two rings: a `Stream` and `Sink` of messages.
///
/// # Examples
///
/// See [`named`](super).
pub type Connection = Messages<Channel, SharedBell>;

impl Messages<Channel, SharedBell> {
    /// Who is at the other end: see [`Channel::peer`].
    ///
    /// # Examples
    ///
    /// See [`Channel::peer`].
    pub fn peer(&self) -> &Peer {
        self.get_ref().peer()
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
