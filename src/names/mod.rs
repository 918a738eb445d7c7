//! Names in the file system: who owns one, and how an object comes to it and leaves it.
//!
//! Every mechanism that has a name in the file system (Unix sockets, FIFOs, logs) meets the same
//! traps: two starters race for one name; a killed process leaves its socket behind; a symbolic
//! link or a file of somebody else's stands where the name should go; a displaced owner removes
//! its successor's object. This module answers them once, and is public for those who write a
//! transport of their own.
//!
//! * [`Directory`] is a directory that is safe to put names in. [`Directory::private`] makes one
//!   for names of our choosing; [`Directory::of`] judges the one of a path of the user's choosing.
//! * [`Claim`] is the right to a name: a lock file beside it, held for as long as the name is in
//!   use. Two racing starters: exactly one gets it. One that is killed: the next gets it at once.
//! * [`Draft`] is a temporary name to create an object under; [`Draft::place`] moves it over the
//!   final name in one step, so that nobody ever meets half an object, or none.
//! * [`Placed`] is the object at its final name, removed on drop if it is still ours.
//! * [`FileKind`] says what stands at a path; [`SocketPath`] makes a path fit into a Unix
//!   socket's address. [`Unlink`] says who removes the name of a queue or semaphore.
//!
//! Everything is looked up relative to directory descriptors, last components are never followed
//! through symbolic links, descriptors are close-on-exec, objects are 0600, and the process's
//! umask is never touched. All calls are short and synchronous: none waits for another process.
//!
//! # Examples
//!
//! A listener that can be killed and started again, and of which there is never a second one:
//!
//! ```
//! use std::{os::unix::net::{UnixListener, UnixStream}, path::Path};
//! use framewire::{Result, names::{Claim, FileKind, Placed, SocketPath}};
//!
//! fn listen(path: &Path) -> Result<(UnixListener, Placed)> {
//!     let claim = Claim::take(path)?;
//!     if claim.finds(FileKind::Socket)? && UnixStream::connect(SocketPath::of(path)?).is_ok() {
//!         return Err(claim.in_use()); // It listens, and knows nothing of our lock files.
//!     }
//!     let draft = claim.draft()?;
//!     let listener = UnixListener::bind(draft.socket_path()?)?;
//!     Ok((listener, draft.place()?))
//! }
//!
//! # fn main() -> Result<()> {
//! # let directory = tempfile::tempdir()?;
//! # let path = &directory.path().join("e.sock");
//! let (listener, placed) = listen(path)?;
//! assert!(UnixStream::connect(path).is_ok());
//! assert!(listen(path).is_err());
//!
//! drop((placed, listener)); // In this order: see `Placed`.
//! assert_eq!(std::fs::read_dir(directory.path())?.count(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Platform
//!
//! Unix. Paths that are too long for a socket's address work on Linux and Android only.

mod claim;
mod directory;
mod draft;
mod estate;
mod file_kind;
mod lock;
mod placed;
mod socket_path;
mod unlink;

pub use claim::Claim;
pub use directory::Directory;
pub(crate) use directory::split;
pub use draft::Draft;
pub(crate) use estate::Estate;
pub use file_kind::FileKind;
pub use placed::Placed;
pub use socket_path::SocketPath;
pub use unlink::Unlink;
