//! Messages in memory of their own that nobody can change any more.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use bytes::Bytes;

use crate::{
    Error, ErrorKind,
    sys::{self, Access, Mapping},
};

/// Memory whose size and contents are fixed for good.
#[derive(Debug)]
pub(crate) struct Sealed {
    mapping: Mapping,
}

impl Sealed {
    /// Maps a peer's file, which must be of that length and sealed.
    pub(crate) fn attach(file: &OwnedFd, len: u64) -> io::Result<Bytes> {
        let has = rustix::fs::fstat(file)?.st_size;
        if !sys::is_sealed_for_good(file.as_fd())? || u64::try_from(has) != Ok(len) {
            let what = format!("a sealed message of {len} bytes that has {has}, or no seals");
            return Err(Error::new(ErrorKind::Malformed, what).into());
        }
        if len == 0 {
            return Ok(Bytes::new());
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let mapping = Mapping::new(file.as_fd(), len, Access::Read)?;
        Ok(Bytes::from_owner(Self { mapping }))
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the mapping is of so many bytes and lives as long as `self`; its file was sealed
        // against every change before it was mapped.
        unsafe { std::slice::from_raw_parts(self.mapping.start(), self.mapping.len()) }
    }
}
