//! Permits that come back when their holder is killed.
//!
//! [`open`] finds, or makes, a file that stands for `n` permits, and gives a handle on it:
//! [`Leases`]. [`Leases::acquire`] waits for a permit; a [`Lease`] is held until it is dropped, or
//! until its process ends, however that comes about. Each has a number from 0 to `n - 1` that
//! nobody else has at that time ([`Lease::index`]), so that it can stand for one of `n` resources.
//!
//! | | |
//! |---|---|
//! | permits | 1 to [`MOST`] |
//! | of a killed holder | free at once: the kernel gives them back |
//! | order | tasks that wait at one handle and its clones: as they came; between handles: whoever looks first |
//! | waiting | an event of the file's, without a thread; nothing runs while nothing happens |
//! | who can | whoever may read and write the file (0600: our user and root) |
//! | the file | of `n` bytes, which mean nothing; it stays when all are gone |
//! | platform | Linux |
//!
//! Permit `i` is a lock on byte `i` (fcntl(2), `F_OFD_SETLK`), which belongs to the open file of the
//! handle. A program in another language takes part by opening the file to read and write, locking
//! a byte in the same way, and, when it has unlocked it, reading the first byte of the file: that is
//! the event that those who wait are told of (inotify(7)). To close the file, or to be killed, is
//! one as well. On a network's file system the locks may hold and the events not arrive: use a local
//! one.
//!
//! Nothing orders those who wait at different handles: one that gives a permit back and asks for the
//! next at once is awake, and likely to be before those who have to be woken. Where processes are to
//! have equal shares, let them pause in between.
//!
//! # When one is killed
//!
//! A permit is free when the last copy of its holder's descriptor is closed. A child that was
//! *forked and executed nothing* has such a copy: it keeps the permits of its parent until it ends,
//! and it must not drop a [`Lease`], for that gives up its parent's. What is executed has none.
//!
//! The kernel tells that a file is closed a moment before it gives its locks up. So who waits looks
//! at once, and again after 1, 10, 100 and 1,000 ms, when it begins to wait and when it is told of a
//! file that was closed. From then on it sleeps.
//!
//! # The file
//!
//! Do not remove it while it is in use: those who come make a new one, with permits of its own.
//! [`remove`] is for when nobody does. Whoever waits at a file that has lost its name gets
//! [`Closed`](crate::ErrorKind::Closed), and so does whoever asks for a permit from then on; who
//! holds one has it until it is dropped.
//!
//! # Limits
//!
//! A look costs a system call for each permit that is held by others, up to the first that is free:
//! 0.5 µs each where there are some tens, and 3 ms altogether where all of 1,024 are held by as many.
//!
//! A handle that waits has a descriptor of inotify(7), and keeps it until it is dropped. Where the
//! user has no more of them (`/proc/sys/fs/inotify/max_user_instances`, 128), it looks again after
//! pauses that double from 10 ms to a second, and says so in an event at the level of warnings.
//!
//! # Examples
//!
//! ```
//! use framewire::semaphore::lease;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("connections");
//! // Three connections, for however many processes.
//! let connections = lease::open(&*path, 3).await?;
//! let one = connections.acquire().await?;
//! let other = connections.acquire().await?;
//! assert_ne!(one.index(), other.index());
//! assert_eq!(connections.free()?, 1);
//!
//! drop(one);
//! assert_eq!(connections.free()?, 2);
//! # Ok(())
//! # }
//! ```

mod acquire;
mod guard;
mod leases;
mod line;
mod options;
mod place;
mod pool;
mod receiver;
mod watch;

use std::path::{Path, PathBuf};

pub use guard::Lease;
pub use leases::Leases;
pub use options::Options;
pub use receiver::Receiver;

use crate::Result;

/// The most permits that a file can stand for.
///
/// # Examples
///
/// ```
/// use framewire::{ErrorKind, semaphore::lease};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("many");
/// let refused = lease::open(path, lease::MOST + 1).await.unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::Address);
/// # }
/// ```
pub const MOST: usize = 1024;

/// Opens the file that stands for `n` permits, with the default [`Options`]; it is made where there
/// is none.
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
/// Cancel-safe: a file that was made stays, and is the next one's.
pub async fn open(path: impl Into<PathBuf>, n: usize) -> Result<Leases> {
    Options::new().open(path, n).await
}

/// Opens the file that is there, however many permits it stands for, with the default [`Options`].
///
/// # Examples
///
/// See [`Options::find`].
///
/// # Errors
///
/// As [`Options::find`].
///
/// # Cancel safety
///
/// Cancel-safe: it never waits, and is done when it is first polled.
pub async fn find(path: impl Into<PathBuf>) -> Result<Leases> {
    Options::new().find(path).await
}

/// [Opens](open) the file that stands for `n` permits, as a stream of them.
///
/// # Examples
///
/// See [`Receiver`].
///
/// # Errors
///
/// As [`Options::open`].
///
/// # Cancel safety
///
/// As [`open`].
pub async fn receiver(path: impl Into<PathBuf>, n: usize) -> Result<Receiver> {
    Ok(open(path, n).await?.receiver())
}

/// Removes the file, and says whether there was one.
///
/// Those who have it open get [`Closed`](crate::ErrorKind::Closed) from then on; leases that are
/// held are not touched, and who opens the path next knows nothing of them.
///
/// # Examples
///
/// ```
/// use framewire::semaphore::lease;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("connections");
/// lease::open(&*path, 3).await?;
/// assert!(lease::open(&*path, 4).await.is_err());
///
/// assert!(lease::remove(&path)?);
/// assert!(!lease::remove(&path)?);
/// assert_eq!(lease::open(&*path, 4).await?.count(), 4);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Denied`](crate::ErrorKind::Denied): what is there is no file of ours, or others can write to its
/// directory; [`Malformed`](crate::ErrorKind::Malformed): it is longer, or empty. It is not touched.
pub fn remove(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    place::remove(path).map_err(|error| place::failed("remove", path, error))
}
