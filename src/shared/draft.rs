//! Messages that are written in memory of their own.

#![allow(unsafe_code)]

use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    os::fd::{AsFd, OwnedFd},
};

use super::Sealed;
use crate::{
    Error, Result,
    sys::{self, Access, Mapping},
};

/// A message that is written in memory of its own, to be [sealed](Self::seal) and sent.
///
/// It is for messages that the receiver keeps, or that go to many peers. To make, map and fill new
/// memory costs far more than to copy the bytes once: what is read once and dropped is better sent
/// as it is.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::shm;
/// use futures::StreamExt;
///
/// let mut draft = shm::Draft::new(1 << 20)?;
/// draft.fill(7);
/// let sealed = draft.seal()?;
///
/// let (mut ours, mut theirs) = shm::pair()?;
/// ours.send_sealed(&sealed).await?;
/// let message = theirs.next().await.transpose()?.expect("it was sent");
/// assert_eq!(message, sealed.as_ref());
/// # Ok(())
/// # }
/// ```
///
/// # Platform
///
/// Linux and Android; memfd_create(2).
pub struct Draft {
    file: OwnedFd,
    /// `None` for no bytes.
    mapping: Option<Mapping>,
}

impl Draft {
    /// A draft of so many bytes, all zero.
    ///
    /// # Examples
    ///
    /// See [`Draft`].
    ///
    /// # Errors
    ///
    /// What the system answers where neither memory nor a descriptor is to be had.
    pub fn new(len: usize) -> Result<Self> {
        let make = || {
            let file = sys::anonymous_memory("framewire", len)?;
            let mapping = match len {
                0 => None,
                len => Some(Mapping::new(file.as_fd(), len, Access::ReadWrite)?),
            };
            Ok(Self { file, mapping })
        };
        make().map_err(|error: io::Error| Error::from(error).doing("draft a message"))
    }

    /// Fixes the length and the bytes for good.
    ///
    /// # Examples
    ///
    /// See [`Draft`].
    ///
    /// # Errors
    ///
    /// What the system answers: somebody else has the memory mapped, through `/proc`, or there is
    /// no more room for mappings.
    pub fn seal(self) -> Result<Sealed> {
        let Self { file, mapping } = self;
        let len = mapping.as_ref().map_or(0, Mapping::len);
        // Nothing is sealed that can be written to.
        drop(mapping);
        let sealed = sys::seal_for_good(file.as_fd()).and_then(|()| Sealed::of(file, len));
        sealed.map_err(|error| Error::from(error).doing("seal a message"))
    }
}

impl Deref for Draft {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let Some(mapping) = &self.mapping else { return &[] };
        // SAFETY: the mapping is of so many bytes, and of a file that is as long and which this
        // process alone has, in this one place; it is borrowed as long as `self`.
        unsafe { std::slice::from_raw_parts(mapping.start(), mapping.len()) }
    }
}

impl DerefMut for Draft {
    fn deref_mut(&mut self) -> &mut [u8] {
        let Some(mapping) = &self.mapping else { return &mut [] };
        // SAFETY: as for `deref`, and borrowed by this alone.
        unsafe { std::slice::from_raw_parts_mut(mapping.start(), mapping.len()) }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("len", &self.len()).finish_non_exhaustive()
    }
}
