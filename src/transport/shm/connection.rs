//! Messages through shared memory.

use super::Channel;
use crate::{Accepted, Endpoint, Peer, message::Messages, serve::Incoming, wait::Doorbell};

/// Two processes' shared memory, as a `Stream` and `Sink` of messages.
///
/// # Examples
///
/// See the [module](super).
pub type Connection = Messages<Channel, Doorbell>;

impl Messages<Channel, Doorbell> {
    /// Who is at the other end, with a descriptor of its process where the system has it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::shm::pair()?;
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
