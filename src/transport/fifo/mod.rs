//! FIFOs: many writers and one reader, by a path.
//!
//! [`receiver`] makes the FIFO and reads it; [`sender`] waits until somebody does, and writes to it.
//! A [`Receiver`] is a `Stream` of messages, a [`Sender`] a `Sink`.
//!
//! | | |
//! |---|---|
//! | framing | [four bytes of length](crate::frame) in front of each message |
//! | largest message | 4,092 bytes on Linux (`PIPE_BUF` less the prefix), so that each is written as one and no two mix; for an [exclusive](Options::exclusive) sender 8 MiB, or [`Options::max_len`] |
//! | sent means | in the pipe: it outlives the sender, not the receiver |
//! | capacity | what the system gives (64 KiB on Linux), grown to 256 KiB when it first fills up |
//! | order | of each sender's messages as they were sent |
//! | who may write | whoever may write to the FIFO (0600: our user and root) |
//! | who reads | one receiver: a second one is refused |
//! | the end | none: after the last sender the receiver waits for the next, unless [`Options::end`] says otherwise |
//! | platform | Unix |
//!
//! A plain `cat` or `echo` can be at either end: [`Receiver::into_io`] and [`Sender::into_io`] give
//! the bare bytes, for lines or any other framing. Such a writer takes no part in the agreement that
//! keeps an exclusive sender alone, and such a reader takes messages from ours: FIFOs cannot keep
//! either away. A shell that writes to the path while there is no FIFO makes a regular file, which
//! a receiver then refuses: make the FIFO by hand, with `mkfifo -m 600`, where that can be.
//!
//! See fifo(7).
//!
//! # Examples
//!
//! ```
//! use framewire::fifo;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("jobs");
//! let mut receiver = fifo::receiver(&*path).await?;
//! let mut one = fifo::sender(&*path).await?;
//! let mut other = fifo::sender(&*path).await?;
//!
//! one.send("from one".into()).await?;
//! other.send("from another".into()).await?;
//! assert_eq!(receiver.next().await.expect("it was sent")?, "from one");
//! assert_eq!(receiver.next().await.expect("it was sent")?, "from another");
//! # Ok(())
//! # }
//! ```

mod end;
mod name;
mod opening;
mod options;
mod reader;
mod receiver;
mod sender;
mod units;
mod writer;
mod writers;

use std::path::PathBuf;

pub use end::End;
pub use options::Options;
pub use reader::Reader;
pub use receiver::Receiver;
pub use sender::Sender;
pub use writer::Writer;

use crate::Result;

/// Becomes the one reader of the FIFO at this path, with the default [`Options`].
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
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn receiver(path: impl Into<PathBuf>) -> Result<Receiver> {
    Options::new().receiver(path).await
}

/// Opens the FIFO at this path to send to its reader, with the default [`Options`]: it waits until
/// there is one.
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
/// Cancel-safe: nothing of a wait is left.
pub async fn sender(path: impl Into<PathBuf>) -> Result<Sender> {
    Options::new().sender(path).await
}
