//! TLS 1.3 over TCP: between machines, where somebody may listen in or pretend to be another.
//!
//! The client knows with whom it talks, by a certificate that is signed by who it trusts, and where
//! the listener demands it ([`Options::require_client`]), the listener knows it too. All else is as
//! over [`tcp`](crate::tcp).
//!
//! | | |
//! |---|---|
//! | framing | [four bytes of length](crate::frame) in front of each message, inside of TLS |
//! | largest message | 8 MiB, or [`Options::max_len`] |
//! | sent means | in the kernel's buffer: it outlives the sender if the network allows |
//! | the end | is said, and signed: a stream that just stops is [`Truncated`], not ended |
//! | who may connect | everybody, or who shows a certificate: [`Options::require_client`] |
//! | platform | all, with the feature `tls`; it needs a C compiler to build |
//!
//! Certificates are made and kept by whoever runs the network; for a private one,
//! [`Identity::self_signed`] makes one that both ends are told of. rustls does the work, with ring:
//! no TLS 1.2, no session tickets, no early data, no revocation lists; what rustls can do beyond
//! this is asked of it with [`Options::server_config`] and [`Options::client_config`].
//!
//! [`Truncated`]: crate::ErrorKind::Truncated
//!
//! # Examples
//!
//! ```
//! use framewire::tls::{self, Identity};
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! let identity = Identity::self_signed(["localhost"])?;
//! let trusted = identity.certificate(); // To be copied to the client, as PEM.
//! let mut listener = tls::listen("localhost:0", identity).await?;
//! let address = format!("localhost:{}", listener.local_addr().port());
//!
//! let options = tls::Options::new().trust([trusted]);
//! let (client, server) = tokio::join!(options.connect(address), listener.next());
//! let (mut client, mut server) = (client?, server.expect("a listener never ends")?);
//!
//! client.send("hello".into()).await?;
//! assert_eq!(server.next().await.expect("the client is there")?, "hello");
//! # Ok(())
//! # }
//! ```

mod certificate;
mod config;
mod identity;
mod listener;
mod options;
mod refusal;
mod socket;

pub use certificate::Certificate;
pub use identity::Identity;
pub use listener::Listener;
pub use options::Options;
pub use socket::Socket;
/// What is underneath, for [`Options::server_config`] and [`Options::client_config`].
pub use tokio_rustls::rustls;

use crate::{Result, frame::Frames};

/// A framed TLS connection.
///
/// # Examples
///
/// See the [module](self).
pub type Connection = Frames<Socket>;

/// Listens on `host:port`, showing this identity, with the default [`Options`]; port 0 lets the
/// system choose.
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
pub async fn listen(address: impl Into<String>, identity: Identity) -> Result<Listener> {
    Options::new().identity(identity).listen(address).await
}

/// Connects to `host:port`, with the default [`Options`]: the certificate must be for that host,
/// and signed by who the system trusts.
///
/// # Examples
///
/// See [`Options::connect`].
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
