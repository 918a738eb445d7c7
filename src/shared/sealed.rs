//! Messages in memory of their own that nobody can change any more.

#![allow(unsafe_code)]

use std::{
    fmt, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    Error, ErrorKind,
    sys::{self, Access, Mapping},
};

/// A message in memory of its own, which nobody can change any more, not even who has made it.
///
/// To clone it and to send it to any number of peers copies none of it.
///
/// # Examples
///
/// See [`Draft`](super::Draft).
///
/// # Platform
///
/// Linux and Android; `F_SEAL_WRITE`, memfd_create(2).
#[derive(Clone)]
pub struct Sealed {
    file: Arc<OwnedFd>,
    bytes: Bytes,
}

impl Sealed {
    /// One of ours, which was sealed for good.
    pub(super) fn of(file: OwnedFd, len: usize) -> io::Result<Self> {
        let bytes = Fixed::map(file.as_fd(), len as u64)?;
        Ok(Self { file: Arc::new(file), bytes })
    }

    /// Maps a peer's file, which must be of that length and sealed.
    pub(crate) fn attach(file: &OwnedFd, len: u64) -> io::Result<Bytes> {
        Fixed::map(file.as_fd(), len)
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Sealed> for Bytes {
    /// The same memory, as a message like any other.
    fn from(sealed: Sealed) -> Self {
        sealed.bytes
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// A mapping of a file whose size and contents are fixed for good.
struct Fixed(Mapping);

impl Fixed {
    fn map(file: BorrowedFd<'_>, len: u64) -> io::Result<Bytes> {
        // In this order: a file that has the seals keeps the length that it has.
        let sealed = sys::is_sealed_for_good(file)?;
        let has = sys::file_len(file)?;
        if !sealed || has != len {
            let seals = if sealed { "is sealed" } else { "is not sealed against every change" };
            let what = format!("a message of {len} bytes in a file that has {has} and {seals}");
            return Err(Error::new(ErrorKind::Malformed, what).into());
        }
        if len == 0 {
            return Ok(Bytes::new());
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        Ok(Bytes::from_owner(Self(Mapping::new(file, len, Access::ReadSealed)?)))
    }
}

impl AsRef<[u8]> for Fixed {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the mapping is of so many bytes and lives as long as `self`. Its file was seen to
        // have them, and to be sealed against shrinking and every change, before it was mapped;
        // no seal is ever lifted.
        unsafe { std::slice::from_raw_parts(self.0.start(), self.0.len()) }
    }
}
