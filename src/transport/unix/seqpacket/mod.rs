//! Unix sockets that keep the boundaries of messages: `SOCK_SEQPACKET`.
//!
//! They are connections like those of [`unix`](super), and the messages that are sent are the
//! messages that the kernel carries: there is no prefix, and a program in any language that sends
//! and receives such messages is a full peer. What cannot be carried as one is refused.
//!
//! | | |
//! |---|---|
//! | framing | the kernel's; an empty message is a message |
//! | largest message | what the send buffer takes, 212,960 bytes by default; see [`Options::max_len`] |
//! | sent means | in the peer's queue: it outlives the sender, not the receiver |
//! | who may connect | as for [`unix`](super) |
//! | platform | Linux and Android |
//!
//! A message that is larger than the receiver's limit is an error there, and never a shorter
//! message. The end of a connection and an empty message, which recv(2) does not tell apart, are
//! told by the sender's credentials: each message carries them (`SO_PASSCRED`), the end has none.
//!
//! See unix(7).
//!
//! # Examples
//!
//! ```
//! use framewire::unix::seqpacket;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("e.sock");
//! let mut listener = seqpacket::listen(&*path).await?;
//! let mut client = seqpacket::connect(&*path).await?;
//! let mut server = listener.next().await.expect("a listener never ends")?;
//!
//! client.send("".into()).await?;
//! client.close().await?;
//! assert_eq!(server.next().await.expect("an empty message is none the less one")?, "");
//! assert!(server.next().await.is_none());
//! # Ok(())
//! # }
//! ```

mod detailed;
mod listener;
mod options;
mod socket;

pub use detailed::{Detailed, Passing};
pub use listener::Listener;
pub use options::Options;
pub use socket::Socket;

use crate::{Result, SocketName, message::Messages, wait::Fd};

/// A Unix socket that keeps the boundaries of messages.
///
/// # Examples
///
/// See the [module](self).
pub type Connection = Messages<Socket, Fd>;

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
/// use framewire::unix::seqpacket;
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (mut ours, mut theirs) = seqpacket::pair()?;
/// ours.send("hello".into()).await?;
/// assert_eq!(theirs.next().await.expect("ours is open")?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Options::pair`].
pub fn pair() -> Result<(Connection, Connection)> {
    Options::new().pair()
}
