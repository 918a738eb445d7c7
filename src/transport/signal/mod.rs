//! Signals: to one process by its number, with an integer at most.
//!
//! There are three ways to receive one. [`receiver`] is plain notice, whatever the signal. Real-time
//! signals (`RTMIN` to `RTMAX`) wait in a queue with a value each and with who sent it; [`queued`]
//! and [`exclusive`] deliver them all, in order.
//!
//! | | [`receiver`] | [`queued`] | [`exclusive`] |
//! |---|---|---|---|
//! | an item is | [`AtLeastOne`] | [`Received`] | [`Received`] |
//! | beside tokio::signal and other handlers | yes | yes | no: they do not run |
//! | to be done before the runtime starts | nothing | nothing | [`block`] |
//! | works by | a handler | a thread of ours, sigtimedwait(2) | signalfd(2) |
//! | platform | Unix | Linux | Linux |
//!
//! And for all:
//!
//! | | |
//! |---|---|
//! | value | 4 bytes, or 8 on a 64-bit system; none of a plain signal |
//! | as a message | the integer as 4 bytes, big-endian, or with [`Options::wide`] the word as 8; empty without a value |
//! | sent means | in the kernel's queue: it outlives the sender, not the receiver |
//! | loss | of real-time signals none; of others, those that are sent while one waits are one |
//! | capacity | `RLIMIT_SIGPENDING` for all processes of the receiver's user; then a sender [waits](WhenFull) |
//! | order | of one real-time signal's as they were sent; of two signals the lower number first |
//! | who may send | processes of our user, and root; see [`Policy`] |
//! | the end | none |
//!
//! Only signals that are sent to the process are received, and not those to one of its threads:
//! pthread_kill(3), raise(3).
//!
//! An [`Endpoint`](crate::Endpoint) has [`queued`] for real-time signals, [`receiver`] for others,
//! and [`sender`].
//!
//! # Signals and children
//!
//! A child is started with the mask of the thread that starts it: what [`queued`] and [`block`]
//! have blocked is blocked in it, and `std` leaves it so. Programs that wait for such a signal then
//! never get it. Start those with [`unblock_in`], which has nothing blocked in the child.
//!
//! See signal(7), sigqueue(3), signalfd(2), pidfd_send_signal(2).
//!
//! # Examples
//!
//! ```
//! # #[cfg(target_os = "linux")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! use framewire::signal;
//! use futures::{SinkExt, StreamExt};
//!
//! let mut jobs = signal::queued("RTMIN+3").await?;
//! let mut sender = signal::sender(format!("RTMIN+3@{}", std::process::id())).await?;
//! for job in 0..3 {
//!     sender.send(job.into()).await?;
//! }
//! for job in 0..3 {
//!     let signal = jobs.next().await.expect("it never ends")?;
//!     assert_eq!(signal.int(), Some(job));
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(target_os = "linux"))]
//! # fn main() {}
//! ```

#[cfg(target_os = "linux")]
mod arrivals;
#[cfg(target_os = "linux")]
mod bodies;
#[cfg(target_os = "linux")]
mod claim;
#[cfg(target_os = "linux")]
mod exclusive;
#[cfg(target_os = "linux")]
mod masking;
mod number;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod policy;
#[cfg(target_os = "linux")]
mod queued;
#[cfg(target_os = "linux")]
mod received;
mod receiver;
#[cfg(target_os = "linux")]
mod sender;
#[cfg(target_os = "linux")]
mod subscription;
#[cfg(target_os = "linux")]
mod taker;
#[cfg(target_os = "linux")]
mod value;

#[cfg(target_os = "linux")]
pub use exclusive::Exclusive;
#[cfg(target_os = "linux")]
pub use options::{Options, WhenFull};
#[cfg(target_os = "linux")]
pub use policy::Policy;
#[cfg(target_os = "linux")]
pub use queued::Queued;
#[cfg(target_os = "linux")]
pub use received::Received;
pub use receiver::{AtLeastOne, Receiver};
#[cfg(target_os = "linux")]
pub use sender::Sender;
#[cfg(target_os = "linux")]
pub use value::Value;

use crate::Result;
#[cfg(target_os = "linux")]
use crate::sys::{self, SignalSet};

/// Receives notice of a signal, through [`tokio::signal`]: how many came, from whom and with what
/// is not told.
///
/// # Examples
///
/// See [`Receiver`].
///
/// # Errors
///
/// [`Address`](crate::ErrorKind::Address) where it is no signal's name, or a process is named;
/// [`Unsupported`](crate::ErrorKind::Unsupported) where this system lacks the signal; what
/// sigaction(2) answers, and when there is no Tokio runtime with its I/O driver here.
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn receiver(name: impl AsRef<str>) -> Result<Receiver> {
    Receiver::open(name.as_ref())
}

/// Receives a signal beside tokio::signal and whatever else handles it, with its value and sender,
/// in the order of sending, and all of it: with the default [`Options`].
///
/// What it takes is one thread for the process, `framewire-signal`, which the first call starts and
/// which stays. Every other thread has the signal blocked from then on, for good: those that are
/// there are told to by that signal itself, which interrupts a system call of theirs as any signal
/// does, and which a handler hears of that was installed after ours; those that are started later
/// have it so from who starts them. The thread takes each signal
/// and hands it to every `Queued` there is, and to the handler that is installed: this is called
/// with the signal's siginfo_t and a context that says nothing.
///
/// A `Queued` that is full has no more taken of its signal, for anybody, until it is read: then the
/// signals wait in the kernel, and when that is full, the sender is told. After the last is dropped
/// the thread goes on calling the handler, and a signal that has none is dropped.
///
/// A thread that unblocks the signal by itself gets it, once: it is handed on, out of order, and is
/// blocked there again. A process that is forked off without an `exec` has no such thread, and its
/// signals wait. A standard signal can be received like this as well, and those that are sent while
/// one waits are still one. Those that are sent to one thread alone, as by raise(3) and pthread_kill(3), are
/// not seen, and from then on by no handler either: that thread has them blocked.
///
/// Where other handlers do not matter, [`exclusive`] is faster.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::signal;
/// use futures::{SinkExt, StreamExt};
///
/// let mut jobs = signal::queued("RTMIN+3").await?;
/// let me = std::process::id();
/// signal::sender(format!("RTMIN+3@{me}")).await?.send(7.into()).await?;
///
/// let job = jobs.next().await.expect("it never ends")?;
/// assert_eq!((job.int(), job.word()), (Some(7), Some(7)));
/// assert_eq!(job.pid(), Some(me));
/// assert!(job.uid().is_some());
/// assert_eq!(job.name(), "RTMIN+3");
/// assert!(job.number() > 32);
/// assert_eq!(job.body(), [0, 0, 0, 7][..]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Options::queued`].
///
/// # Cancel safety
///
/// As [`Options::queued`].
///
/// # Platform
///
/// Linux: x86, Arm, RISC-V, LoongArch and s390x.
#[cfg(target_os = "linux")]
pub async fn queued(name: impl AsRef<str>) -> Result<Queued> {
    Options::new().queued(name).await
}

/// Receives a signal that [`block`] has kept from all handlers, with its value and sender, in order
/// and all of it: with the default [`Options`].
///
/// A thread that does not have the signal blocked, or unblocks it later, gets it, and without a
/// handler that ends the process. So it fails where there is such a thread now.
///
/// # Examples
///
/// ```
/// use framewire::signal;
/// use futures::{SinkExt, StreamExt};
///
/// fn main() -> framewire::Result<()> {
///     signal::block(["RTMIN+4"])?;
///     run()
/// }
///
/// #[tokio::main]
/// async fn run() -> framewire::Result<()> {
///     let mut jobs = signal::exclusive("RTMIN+4").await?;
///     # let me = std::process::id();
///     # signal::sender(format!("RTMIN+4@{me}")).await?.send(7.into()).await?;
///     let job = jobs.next().await.expect("it never ends")?;
///     assert_eq!(job.int(), Some(7));
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// As [`Options::exclusive`].
///
/// # Cancel safety
///
/// As [`Options::exclusive`].
///
/// # Platform
///
/// Linux.
#[cfg(target_os = "linux")]
pub async fn exclusive(name: impl AsRef<str>) -> Result<Exclusive> {
    Options::new().exclusive(name).await
}

/// Sends a signal to one process, `RTMIN+3@4711`: with the default [`Options`].
///
/// The process is whoever has the number now; it is held from then on, and who has the number later
/// is not sent to. [`Options::began`], [`Options::sender_to`] and [`Options::sender_to_peer`] are
/// for who has learnt the number earlier.
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::sender`]. Sending fails with [`Closed`](crate::ErrorKind::Closed) where the
/// process has ended, which may be noticed 1 ms late, and with [`Denied`](crate::ErrorKind::Denied)
/// where it may not be sent to.
///
/// # Cancel safety
///
/// As [`Options::sender`].
///
/// # Platform
///
/// Linux from 5.3.
#[cfg(target_os = "linux")]
pub async fn sender(name: impl AsRef<str>) -> Result<Sender> {
    Options::new().sender(name).await
}

/// Blocks these signals in the thread that calls, and so in all that it starts from then on: to be
/// called first thing in `main`, before a runtime has started any. [`exclusive`] needs it.
///
/// # Examples
///
/// See [`exclusive`].
///
/// # Errors
///
/// [`Address`](crate::ErrorKind::Address) where one is no signal's name, or names a process;
/// [`Unsupported`](crate::ErrorKind::Unsupported) where this system lacks one;
/// [`Denied`](crate::ErrorKind::Denied) of `CHLD`, without which the runtime does not learn of the
/// end of children. Then none is blocked.
///
/// # Platform
///
/// Linux; pthread_sigmask(3).
#[cfg(target_os = "linux")]
pub fn block<I: IntoIterator<Item: AsRef<str>>>(signals: I) -> Result<()> {
    let mut set = SignalSet::EMPTY;
    for signal in signals {
        let number = number::Number::to_take(signal.as_ref());
        set = set.with(number.map_err(|error| error.doing("block"))?.raw);
    }
    Ok(sys::block_signals(set)?)
}

/// Has a child start with no signal blocked, whatever is blocked here. Of a command of
/// [`tokio::process`] it takes the `as_std_mut`.
///
/// # Examples
///
/// ```
/// use framewire::signal;
/// use std::process::Command;
///
/// # fn main() -> framewire::Result<()> {
/// signal::block(["RTMIN+4"])?;
/// let mut command = Command::new("true");
/// signal::unblock_in(&mut command);
/// command.status()?;
/// # Ok(())
/// # }
/// ```
///
/// # Platform
///
/// Linux.
#[cfg(target_os = "linux")]
pub fn unblock_in(command: &mut std::process::Command) {
    sys::unblock_in(command);
}

/// When a process began, for [`Options::began`]; `None` where there is no such process, or no
/// `/proc`. It is the start time of proc_pid_stat(5), in ticks since the system's start.
///
/// # Examples
///
/// See [`Options::began`].
///
/// # Platform
///
/// Linux.
#[cfg(target_os = "linux")]
pub fn began(pid: u32) -> Option<u64> {
    sys::began(pid)
}
