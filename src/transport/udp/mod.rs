//! UDP: datagrams between machines, or containers of one, and to all of a local network.
//!
//! [`receiver`] binds an address and receives from whoever sends to it with [`sender`]; [`listen`]
//! makes a connection for each who [`connect`]s, on the first message that it sends. An address
//! that is a multicast group (`239.1.2.3:7000`) is joined: all its receivers get what is sent to it.
//! One message is one datagram with no prefix.
//!
//! | | |
//! |---|---|
//! | framing | the network's; an empty message is a message |
//! | largest message | 65,507 bytes; what exceeds the path's packet size (1,472 on Ethernet) travels in fragments, and is lost with any of them |
//! | sent means | in the system's buffer |
//! | loss, order | the network drops, repeats and reorders; a receiver that is too slow is told how many messages it has missed ([`Lagged`](crate::ErrorKind::Lagged), on Linux) and goes on |
//! | the end | is not told. See [`Options::idle`] |
//! | who may send | whoever reaches the address, in any other's name: a source address proves nothing |
//! | platform | Unix |
//!
//! It binds to loopback addresses only, and joins groups on the loopback interface, unless
//! [`Options::exposed`] says otherwise.
//!
//! See udp(7).
//!
//! # Examples
//!
//! ```
//! use framewire::udp;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! let mut listener = udp::listen("127.0.0.1:0").await?;
//! let mut client = udp::connect(listener.local_addr()?.to_string()).await?;
//! client.send("hello".into()).await?;
//!
//! let mut server = listener.next().await.expect("the runtime lives")?;
//! let hello = server.next().await.expect("it was sent")?;
//! server.send(hello).await?;
//! assert_eq!(client.next().await.expect("the server is there")?, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! Addresses beside the bodies, and answers to whoever sent something:
//!
//! ```
//! use framewire::udp;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! let mut receiver = udp::receiver("127.0.0.1:0").await?.detailed();
//! let to = receiver.endpoint().expect("it has one").to_string();
//! let mut client = udp::connect(&to["udp://".len()..]).await?;
//! client.send("who am I?".into()).await?;
//!
//! let received = receiver.next().await.expect("it has no end")?;
//! let from = received.from.expect("UDP sockets have addresses");
//! receiver.send(udp::Outgoing::new(from.to_string()).to(from)).await?;
//! assert!(client.next().await.expect("it has no end")?.starts_with(b"127.0.0.1:"));
//! # Ok(())
//! # }
//! ```

mod bind;
mod options;

pub use options::Options;

pub use super::datagram::{
    Address, Detailed, Listener, Outgoing, Ready, Received, Socket, Source, Target,
};
use crate::{Result, message::Messages};

/// A UDP socket that talks with one other.
///
/// # Examples
///
/// See the [module](self).
pub type Connection = Messages<Socket, Ready>;

/// A UDP socket that receives from whoever sends to it.
///
/// # Examples
///
/// See the [module](self).
pub type Receiver = Messages<Source, Ready>;

/// A UDP socket that sends to one address.
///
/// # Examples
///
/// See [`Ready`].
pub type Sender = Messages<Target, Ready>;

/// Binds `host:port` and makes a connection for each who sends to it, with the default
/// [`Options`]; port 0 lets the system choose.
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

/// Connects to `host:port`, so as to send to it and to be answered, with the default [`Options`].
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
pub async fn connect(address: impl Into<String>) -> Result<Connection> {
    Options::new().connect(address).await
}

/// Binds `host:port`, or joins that group, and receives from whoever sends to it, with the default
/// [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::receiver`].
///
/// # Cancel safety
///
/// Cancel-safe: nothing is bound before it is done.
pub async fn receiver(address: impl Into<String>) -> Result<Receiver> {
    Options::new().receiver(address).await
}

/// Sends to `host:port`, or to that group, with the default [`Options`].
///
/// # Examples
///
/// See [`Ready`].
///
/// # Errors
///
/// As [`Options::sender`].
///
/// # Cancel safety
///
/// Cancel-safe: a socket that is being connected is closed.
pub async fn sender(address: impl Into<String>) -> Result<Sender> {
    Options::new().sender(address).await
}
