//! Raw shared memory: bytes and atomics that several processes have, with no messages and no
//! streams, for a `struct` that is shared with a program in C.
//!
//! * [`create`] makes a named region and [`open`] finds it: the name is that of shm_open(3), so that
//!   the other process can be of any language;
//! * [`anonymous`] makes one without a name, for a child that is started with it
//!   ([`Region::pass_to`], [`inherited`]) or a process that gets its descriptor over a Unix socket
//!   ([`Region::from_fd`]).
//!
//! | | named | anonymous |
//! |---|---|---|
//! | who has it | who knows the name, and is our user or root | who was given it |
//! | its end | when the name was removed and the last process is gone | when the last process is gone |
//! | of a killed process | the name stays: [`remove`] | nothing stays |
//! | its length | any of them can change it | nobody can change it |
//! | in memory | from the beginning, all of it | the same |
//! | contents at first | zeros, or [what is written](Options::create_with) before it has its name | zeros |
//! | platform | Linux | Linux, Android |
//!
//! # Access
//!
//! There are no references to bytes that others write, only to [`Atomic`] integers
//! ([`Region::atomic`]), and copies ([`Region::read`], [`Region::write`]). A copy of many bytes is
//! not one step: who copies while another writes gets some of the old and some of the new. Order
//! copies with an atomic beside them: the one side writes and then stores to it with
//! [`Release`](std::sync::atomic::Ordering::Release), the other loads from it with
//! [`Acquire`](std::sync::atomic::Ordering::Acquire) and then reads; C's `atomic_store` and
//! `atomic_load` are partners of these. Nothing here waits: to be told that something has changed,
//! send a message by another mechanism.
//!
//! What is read was written by another process: check it before it is used, and read what is
//! checked once.
//!
//! # SIGBUS
//!
//! Touching memory that is not there kills a process. All of a region's memory is taken when it is
//! made or opened: where the system has no more it is [`Exhausted`](crate::ErrorKind::Exhausted) then,
//! and no signal later. An anonymous region is sealed against changes of its length. A *named* one
//! cannot be: such files have no seals, and whoever may write to one may truncate it as well, which
//! kills all who touch what is missing. What protects from that is that it is one user's (mode
//! 0600, and the owner is looked at on opening); a program of the same user has other ways to kill
//! as well. So do not share a named region with who is not trusted to that degree.
//!
//! # Examples
//!
//! What another process has as
//! `struct shared { _Atomic uint64_t counter; char message[56]; }`:
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use framewire::shm::region;
//!
//! # fn main() -> framewire::Result<()> {
//! # let name = &format!("/framewire-doc-{}", std::process::id());
//! let ours = region::create(name, 64)?;
//! ours.write(8, b"hello\0")?;
//! ours.atomic::<AtomicU64>(0)?.store(1, Ordering::Release);
//!
//! // This is as well another process.
//! let theirs = region::open(name)?.expect_len(64)?;
//! assert_eq!(theirs.atomic::<AtomicU64>(0)?.load(Ordering::Acquire), 1);
//! let mut message = [0; 56];
//! theirs.read(8, &mut message)?;
//! assert!(message.starts_with(b"hello\0"));
//! # Ok(())
//! # }
//! ```
//!
//! The same in C, whichever of the two was there first:
//!
//! ```c
//! int fd = shm_open("/demo", O_RDWR, 0);
//! struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
//! while (atomic_load(&shared->counter) == 0) sched_yield();
//! puts(shared->message);
//! ```
//!
//! # Platform
//!
//! Linux and Android; shm_overview(7), memfd_create(2). Android has no named shared memory.

mod inherited;
mod memory;
mod name;
mod options;

pub use memory::Region;
pub use options::Options;

use crate::Result;
pub use crate::shared::Atomic;

/// Makes a named region of so many zeros, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::create`].
pub fn create(name: &str, len: usize) -> Result<Region> {
    Options::new().create(name, len)
}

/// Opens a named region that is there, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::open`].
pub fn open(name: &str) -> Result<Region> {
    Options::new().open(name)
}

/// Makes a region of so many zeros that has no name.
///
/// # Examples
///
/// See [`Region::pass_to`].
///
/// # Errors
///
/// [`Exhausted`](crate::ErrorKind::Exhausted): there is not so much memory.
/// [`Address`](crate::ErrorKind::Address): it would have no bytes.
///
/// # Platform
///
/// memfd_create(2).
pub fn anonymous(len: usize) -> Result<Region> {
    memory::anonymous(len)
}

/// In a child that was started with a region: takes over what [`Region::pass_to`] has left in this
/// variable of the environment, once.
///
/// # Examples
///
/// ```
/// use framewire::{ErrorKind, shm::region};
///
/// // This process was started by somebody else.
/// assert_eq!(region::inherited("SHARED").unwrap_err().kind(), ErrorKind::NotFound);
/// ```
///
/// # Errors
///
/// [`NotFound`](crate::ErrorKind::NotFound): nobody has left one here, or it was taken already.
/// [`Malformed`](crate::ErrorKind::Malformed): the variable does not name a region.
pub fn inherited(variable: &str) -> Result<Region> {
    inherited::take(variable)
}

/// Removes the name of a region, and says whether there was one. Who has it open keeps it.
///
/// A maker removes its name itself: this is for what one that was killed has left.
///
/// # Examples
///
/// ```
/// use framewire::shm::region;
///
/// # fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-{}", std::process::id());
/// let left = region::Options::new().keep(true).create(name, 64)?;
/// drop(left);
/// assert!(region::create(name, 64).is_err());
///
/// assert!(region::remove(name)?);
/// assert!(!region::remove(name)?);
/// assert!(region::create(name, 64).is_ok());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Denied`](crate::ErrorKind::Denied): what has the name is no region of ours; it is not touched.
/// [`Address`](crate::ErrorKind::Address): as [`Options::open`].
///
/// # Platform
///
/// As shm_unlink(3).
pub fn remove(name: &str) -> Result<bool> {
    let doing =
        |error: crate::Error| error.doing(format!("remove the region {}", name::shown(name)));
    name::Name::new(name).and_then(|name| name.remove()).map_err(doing)
}
