//! Broadcast over shared memory: one sender, any number of receivers, by a path.
//!
//! [`sender`] makes a Unix socket at the path, over which receivers are introduced; from then on
//! each message is written once, to memory that all of them read. A [`Sender`] is a `Sink` of
//! messages, a [`Receiver`] a `Stream`.
//!
//! | | |
//! |---|---|
//! | framing | a record of a ring |
//! | largest message | a quarter of the ring: 256 KiB, or by [`Options::capacity`] |
//! | sent means | in the ring, until it is overwritten; nobody need receive it |
//! | a slow receiver | is overtaken, and told so; or [`Options::slow`] |
//! | one that comes late | begins with the newest message; or [`Options::start`] |
//! | order | as they were sent |
//! | who may receive | whoever may write to the socket (0600: our user and root) |
//! | the end | when the sender closes or is dropped; where it was killed, an error |
//! | platform | Linux and Android |
//!
//! The ring is memory of the sender's that nobody else can write to (`F_SEAL_FUTURE_WRITE`,
//! memfd_create(2)), so no receiver can do harm to another; what a receiver says of itself, and what
//! a sender says of its ring, is looked at before it is used. A receiver that sleeps costs its
//! sender one look at a word for each flush.
//!
//! # Examples
//!
//! ```
//! use framewire::shm::broadcast;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("prices");
//! let mut sender = broadcast::sender(&*path).await?;
//! let mut one = broadcast::receiver(&*path).await?;
//! let mut other = broadcast::receiver(&*path).await?;
//!
//! sender.send("to both".into()).await?;
//! assert_eq!(one.next().await.expect("it was sent")?, "to both");
//! assert_eq!(other.next().await.expect("it was sent")?, "to both");
//! sender.close().await?;
//! assert!(one.next().await.is_none());
//! # Ok(())
//! # }
//! ```

mod audience;
mod hub;
mod introduction;
mod options;
mod receiver;
mod receiving;
mod sender;
mod slow;

use std::path::PathBuf;

pub(super) use introduction::Kind;
pub use options::Options;
pub use receiver::Receiver;
pub use sender::Sender;
pub use slow::{Slow, Start};

use crate::Result;

/// Becomes the one sender at this path, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::sender`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn sender(path: impl Into<PathBuf>) -> Result<Sender> {
    Options::new().sender(path).await
}

/// Receives from the sender at this path, with the default [`Options`].
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
/// Cancel-safe: a connection that is being made is closed.
pub async fn receiver(path: impl Into<PathBuf>) -> Result<Receiver> {
    Options::new().receiver(path).await
}
