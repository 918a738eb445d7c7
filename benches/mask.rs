//! The signals of a measurement: which they are, and what a process does about them before it has a
//! second thread.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;

use rustix::process::{Resource, Rlimit, getppid, getrlimit, setrlimit};

use crate::trial::Fault;

/// A value that is no message: nothing comes after it.
pub(crate) const OVER: u64 = u64::MAX;
/// As many signals as may wait for one of our processes. The system's own limit is some 100,000 that
/// all processes of a user have together; signals by the thousand are those of a receiver that is
/// too slow, and nobody gains when they become more.
const PENDING: u64 = 16 << 10;

/// The signal that is read from a descriptor, blocked in every thread.
pub(crate) fn alone() -> i32 {
    libc::SIGRTMIN() + 5
}

/// The set of that signal.
pub(crate) fn set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the room is a set's, and this fills it.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set was filled by the call before.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: the set is one, and the signal is of those that this machine has.
    unsafe { libc::sigaddset(&mut set, alone()) };
    set
}

/// Blocks the signal, and leaves room for others' signals: for a process that starts.
pub(crate) fn prepare() -> Result<(), Fault> {
    let limit = getrlimit(Resource::Sigpending);
    let current = Some(limit.current.map_or(PENDING, |current| current.min(PENDING)));
    setrlimit(Resource::Sigpending, Rlimit { current, ..limit })?;
    let set = set();
    // SAFETY: the set is one, and nobody asks for the old one.
    match unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error).into()),
    }
}

/// The process that has started this one, and drives it.
pub(crate) fn parent() -> Result<u32, Fault> {
    let parent = getppid().ok_or("no process has started this one")?;
    Ok(parent.as_raw_nonzero().get() as u32)
}
