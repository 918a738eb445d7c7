//! A region as a process has it.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::Command,
};

use super::{Atomic, inherited, name::Named};
use crate::{
    Error, ErrorKind, Result,
    names::FileKind,
    shared::Plain,
    sys::{self, Access, Entry, Mapping},
};

/// Memory that is shared with other processes, until it is dropped.
///
/// All of it can be used by several threads at once.
///
/// # Examples
///
/// See the [module](super).
#[derive(Debug)]
pub struct Region {
    bytes: Plain,
    // Its name is removed before the file is closed, which keeps the identity from being another's.
    name: Option<Named>,
    file: OwnedFd,
}

/// Zeros without a name.
pub(super) fn anonymous(len: usize) -> Result<Region> {
    let make = || {
        let file = sys::anonymous_memory("framewire-region", 0)?;
        let region = take(file, len)?;
        sys::fix_size(region.as_fd())?;
        Ok(region)
    };
    make().map_err(|error: Error| error.doing("make an anonymous region"))
}

/// A file that is empty so far.
pub(super) fn take(file: OwnedFd, len: usize) -> Result<Region> {
    if len == 0 {
        return Err(Error::new(ErrorKind::Address, "a region of no bytes").remedy("ask for some"));
    }
    take_memory(file.as_fd(), len)?;
    map(file, len)
}

/// A file that somebody has filled.
pub(super) fn adopt(file: OwnedFd) -> Result<Region> {
    let size = sys::file_len(file.as_fd())?;
    if size == 0 {
        return Err(Error::new(ErrorKind::NotFound, "it has no bytes yet")
            .remedy("try again when its maker has said how many"));
    }
    let too_large = |_| Error::new(ErrorKind::TooLarge, format!("{size} bytes have no addresses"));
    let len = usize::try_from(size).map_err(too_large)?;
    take_memory(file.as_fd(), len)?;
    map(file, len)
}

/// Refuses what cannot be a region that somebody has left or sent us.
pub(super) fn check(file: BorrowedFd<'_>) -> Result<()> {
    let refused = |cause: String| Err(Error::new(ErrorKind::Malformed, cause));
    let kind = Entry::of(file)?.kind;
    if kind != FileKind::File {
        return refused(format!("it is {kind}, not shared memory"));
    }
    if !sys::is_read_write(file)? {
        return refused("it is not open to read and to write".into());
    }
    Ok(())
}

fn take_memory(file: BorrowedFd<'_>, len: usize) -> Result<()> {
    use std::io::ErrorKind as Os;
    let exhausted = |told| {
        let remedy = "ask for fewer, or remove what is left";
        Error::new(ErrorKind::Exhausted, told).remedy(remedy)
    };
    // Nothing has so many addresses, and the kernel takes more for a mistake.
    if isize::try_from(len).is_err() {
        return Err(exhausted(format!("there is no memory for {len} bytes")));
    }
    sys::take_memory(file, len).map_err(|cause| match cause.kind() {
        Os::StorageFull | Os::QuotaExceeded | Os::FileTooLarge => {
            exhausted(format!("there is no memory for {len} bytes: {cause}"))
        }
        _ => cause.into(),
    })
}

fn map(file: OwnedFd, len: usize) -> Result<Region> {
    let bytes = Plain::new(Mapping::new(file.as_fd(), len, Access::ReadWrite)?);
    Ok(Region { bytes, name: None, file })
}

// There is none without bytes.
#[allow(clippy::len_without_is_empty)]
impl Region {
    /// The region behind a descriptor that another process has sent.
    ///
    /// It has to be sealed against being made shorter, as [`anonymous`](super::anonymous) ones are:
    /// else whoever has sent it could kill us. Of a region of ours, `as_fd()` is what to send.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// use framewire::shm::region::{self, Region};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let ours = region::anonymous(64)?;
    /// ours.write(0, b"hello")?;
    ///
    /// let sent = ours.as_fd().try_clone_to_owned()?; // By way of `unix::passing`, say.
    /// let theirs = Region::from_fd(sent)?.expect_len(64)?;
    /// let mut message = [0; 5];
    /// theirs.read(0, &mut message)?;
    /// assert_eq!(&message, b"hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Denied`](crate::ErrorKind::Denied): it can be made shorter.
    /// [`Malformed`](crate::ErrorKind::Malformed): it is no memory that we can read and write.
    /// [`NotFound`](crate::ErrorKind::NotFound): it has no bytes.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let adopt = || {
            check(fd.as_fd())?;
            if !sys::has_fixed_size(fd.as_fd())? {
                return Err(Error::new(ErrorKind::Denied, "whoever has it can make it shorter")
                    .remedy("have it sealed with F_SEAL_SHRINK"));
            }
            adopt(fd)
        };
        adopt().map_err(|error| error.doing("take a region"))
    }

    /// How many bytes it has: at least one.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(framewire::shm::region::anonymous(100)?.len(), 100);
    /// # Ok::<(), framewire::Error>(())
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Its name, if it was made or opened by one.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(framewire::shm::region::anonymous(100)?.name(), None);
    /// # Ok::<(), framewire::Error>(())
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(Named::as_str)
    }

    pub(super) fn set_name(&mut self, name: Named) {
        self.name = Some(name);
    }

    /// The same region if it has so many bytes: what is shared with another program is a `struct` of
    /// one size.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{ErrorKind, shm::region};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let region = region::anonymous(64)?.expect_len(64)?;
    /// assert_eq!(region.expect_len(72).unwrap_err().kind(), ErrorKind::Malformed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): it has more, or fewer.
    pub fn expect_len(self, len: usize) -> Result<Self> {
        if self.len() == len {
            return Ok(self);
        }
        let cause = format!("the region has {} bytes, not {len}", self.len());
        Err(Error::new(ErrorKind::Malformed, cause)
            .remedy("build both programs with the same layout"))
    }

    /// The atomic integer that begins at this byte.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use framewire::shm::region;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let region = region::anonymous(64)?;
    /// let counter = region.atomic::<AtomicU64>(8)?;
    /// counter.fetch_add(1, Ordering::Relaxed);
    /// assert!(region.atomic::<AtomicU64>(60).is_err(), "half of it is beyond the end");
    /// assert!(region.atomic::<AtomicU64>(4).is_err(), "it is not aligned");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Address`](crate::ErrorKind::Address): not all of it is within the region, or the offset is no
    /// multiple of its size.
    #[inline]
    pub fn atomic<A: Atomic>(&self, offset: usize) -> Result<&A> {
        match self.bytes.atomics(offset, 1) {
            Some([atomic]) => Ok(atomic),
            _ => Err(self.refused::<A>(offset, size_of::<A>())),
        }
    }

    /// So many atomic integers in a row, the first of which begins at this byte.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU16, Ordering};
    /// use framewire::shm::region;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let region = region::anonymous(64)?;
    /// for (n, slot) in region.atomics::<AtomicU16>(32, 16)?.iter().enumerate() {
    ///     slot.store(n as u16, Ordering::Relaxed);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`atomic`](Self::atomic).
    #[inline]
    pub fn atomics<A: Atomic>(&self, offset: usize, count: usize) -> Result<&[A]> {
        let atomics = self.bytes.atomics(offset, count);
        atomics.ok_or_else(|| self.refused::<A>(offset, count.saturating_mul(size_of::<A>())))
    }

    /// Copies bytes out, from this one on.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Address`](crate::ErrorKind::Address): not all of them are within the region.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<()> {
        let len = into.len();
        self.bytes.read(offset, into).ok_or_else(|| self.refused::<u8>(offset, len))
    }

    /// Copies bytes in, from this one on.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    ///
    /// # Errors
    ///
    /// [`Address`](crate::ErrorKind::Address): not all of them are within the region. Nothing was
    /// written.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        self.bytes.write(offset, bytes).ok_or_else(|| self.refused::<u8>(offset, bytes.len()))
    }

    /// Writes one byte so many times, from this one on.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::shm::region;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let region = region::anonymous(64)?;
    /// region.write(8, b"hello")?;
    /// region.fill(8, 56, 0)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn fill(&self, offset: usize, len: usize, byte: u8) -> Result<()> {
        self.bytes.fill(offset, len, byte).ok_or_else(|| self.refused::<u8>(offset, len))
    }

    /// Has a command inherit the region, and find it in its environment by this variable:
    /// `SHARED=5:8321`, the number of the descriptor and that of the file.
    ///
    /// [`inherited`](super::inherited) reads that; in C, `atoi(getenv("SHARED"))` is a descriptor to
    /// map. The command keeps the region until it is dropped; every process that it starts gets it.
    /// Several regions, and a [pipe](crate::pipe) beside them, can be left to one child.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use framewire::{pipe, shm::region};
    /// use tokio::process::Command;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let region = region::anonymous(64)?;
    /// let mut worker = Command::new("./worker");
    /// region.pass_to(worker.as_std_mut(), "SHARED")?;
    /// let worker = pipe::spawn(worker)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// And in the child:
    ///
    /// ```no_run
    /// # fn main() -> framewire::Result<()> {
    /// let region = framewire::shm::region::inherited("SHARED")?.expect_len(64)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Address`](crate::ErrorKind::Address): it is no name of a variable: letters, digits and
    /// underscores. [`Exhausted`](crate::ErrorKind::Exhausted): this process has no descriptor left.
    pub fn pass_to(&self, command: &mut Command, variable: &str) -> Result<()> {
        let error = |error: Error| error.doing("pass a region to a command");
        inherited::leave(self.as_fd(), command, variable).map_err(error)
    }

    #[cold]
    fn refused<A>(&self, offset: usize, len: usize) -> Error {
        let whole = self.len();
        if offset.checked_add(len).is_some_and(|end| end <= whole) {
            let width = size_of::<A>();
            return Error::new(ErrorKind::Address, format!("{offset} is no multiple of {width}"))
                .remedy("lay the members out by their alignment, as C does");
        }
        let cause = format!("{len} bytes at {offset}, in a region of {whole}");
        Error::new(ErrorKind::Address, cause).remedy("make a larger region")
    }
}

/// To be sent to another process: see [`Region::from_fd`].
impl AsFd for Region {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
