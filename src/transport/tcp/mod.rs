//! TCP: between machines, or between containers of one.
//!
//! [`listen`] and [`connect`] take `host:port`, an IPv6 address in brackets. A [`Connection`] is a
//! `Stream` and `Sink` of messages. Nagle's algorithm is off, keep-alive on, and a listener binds
//! to loopback addresses only unless [`Options::exposed`] says otherwise.
//!
//! | | |
//! |---|---|
//! | framing | [four bytes of length](crate::frame) in front of each message |
//! | largest message | 8 MiB, or [`Options::max_len`] |
//! | sent means | in the kernel's buffer: it outlives the sender if the network allows |
//! | a silent peer | is noticed after 15 s + 3 × 5 s, or 30 s with data on its way (Linux) |
//! | who may connect | whoever reaches the address: TCP knows no users |
//! | platform | all |
//!
//! See tcp(7).
//!
//! # Examples
//!
//! ```
//! use framewire::tcp;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! let mut listener = tcp::listen("127.0.0.1:0").await?;
//! let mut client = tcp::connect(listener.local_addr().to_string()).await?;
//! let mut server = listener.next().await.expect("a listener never ends")?;
//!
//! client.send("hello".into()).await?;
//! assert_eq!(server.next().await.expect("the client is there")?, "hello");
//! # Ok(())
//! # }
//! ```

#[cfg(unix)]
mod adopt;
mod listener;
mod options;

pub use listener::Listener;
pub use options::Options;

pub use super::socket::Socket;
use crate::{Result, frame::Frames};

/// A framed TCP connection.
///
/// # Examples
///
/// See the [module](self).
pub type Connection = Frames<Socket>;

/// Listens on `host:port`, with the default [`Options`]; port 0 lets the system choose.
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
/// Cancel-safe: nothing is bound before it is done.
pub async fn listen(address: impl Into<String>) -> Result<Listener> {
    Options::new().listen(address).await
}

/// Connects to `host:port`, with the default [`Options`].
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
pub async fn connect(address: impl Into<String>) -> Result<Connection> {
    Options::new().connect(address).await
}
