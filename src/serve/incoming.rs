//! What a server asks of a connection.

use crate::{Accepted, Endpoint, Peer};

/// A connection that a [`Server`](super::Server) can serve: it can say who is at its other end.
///
/// Every connection of this crate is one, and [`Accepted`]. Implement it for a connection of your
/// own, with whatever it knows.
///
/// # Examples
///
/// A socket of Tokio's, served without framing:
///
/// ```
/// use framewire::{Peer, serve::Incoming};
/// use tokio::net::TcpStream;
///
/// struct Raw(TcpStream);
///
/// impl Incoming for Raw {
///     fn peer(&self) -> Option<&Peer> {
///         None
///     }
/// }
/// ```
pub trait Incoming {
    /// Who it is. The limit per user counts [`Peer::uid`]; events name all that is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Accepted, serve::Incoming};
    ///
    /// fn is_root(accepted: &Accepted) -> bool {
    ///     accepted.peer().and_then(|peer| peer.uid()) == Some(0)
    /// }
    /// ```
    fn peer(&self) -> Option<&Peer>;

    /// Where it came in, for events to name; [`Server::on`](super::Server::on) serves those that
    /// cannot say.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{Accepted, frame::Frames, serve::Incoming};
    ///
    /// let accepted = Accepted { peer: None, io: Box::pin(Frames::new(tokio::io::empty())) };
    /// assert!(accepted.endpoint().is_none());
    /// ```
    fn endpoint(&self) -> Option<&Endpoint> {
        None
    }
}

impl Incoming for Accepted {
    fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }
}
