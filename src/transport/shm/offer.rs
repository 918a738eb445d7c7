//! What comes beside a hello, and is looked at before it is used.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use super::hello::malformed;
use crate::{
    Error, ErrorKind, Result,
    names::FileKind,
    shared::Region,
    sys::{self, Arrived, Entry, What},
};

/// What one process gives the other: its memory, to be read, and what wakes it.
const GIVEN: usize = 2;
/// Room to learn that more came than that, and to say how many, as far as that helps anybody.
pub(super) const ROOM: usize = 16;

/// The two, of whatever came. All of it is closed where it is anything else.
pub(super) fn both(arrived: Arrived) -> Result<(OwnedFd, OwnedFd)> {
    let Arrived { descriptors, descriptors_cut, .. } = arrived;
    let count = descriptors.len();
    if count < GIVEN && descriptors_cut {
        let cause = "the peer's memory could not be opened in this process";
        return Err(Error::new(ErrorKind::Exhausted, cause).remedy("raise its limit of open files"));
    }
    match <[OwnedFd; GIVEN]>::try_from(descriptors) {
        Ok([memory, bell]) if !descriptors_cut => Ok((memory, bell)),
        _ => {
            let more = if descriptors_cut { " and more" } else { "" };
            Err(malformed(format!("{count} descriptors{more} with a hello, not {GIVEN}")))
        }
    }
}

/// Refuses our own memory as the peer's: what we write is for it to read, and not for us.
pub(super) fn is_not(memory: BorrowedFd<'_>, ours: BorrowedFd<'_>) -> Result<()> {
    let identity = |file| Entry::of(file).map(|entry| entry.identity).map_err(unusable);
    if identity(memory)? == identity(ours)? {
        return Err(malformed("the peer has sent our own memory for its own"));
    }
    Ok(())
}

/// Memory with a ring of this capacity that the peer writes to, and can neither take back nor
/// have others write to.
pub(super) fn memory(memory: BorrowedFd<'_>, capacity: usize) -> Result<Region> {
    let what = What::is(memory).map_err(unusable)?;
    if what != What::File(FileKind::File) {
        return Err(malformed(format!("the peer's memory is {what}, not a file of memory")));
    }
    if !sys::is_ours_to_write(memory).map_err(unusable)? {
        // What shrinks under who reads it is a SIGBUS.
        let cause = "the peer's memory is not sealed against shrinking, growing, being written to \
            by others, and more seals";
        return Err(malformed(cause));
    }
    let (len, wanted) = (sys::file_len(memory).map_err(unusable)?, Region::file_len(capacity));
    if len != wanted as u64 {
        let cause =
            format!("the peer's memory has {len} bytes, a ring of {capacity} bytes is in {wanted}");
        return Err(malformed(cause));
    }
    Region::attach(memory, capacity).map_err(|error| match error.kind() {
        // It was opened to be written to only.
        io::ErrorKind::PermissionDenied => unusable(error),
        _ => error.into(),
    })
}

/// What wakes the peer when it is written to, and does nothing else.
pub(super) fn bell(bell: OwnedFd) -> Result<OwnedFd> {
    if !sys::is_eventfd(bell.as_fd()).map_err(unusable)? {
        return Err(malformed("the peer's bell is no eventfd that never blocks"));
    }
    Ok(bell)
}

fn unusable(error: io::Error) -> Error {
    malformed(format!("a descriptor of the peer's cannot be used: {error}"))
}
