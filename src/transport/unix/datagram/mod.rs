//! Unix datagrams: many senders and one receiver, or one who talks with each of them.
//!
//! [`receiver`] binds a name and receives from whoever sends to it with [`sender`]; [`listen`] makes
//! a connection for each who [`connect`]s, on the first message that it sends. One message is one
//! datagram with no prefix, so that a program in any language is a full peer.
//!
//! | | |
//! |---|---|
//! | framing | the kernel's; an empty message is a message |
//! | largest message | what the send buffer takes, 212,960 bytes by default; see [`Options::max_len`] |
//! | sent means | in the receiver's queue: it outlives the sender, not the receiver |
//! | loss, order | none is lost, and those of one sender stay in order (unix(7)) |
//! | capacity | 10 messages unread (`/proc/sys/net/unix/max_dgram_qlen`) hold the senders back |
//! | the end | is not told: a datagram socket has none. See [`Options::idle`]. A client whose server is gone learns it when it sends |
//! | who may send | for paths whoever may write to the socket (0600: our user and root); for abstract names our user and root, by the credentials that each message carries |
//! | platform | Unix; abstract names, credentials and peers by process on Linux and Android |
//!
//! A connection of a listener is with one address and, on Linux, one process: whoever takes the
//! address of a peer that has ended is another peer. A socket without a name, which a program in
//! another language may have, has no address: a receiver takes what it sends, a listener drops it,
//! and an event says so.
//!
//! Nobody knows who is behind a name before an answer comes. What is sent to an abstract name goes
//! to whoever has taken that first; give a path in a directory that is your own.
//!
//! All connections of a listener send through its one socket: peers that are connected to it and do
//! not receive use up its send buffer, and the others wait. Among peers that do not trust each
//! other, use [`seqpacket`](super::seqpacket).
//!
//! See unix(7).
//!
//! # Examples
//!
//! ```
//! use framewire::unix::datagram;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("e.sock");
//! let mut listener = datagram::listen(&*path).await?;
//! let mut client = datagram::connect(&*path).await?;
//! client.send("hello".into()).await?;
//!
//! let mut server = listener.next().await.expect("the runtime lives")?;
//! let hello = server.next().await.expect("it was sent")?;
//! server.send(hello).await?;
//! assert_eq!(client.next().await.expect("the server is there")?, "hello");
//! # Ok(())
//! # }
//! ```

mod options;

pub use options::Options;

pub use crate::transport::datagram::{
    Address, Detailed, Listener, Outgoing, Ready, Received, Socket, Source, Target,
};
use crate::{Result, SocketName, message::Messages};

/// A datagram socket that talks with one other.
///
/// # Examples
///
/// See the [module](self).
pub type Connection = Messages<Socket, Ready>;

/// A datagram socket that receives from whoever sends to it.
///
/// # Examples
///
/// See [`receiver`].
pub type Receiver = Messages<Source, Ready>;

/// A datagram socket that sends to one other.
///
/// # Examples
///
/// See [`receiver`].
pub type Sender = Messages<Target, Ready>;

/// Binds a name and makes a connection for each who sends to it, with the default [`Options`].
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

/// Connects to a name, so as to send to it and to be answered, with the default [`Options`].
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
/// Cancel-safe: a socket that is being connected is closed.
pub async fn connect(name: impl Into<SocketName>) -> Result<Connection> {
    Options::new().connect(name).await
}

/// Binds a name and receives from whoever sends to it, with the default [`Options`].
///
/// # Examples
///
/// ```
/// use framewire::unix::datagram;
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("e.sock");
/// let mut receiver = datagram::receiver(&*path).await?.detailed();
/// let mut sender = datagram::sender(&*path).await?;
/// sender.send("hello".into()).await?;
///
/// let received = receiver.next().await.expect("it has no end")?;
/// assert_eq!(received.body, "hello");
/// # #[cfg(target_os = "linux")]
/// assert_eq!(received.peer.pid(), Some(std::process::id()));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Options::receiver`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn receiver(name: impl Into<SocketName>) -> Result<Receiver> {
    Options::new().receiver(name).await
}

/// Sends to a name, with the default [`Options`].
///
/// # Examples
///
/// See [`receiver`].
///
/// # Errors
///
/// As [`Options::sender`].
///
/// # Cancel safety
///
/// Cancel-safe: a socket that is being connected is closed.
pub async fn sender(name: impl Into<SocketName>) -> Result<Sender> {
    Options::new().sender(name).await
}
