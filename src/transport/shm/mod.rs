//! Memory that two processes share: messages without system calls in between.
//!
//! [`listen`] and [`connect`] take a path or an abstract name (`@name`) of a Unix socket, over which
//! the two processes are introduced; [`pair`] makes two connected ends without a name. From then on
//! messages go through memory, and a [`Connection`] is a `Stream` and `Sink` of them.
//!
//! | | |
//! |---|---|
//! | framing | a record of a ring; messages larger than the ring go in pieces |
//! | largest message | 8 MiB, or [`Options::max_len`] |
//! | sent means | in memory that lives as long as one of the two |
//! | who may connect | as for [`unix`](crate::unix): for paths whoever may write to the socket, for abstract names our user and root |
//! | platform | Linux and Android |
//!
//! Each process writes to memory of its own, which the other can only read: the kernel sees to that
//! (`F_SEAL_FUTURE_WRITE`, memfd_create(2)), and that nobody takes it back. What a peer writes is
//! looked at before it is used, each word once, so that one that is broken or hostile is an error
//! of its own connection.
//!
//! [`region`] is memory without any of this, for a struct that is shared with a program in C.
//!
//! # Without a copy
//!
//! | | sender | receiver |
//! |---|---|---|
//! | a small message | copies it into the ring | copies it out |
//! | [`loan`](Connection::loan): up to half of the ring | writes it there | copies it out |
//! | [`with_next`](Connection::with_next), where the peer is [trusted](Options::trust) | | reads it there |
//! | `next`, the same, more than 16 KiB | | has it there, as `Bytes` |
//! | [`send_sealed`](Connection::send_sealed): memory of its own | writes it there | has it there, for good |
//!
//! # Examples
//!
//! ```
//! use framewire::shm;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("e.sock");
//! let mut listener = shm::listen(&*path).await?;
//! // To connect takes both: the listener has to be polled meanwhile.
//! let (client, server) = tokio::join!(shm::connect(&*path), listener.next());
//! let (mut client, mut server) = (client?, server.expect("a listener never ends")?);
//!
//! client.send("hello".into()).await?;
//! let hello = server.next().await.expect("the client is there")?;
//! server.send(hello).await?;
//! assert_eq!(client.next().await.expect("the server is there")?, "hello");
//! # Ok(())
//! # }
//! ```

mod bell;
pub mod broadcast;
mod channel;
mod connection;
mod hello;
mod introduction;
pub mod latest;
mod line;
mod listener;
mod loan;
pub mod named;
mod offer;
mod options;
pub mod region;
mod sealing;

pub use channel::Channel;
pub use connection::Connection;
pub use listener::Listener;
pub use loan::Loan;
pub use options::Options;

pub use crate::shared::{Draft, Sealed, Trust};

use crate::{Result, SocketName};

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

/// Two connected ends without a name, for two tasks.
///
/// # Examples
///
/// ```
/// use framewire::shm;
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (mut ours, mut theirs) = shm::pair()?;
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
