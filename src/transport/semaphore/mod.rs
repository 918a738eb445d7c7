//! Semaphores: counted permits that processes share by a name.
//!
//! They are those of sem_open(3): a program in C, or in Python by `posix_ipc`, takes and gives
//! permits with ours. Waiting for one is a future that can be dropped.
//!
//! | | |
//! |---|---|
//! | [`open`] | a [`Semaphore`]: [`acquire`](Semaphore::acquire) waits for a [`Permit`], which goes back when it is dropped |
//! | [`receiver`] | a `Stream` of permits |
//! | [`sender`] | a `Sink` of `()` that adds one each |
//! | name | a slash and 1 to 251 bytes without another |
//! | who can | whom the mode lets: 0600, or [`Options::mode`] |
//! | survives | every process: name and count stay until [`remove`] or a reboot; see [`Unlink`] |
//! | most permits | 2,147,483,647; one more is [`Exhausted`](crate::ErrorKind::Exhausted) |
//! | platform | Linux |
//!
//! # When one is killed
//!
//! A semaphore does not know who holds its permits: what a process holds that is killed is lost, and
//! nobody is told; so is what its thread has just taken for a wait that was given up. Where that
//! matters, the holder has to be somebody whom the kernel sees end: see [`lease`]. What an earlier run
//! has left is there for the next one, with its count: who wants a fresh semaphore [removes](remove)
//! the name first.
//!
//! # Who is next
//!
//! Tasks that wait on clones of one [`Semaphore`] are served in the order in which they came. Between
//! processes, and between two that were opened apart, the kernel decides, and a thread or task that
//! comes at the right moment may be first: POSIX promises no order.
//!
//! # What it costs to wait
//!
//! The first task in the line tries for as long as its [`Strategy`](crate::wait::Strategy) says: a
//! hand-over that is met costs no system call on either side. Where that is in vain a thread waits in
//! sem_timedwait(3), one for all clones; there is none before it is first needed, and it sleeps while
//! nobody waits. A wait that has begun wakes it 20 times a second, since nothing can end such a call
//! that would not take a permit from others.
//!
//! # SIGBUS
//!
//! A semaphore is a file in `/dev/shm`, and whoever may use it may make that file shorter: who
//! touches what is missing is killed. So those of other users are not opened, root's excepted, and
//! none that more may write to than [`Options::mode`] says; see [`Options::owners`].
//!
//! # Examples
//!
//! ```
//! use framewire::semaphore;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let name = format!("/framewire-doc-{}", std::process::id());
//! // Two at a time, in all processes that do the same.
//! let gate = semaphore::Options::new().initial(2).open(&name)?;
//! let permit = gate.acquire().await?;
//! assert_eq!(gate.value()?, 1);
//! drop(permit);
//! semaphore::remove(&name)?;
//!
//! // One that posts, and one that is told.
//! let mut receiver = semaphore::receiver(&name).await?;
//! let mut sender = semaphore::sender(&name).await?;
//! sender.send(()).await?;
//! let token = receiver.next().await.expect("it never ends")?;
//! token.forget();
//! semaphore::remove(&name)?;
//! # Ok(())
//! # }
//! ```

mod gate;
mod handle;
pub mod lease;
mod name;
mod options;
mod permit;
mod receiver;

pub use crate::names::Unlink;
pub use handle::Semaphore;
pub use options::Options;
pub use permit::Permit;
pub(crate) use receiver::Bodiless;
pub use receiver::{Receiver, Sender};

use self::name::Name;
use crate::Result;

/// Opens the semaphore of this name, or makes it, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::open`].
pub fn open(name: impl AsRef<str>) -> Result<Semaphore> {
    Options::new().open(name)
}

/// Opens it as a stream of permits, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::open`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn receiver(name: impl AsRef<str>) -> Result<Receiver> {
    Options::new().receiver(name).await
}

/// Opens it as a sink of posts, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::open`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn sender(name: impl AsRef<str>) -> Result<Sender> {
    Options::new().sender(name).await
}

/// Removes a name, and says whether there was one. Who has the semaphore open keeps it.
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// [`Address`](crate::ErrorKind::Address): it is no name. [`Denied`](crate::ErrorKind::Denied): the
/// semaphore is another user's.
pub fn remove(name: impl AsRef<str>) -> Result<bool> {
    let name = Name::new(name.as_ref())?;
    name.remove().map_err(|error| error.doing("remove").on(name.endpoint().clone()))
}
