//! POSIX message queues: many senders and many receivers, by a name.
//!
//! [`receiver`] and [`sender`] open the queue, and make it where there is none. A [`Receiver`] is a
//! `Stream` of messages, a [`Sender`] a `Sink`. [`listen`] and [`connect`] make two queues for each
//! [`Connection`], one each way.
//!
//! | | |
//! |---|---|
//! | framing | the kernel's; an empty message is a message |
//! | largest message | that of the queue, 8,192 bytes by default; see [`Options::max_len`], and [`Options::spill`] for more |
//! | sent means | in the queue: it outlives every process, and waits there for a receiver |
//! | capacity | that of the queue, 10 messages by default; see [`Options::capacity`] |
//! | order | highest priority first, and as they were sent within one; see [`detailed`](Received) |
//! | who gets a message | one of those who receive, whoever is first |
//! | the end | none: nobody is told that the others are gone; a [`Connection`] tells, if both ends are ours |
//! | who may open | processes of our user, and root (0600); see [`Options::mode`] |
//! | platform | Linux |
//!
//! Messages go as they are: a program in any language that calls mq_send(3) and mq_receive(3) is a
//! full peer, unless [`Options::packed`] or [`Options::spill`] puts them into an envelope.
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

mod arrivals;
mod calls;
mod channel;
mod connecting;
mod connection;
mod deadline;
mod detailed;
mod envelope;
mod inlet;
mod limits;
mod listener;
mod name;
mod opening;
mod options;
mod outlet;
mod packer;
mod pair;
mod pairing;
mod presence;
mod queue;
mod ready;
mod spill;
mod unpacker;
mod vacancy;
mod wait_by;

pub use crate::names::Unlink;
pub use channel::Channel;
pub use connection::{Connection, DetailedConnection};
pub use detailed::{DetailedReceiver, DetailedSender, Outgoing, Ranked, Received};
pub use inlet::Inlet;
pub use listener::Listener;
pub use options::Options;
use outlet::HIGHEST;
pub use outlet::Outlet;
pub use ready::Ready;
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

/// Listens on a name, with the default [`Options`]: a pair of queues for each who comes.
///
/// The pair that is held ready for the next one is called `<name>.requests` and `<name>.replies`.
/// The two names belong to the listener: it makes both, takes them away from a pair that is taken,
/// and replaces those of a listener that was killed. What has them and is locked by nobody is taken
/// for such.
///
/// A program in any language can be a client: it opens both, sends to `<name>.requests` and receives
/// from `<name>.replies`. It is let in with its first message, has the pair for itself as long as
/// no other client was as quick, and its end is not told. Between two ends of framewire it is, and
/// costs nothing while nothing happens: each sender and each receiver holds a lock on its queue
/// (`F_OFD_SETLK` on byte 0 of a sender's, on byte 1 of a receiver's), which the kernel gives up
/// when the process ends, with each child of it that was forked and executed nothing; and
/// inotify(7) tells of a file that is closed. [`close`] ends one direction: the peer receives what
/// is left, and then the end. Who sends to a peer that receives no more gets [`Closed`] once the
/// queue is full.
///
/// The queues of a user take 819,200 bytes at most (`RLIMIT_MSGQUEUE`), and one takes its capacity
/// times its largest message and 96 bytes: 82,880 by default, so that there are nine such queues,
/// four pairs, which is three connections and the pair for the next one, or four and none. Smaller
/// queues, and [`packed`](Options::packed) messages, leave room for more: a pair of 8 messages of
/// 512 bytes takes 9,728. Of queues of all users there are 256 at most. Where there is no room for
/// one more pair, those who connect wait until there is.
///
/// [`close`]: futures::SinkExt::close
/// [`Closed`]: crate::ErrorKind::Closed
///
/// # Examples
///
/// ```
/// use framewire::mq;
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-listen-{}", std::process::id());
/// let mut listener = mq::listen(name).await?;
/// let mut client = mq::connect(name).await?;
/// client.send("hello".into()).await?;
///
/// let mut server = listener.next().await.expect("a listener never ends")?;
/// assert!(server.get_ref().tells_end());
/// assert_eq!(server.next().await.expect("it was sent")?, "hello");
/// server.close().await?;
/// assert!(client.next().await.is_none());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Options::listen`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn listen(name: impl AsRef<str>) -> Result<Listener> {
    Options::new().listen(name).await
}

/// Connects to who listens on a name, with the default [`Options`].
///
/// # Examples
///
/// See [`listen`].
///
/// # Errors
///
/// As [`Options::connect`].
///
/// # Cancel safety
///
/// Cancel-safe: nothing of a wait is left.
pub async fn connect(name: impl AsRef<str>) -> Result<Connection> {
    Options::new().connect(name).await
}

/// Removes the name of a queue, and says whether there was one. Who has it open keeps it, and what
/// is in it, but for bodies that lie in files ([`Options::spill`]): those are removed, whoever has
/// left them.
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
    let removed = name.remove().and_then(|there| {
        spill::sweep(&name.text())?;
        Ok(there)
    });
    removed.map_err(|error| options::failed(error, "remove", &name))
}
