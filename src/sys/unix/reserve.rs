//! A descriptor that is held only to be given up.

use std::{io, os::fd::OwnedFd};

use rustix::fs::{Mode, OFlags, open};

/// Keeps one descriptor of the process's limit; dropping it frees one.
#[derive(Debug)]
pub(crate) struct Reserve {
    _null: OwnedFd,
}

/// open(2) of `/dev/null`, which needs no more of the system than the descriptor.
pub(crate) fn reserve() -> io::Result<Reserve> {
    Ok(Reserve { _null: open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())? })
}
