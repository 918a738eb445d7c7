//! Stand-in until `crate::shared::Region` is there.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use crate::sys::{self, Access, Mapping};

#[derive(Debug)]
pub(super) struct Region(#[allow(dead_code)] Mapping);

impl Region {
    pub(super) fn file_len(capacity: usize) -> usize {
        rustix::param::page_size() + capacity
    }

    pub(super) fn create(capacity: usize) -> io::Result<(Self, OwnedFd)> {
        let len = Self::file_len(capacity);
        let file = sys::anonymous_memory("framewire", len)?;
        let mapping = Mapping::new(file.as_fd(), len, Access::ReadWrite)?;
        sys::keep_ours_to_write(file.as_fd())?;
        Ok((Self(mapping), file))
    }

    pub(super) fn attach(file: BorrowedFd<'_>, capacity: usize) -> io::Result<Self> {
        Ok(Self(Mapping::new(file, Self::file_len(capacity), Access::Read)?))
    }
}
