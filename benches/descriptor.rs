//! Descriptors that a child finds under a number, and that a runtime watches.
#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::fcntl_dupfd_cloexec;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::trial::Fault;

/// What the parent has mapped to this number, under another one.
pub(crate) fn inherited(number: i32) -> Result<OwnedFd, Fault> {
    // SAFETY: the parent left the descriptor open under this number, and nobody here closes it.
    let inherited = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(fcntl_dupfd_cloexec(inherited, 0)?)
}

/// The descriptor with this thread's runtime.
pub(crate) fn registered(fd: OwnedFd, interest: Interest) -> Result<AsyncFd<OwnedFd>, Fault> {
    // SAFETY: the `AsyncFd` owns the descriptor from here on, and hands out no more than borrows:
    // it stays open for as long as it is registered.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    registered.map_err(|refused| refused.into_parts().1.into())
}
