//! Unix stream sockets: two processes of one machine, both directions, with credentials.
//!
//! [`listen`] and [`connect`] take a path or, on Linux, an abstract name (`@name`); [`pair`] makes
//! two connected ends without a name. A [`Connection`] is a `Stream` and `Sink` of messages.
//!
//! | | |
//! |---|---|
//! | framing | [four bytes of length](crate::frame) in front of each message |
//! | largest message | 8 MiB, or [`Options::max_len`] |
//! | sent means | in the kernel's buffer: it outlives the sender, not the receiver |
//! | descriptors | up to 16 a message, or [`Options::max_descriptors`]; see [`Detailed`] |
//! | who may connect | for paths whoever may write to the socket (0600: our user and root); for abstract names our user and root; see [`Allow`] |
//! | platform | Unix; abstract names on Linux and Android |
//!
//! See unix(7).
//!
//! # Examples
//!
//! ```
//! use framewire::unix;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("e.sock");
//! let mut listener = unix::listen(&*path).await?;
//! let mut client = unix::connect(&*path).await?;
//! let mut server = listener.next().await.expect("a listener never ends")?;
//!
//! client.send("hello".into()).await?;
//! let hello = server.next().await.expect("the client is there")?;
//! server.send(hello).await?;
//! assert_eq!(client.next().await.expect("the server is there")?, "hello");
//! # Ok(())
//! # }
//! ```

mod adopt;
mod allow;
pub(in crate::transport) mod connect;
pub mod datagram;
mod listener;
pub(in crate::transport) mod listening;
mod options;
pub(crate) mod passing;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod seqpacket;

pub use allow::Allow;
pub use listener::Listener;
pub use options::Options;
pub use passing::{Detailed, Outgoing, Received};

pub use super::socket::Socket;
use crate::{Result, SocketName, frame::Frames};

/// A framed Unix stream socket.
///
/// # Examples
///
/// See the [module](self).
pub type Connection = Frames<Socket>;

/// Listens on a name, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::listen`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn listen(name: impl Into<SocketName>) -> Result<Listener> {
    Options::new().listen(name).await
}

/// Connects to a name, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::connect`].
///
/// # Cancel safety
///
/// Cancel-safe: a connection that is being made is closed.
pub async fn connect(name: impl Into<SocketName>) -> Result<Connection> {
    Options::new().connect(name).await
}

/// Two connected ends without a name, for two tasks or to hand one to a child.
///
/// # Examples
///
/// ```
/// use framewire::unix;
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (mut ours, mut theirs) = unix::pair()?;
/// ours.send("hello".into()).await?;
/// assert_eq!(theirs.next().await.expect("ours is open")?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What socketpair(2) answers, and when there is no Tokio runtime here.
pub fn pair() -> Result<(Connection, Connection)> {
    Options::new().pair()
}
