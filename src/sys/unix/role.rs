//! Locks on single bytes of a file: each is a part to be played by one at a time.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

#[cfg(not(all(target_pointer_width = "32", target_env = "gnu")))]
use libc::flock as Range;
// What the kernel takes has 64-bit offsets, whatever the C library uses by itself.
#[cfg(all(target_pointer_width = "32", target_env = "gnu"))]
use libc::flock64 as Range;

/// Takes the lock on this byte of the file, unless somebody has it; there need be no such byte.
///
/// As [`try_lock`](super::try_lock)'s it belongs to the open file, and the kernel gives it up when
/// the last copy of the descriptor is closed, however its process ends.
pub(crate) fn try_lock_byte(file: BorrowedFd<'_>, byte: u16) -> io::Result<bool> {
    match control(file, libc::F_OFD_SETLK, &mut range(libc::F_WRLCK, byte)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        // So fcntl(2) allows it to be told as well.
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Ok(false),
        other => other.map(|()| true),
    }
}

/// Gives the lock up, whoever has a copy of the descriptor.
pub(crate) fn unlock_byte(file: BorrowedFd<'_>, byte: u16) -> io::Result<()> {
    control(file, libc::F_OFD_SETLK, &mut range(libc::F_UNLCK, byte))
}

/// Whether somebody else has the lock: not through this open file.
pub(crate) fn is_byte_locked(file: BorrowedFd<'_>, byte: u16) -> io::Result<bool> {
    let mut range = range(libc::F_WRLCK, byte);
    control(file, libc::F_OFD_GETLK, &mut range)?;
    Ok(range.l_type != libc::F_UNLCK as libc::c_short)
}

// The constants' types differ by platform.
#[allow(clippy::unnecessary_cast)]
fn range(kind: libc::c_int, byte: u16) -> Range {
    // SAFETY: a struct of integers, for which zeros are values.
    let mut range: Range = unsafe { std::mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = byte.into();
    range.l_len = 1;
    range
}

fn control(file: BorrowedFd<'_>, command: libc::c_int, range: &mut Range) -> io::Result<()> {
    let range: *mut Range = range;
    // SAFETY: these commands take such a struct and write to no more than that; it is borrowed
    // until the call is done.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, range) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::fd::AsFd};

    use super::*;

    #[test]
    fn a_part_is_played_by_one_open_file_at_a_time() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        std::fs::write(&path, "").unwrap();
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        let (one, other) = (open(), open());
        assert!(try_lock_byte(one.as_fd(), 1).unwrap());
        assert!(try_lock_byte(one.as_fd(), 1).unwrap());
        assert!(!try_lock_byte(other.as_fd(), 1).unwrap());
        assert!(try_lock_byte(other.as_fd(), 2).unwrap());
        assert!(is_byte_locked(other.as_fd(), 1).unwrap());
        assert!(!is_byte_locked(one.as_fd(), 1).unwrap());
        let copy = one.try_clone().unwrap();
        unlock_byte(one.as_fd(), 1).unwrap();
        assert!(!is_byte_locked(other.as_fd(), 1).unwrap());
        drop(copy);
        drop(other);
        assert!(!is_byte_locked(one.as_fd(), 2).unwrap());
    }
}
