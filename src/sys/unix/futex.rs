//! Sleeping until a word in shared memory changes.

use std::{io, sync::atomic::AtomicU32, time::Duration};

use rustix::{
    io::Errno,
    thread::futex::{Flags, Timespec, wait, wake},
};

/// Sleeps while the word has this value: until [`futex_wake`], by any process that has the memory,
/// until the time is over, or until a signal comes; futex(2).
pub(crate) fn futex_wait(word: &AtomicU32, value: u32, within: Duration) -> io::Result<()> {
    let within = Timespec {
        tv_sec: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: within.subsec_nanos().into(),
    };
    match wait(word, Flags::empty(), value, Some(&within)) {
        Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Wakes all who sleep on the word, in any process.
pub(crate) fn futex_wake(word: &AtomicU32) -> io::Result<()> {
    wake(word, Flags::empty(), i32::MAX as u32)?;
    Ok(())
}
