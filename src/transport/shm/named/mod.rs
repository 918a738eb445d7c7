//! Shared memory that is found by a name: no introduction, and nobody has to be there first.
//!
//! [`sender`] and [`receiver`] have one ring between them, [`listen`] and [`connect`] one each way
//! for each connection. The names of the two do not meet.
//!
//! | | [`Sender`], [`Receiver`] | [`Listener`], [`Connection`] |
//! |---|---|---|
//! | framing | a record of the ring; messages larger than half of it go in pieces | the same |
//! | largest message | 8 MiB, or [`Options::max_len`] | the same |
//! | sent means | in the ring: it outlives every process | it outlives the sender |
//! | who can | processes of our user: the file is 0600 | the same |
//! | how many | one sender and one receiver; a second one is [`InUse`](crate::ErrorKind::InUse) | one listener, as many connections as there is memory for |
//! | the end | [`End`]: when the sender has closed; a killed one has a successor | when the peer has closed; a killed one is an error |
//! | platform | Linux and Android | the same |
//!
//! # When one is killed
//!
//! What a sender has flushed is in the ring, and there for the receiver, and for the next receiver.
//! The next sender goes on behind it. A message that a killed sender was in the middle of is told
//! as [`Truncated`](crate::ErrorKind::Truncated), and the stream goes on.
//!
//! What was handed to a receiver that is killed, or panics, may be handed to the next one again:
//! messages are done with when the next one is asked for, many at a time, but for an eighth of the
//! ring at most. A message in pieces that it was in the middle of is `Truncated` for the next one:
//! where that matters, make the ring twice as large as the largest message
//! ([`Options::capacity`]).
//!
//! A sender that waits for room waits for the next receiver; one whose receiver left in order gets
//! [`Closed`](crate::ErrorKind::Closed), until another one comes. What nobody has read stays until
//! a receiver has come for it, or the file is removed by hand; the file goes with the last one who
//! leaves it empty. One that the killed have left empty is replaced by who comes next.
//!
//! A part is free when its process has ended, and each child of it that was forked and executed
//! nothing: such a child has a copy of the descriptor that the lock belongs to. It must not use an
//! end, or drop one: the memory is not mapped there, and to touch it is a SIGSEGV.
//!
//! # What it costs to wait
//!
//! The bell is a word in that memory, which a thread sleeps on (futex(2)): one for each direction
//! that ever had to sleep, until its end is dropped. A ring that is not waited for has no thread.
//! The process of the other end is watched (pidfd_open(2)); where it cannot be seen from here, as
//! in containers that share the directory and not their processes, its lock is looked at once a
//! second.
//!
//! # SIGBUS
//!
//! Such files cannot be sealed: whoever may write to one can make it shorter, and who touches what
//! is missing is killed. Those are processes of our user, and root. All memory is taken when the
//! file is made, so that a full file system is an error then and no signal later. A file that is
//! not as long as it says is never mapped.
//!
//! # Examples
//!
//! ```
//! use framewire::shm::named;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let name = &*format!("doc-named-{}", std::process::id());
//! let mut sender = named::sender(name).await?;
//! sender.send("nobody is there yet".into()).await?;
//! sender.close().await?;
//!
//! let mut receiver = named::receiver(name).await?;
//! assert_eq!(receiver.next().await.expect("it was sent")?, "nobody is there yet");
//! assert!(receiver.next().await.is_none());
//!
//! let mut listener = named::listen(name).await?;
//! let mut client = named::connect(name).await?;
//! let mut server = listener.next().await.expect("a listener never ends")?;
//! client.send("hello".into()).await?;
//! assert_eq!(server.next().await.expect("it was sent")?, "hello");
//! # Ok(())
//! # }
//! ```

mod channel;
mod connecting;
mod connection;
mod end;
mod inflow;
mod inlet;
mod layout;
mod listener;
mod lookout;
mod opening;
mod options;
mod outflow;
mod outlet;
mod place;
mod role;

pub use channel::Channel;
pub use connection::Connection;
pub use end::End;
pub use inlet::Inlet;
pub use listener::Listener;
pub use options::Options;
pub use outlet::Outlet;

use crate::{Result, message::Messages, wait::SharedBell};

/// The one who sends to a name: a `Sink` of messages.
///
/// # Examples
///
/// See the [module](self).
pub type Sender = Messages<Outlet, SharedBell>;

/// The one who receives from a name: a `Stream` of messages.
///
/// # Examples
///
/// See the [module](self).
pub type Receiver = Messages<Inlet, SharedBell>;

/// Becomes the one sender to this name, with the default [`Options`].
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
/// Cancel-safe: what was opened is left.
pub async fn sender(name: impl Into<String>) -> Result<Sender> {
    Options::new().sender(name).await
}

/// Becomes the one receiver from this name, with the default [`Options`].
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
/// Cancel-safe: what was opened is left.
pub async fn receiver(name: impl Into<String>) -> Result<Receiver> {
    Options::new().receiver(name).await
}

/// Listens on this name, with the default [`Options`].
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
pub async fn listen(name: impl Into<String>) -> Result<Listener> {
    Options::new().listen(name).await
}

/// Connects to who listens on this name, with the default [`Options`].
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
/// Cancel-safe: nothing of a wait is left.
pub async fn connect(name: impl Into<String>) -> Result<Connection> {
    Options::new().connect(name).await
}
