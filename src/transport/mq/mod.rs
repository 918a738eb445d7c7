//! POSIX message queues: many senders and many receivers, by a name.
//!
//! [`receiver`] and [`sender`] open the queue, and make it where there is none. A [`Receiver`] is a
//! `Stream` of messages, a [`Sender`] a `Sink`.
//!
//! | | |
//! |---|---|
//! | framing | the kernel's; an empty message is a message |
//! | largest message | that of the queue, 8,192 bytes by default; see [`Options::max_len`] |
//! | sent means | in the queue: it outlives every process, and waits there for a receiver |
//! | capacity | that of the queue, 10 messages by default; see [`Options::capacity`] |
//! | order | highest priority first, and as they were sent within one; see [`detailed`](Received) |
//! | who gets a message | one of those who receive, whoever is first |
//! | the end | none: nobody is told that the others are gone |
//! | who may open | processes of our user, and root (0600); see [`Options::mode`] |
//! | platform | Linux |
//!
//! Messages go as they are: a program in any language that calls mq_send(3) and mq_receive(3) is a
//! full peer.
//!
//! A queue stays until somebody removes its name ([`remove`], [`Options::unlink`]) and the last
//! who has it open leaves. Its sizes stay as well: a queue that an earlier run has left with other
//! sizes than are asked for is refused with both in the error, and is removed by hand. A receiver
//! that is killed loses at most the message that it had just taken; a message is in the queue whole
//! or not at all, whoever is killed.
//!
//! # Limits
//!
//! | limit | where | default | who goes beyond it |
//! |---|---|---|---|
//! | messages of a queue | `/proc/sys/fs/mqueue/msg_max` | 10 | `CAP_SYS_RESOURCE` |
//! | bytes of a message | `/proc/sys/fs/mqueue/msgsize_max` | 8,192 | `CAP_SYS_RESOURCE` |
//! | queues of the system | `/proc/sys/fs/mqueue/queues_max` | 256 | `CAP_SYS_RESOURCE` |
//! | bytes of all queues of a user | `RLIMIT_MSGQUEUE`, `ulimit -q` | 819,200 | nobody |
//!
//! What is above one of them is refused by an error that names it, and never made smaller. Queues
//! that a killed process has left count as well.
//!
//! # Time-outs
//!
//! Receiving is cancel-safe: `tokio::time::timeout(…, receiver.next())` loses nothing. A sender has
//! `send_within`, which tells whether a message that found no room in time was sent: it was not.
//!
//! See mq_overview(7).
//!
//! # Examples
//!
//! ```
//! use framewire::mq;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let name = &*format!("/framewire-doc-mq-{}", std::process::id());
//! let mut sender = mq::sender(name).await?;
//! sender.send("nobody is there yet".into()).await?;
//!
//! let mut receiver = mq::receiver(name).await?;
//! assert_eq!(receiver.next().await.expect("it was sent")?, "nobody is there yet");
//! mq::remove(name)?;
//! # Ok(())
//! # }
//! ```

mod calls;
mod deadline;
mod detailed;
mod inlet;
mod limits;
mod name;
mod opening;
mod options;
mod outlet;
mod queue;
mod ready;
mod unlink;
mod wait_by;

pub use detailed::{DetailedReceiver, DetailedSender, Outgoing, Ranked, Received};
pub use inlet::Inlet;
pub use options::Options;
pub use outlet::Outlet;
pub use ready::Ready;
pub use unlink::Unlink;
pub use wait_by::WaitBy;

use crate::{Result, message::Messages};

/// One who receives from a queue: a `Stream` of messages.
///
/// # Examples
///
/// See the [module](self).
pub type Receiver = Messages<Inlet, Ready>;

/// One who sends to a queue: a `Sink` of messages.
///
/// # Examples
///
/// See the [module](self).
pub type Sender = Messages<Outlet, Ready>;

/// Opens the queue of this name to receive from, with the default [`Options`].
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
pub async fn receiver(name: impl AsRef<str>) -> Result<Receiver> {
    Options::new().receiver(name).await
}

/// Opens the queue of this name to send to, with the default [`Options`].
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
pub async fn sender(name: impl AsRef<str>) -> Result<Sender> {
    Options::new().sender(name).await
}

/// Removes the name of a queue, and says whether there was one. Who has it open keeps it, and what
/// is in it.
///
/// # Examples
///
/// ```
/// use framewire::mq;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-remove-{}", std::process::id());
/// let left = mq::Options::new().capacity(4).max_len(64).sender(name).await?;
/// assert!(mq::remove(name)?);
/// assert!(!mq::remove(name)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Denied`](crate::ErrorKind::Denied): it is another user's.
/// [`Address`](crate::ErrorKind::Address): as [`Options::receiver`].
///
/// # Platform
///
/// As mq_unlink(3).
pub fn remove(name: impl AsRef<str>) -> Result<bool> {
    let name = name::Name::new(name.as_ref())?;
    name.remove().map_err(|error| options::failed(error, "remove", &name))
}
