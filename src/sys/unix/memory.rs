//! Memory that processes share: files without a name, seals, and mappings.

#![allow(unsafe_code)]

use std::{
    ffi::c_void,
    io,
    os::fd::{BorrowedFd, OwnedFd},
    ptr::{self, NonNull},
};

use rustix::{
    fs::{
        MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, fstatfs, ftruncate,
        memfd_create,
    },
    io::Errno,
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap},
};

/// Its size is fixed and nobody else will ever write to it; who has it mapped goes on writing.
const OURS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);
/// Nothing of it changes any more.
const FOR_GOOD: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE).union(SealFlags::SEAL);

/// A file of `len` zeros that has no name and can be sealed: memfd_create(2).
///
/// Pages are taken when they are first written to, and no file system's limit stands over them.
pub(crate) fn anonymous_memory(name: &str, len: usize) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        // Linux before 6.3 does not know that flag.
        Err(Errno::INVAL) => memfd_create(name, flags)?,
        other => other?,
    };
    ftruncate(&file, len as u64)?;
    Ok(file)
}

/// Fixes the size, and has nobody write to it but who has it mapped by now.
pub(crate) fn keep_ours_to_write(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_add_seals(file, OURS)?)
}

/// Whether its size is fixed, and none who map it from now on can write to it.
pub(crate) fn is_ours_to_write(file: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(seals(file)?.contains(OURS))
}

/// Fixes the size and the contents. An error while anybody has it mapped to write to it.
pub(crate) fn seal_for_good(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_add_seals(file, FOR_GOOD)?)
}

/// Whether neither its size nor its contents will ever change, and reading it wants nothing that
/// can run out, as the system's huge pages do: a SIGBUS.
pub(crate) fn is_sealed_for_good(file: BorrowedFd<'_>) -> io::Result<bool> {
    const TMPFS: u32 = 0x0102_1994;

    // The type is as wide as the platform has it; this is no more than 32 bits.
    Ok(seals(file)?.contains(FOR_GOOD) && fstatfs(file)?.f_type as u32 == TMPFS)
}

/// How long a file is, in bytes.
pub(crate) fn file_len(file: BorrowedFd<'_>) -> io::Result<u64> {
    // Never negative in a file that can be opened.
    Ok(u64::try_from(fstat(file)?.st_size).unwrap_or_default())
}

/// None for a file that cannot have any.
pub(super) fn seals(file: BorrowedFd<'_>) -> io::Result<SealFlags> {
    match fcntl_get_seals(file) {
        Err(Errno::INVAL) => Ok(SealFlags::empty()),
        other => Ok(other?),
    }
}

/// What a mapping is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
    /// To read what was sealed for good. Linux before 6.7 takes every shared mapping of a file that
    /// it was opened to write to for one that could become writable, and allows none of those.
    ReadSealed,
    /// To read what others write, until a part is made ours: [`Mapping::detach`].
    Private,
}

/// A shared mapping of a file, until it is dropped. A child of fork(2) does not have it.
///
/// Others may change what is mapped at any time. So there are never references into it, except to
/// what is known to be ours alone.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: it is an address and a length, that of memory which no thread owns; what is there is
// read and written by whoever may, with the care that a pointer asks for.
unsafe impl Send for Mapping {}
// SAFETY: as for `Send`; nothing of it changes before it is dropped.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// The first `len` bytes of a file. It must have them: what is not there is a SIGBUS to touch.
    pub(crate) fn new(file: BorrowedFd<'_>, len: usize, access: Access) -> io::Result<Self> {
        let reserved = Self::reserve(len)?;
        reserved.lay(0, file, 0, len, access)?;
        reserved.keep_from_children()?;
        Ok(reserved)
    }

    /// The `front` bytes of a file from there on once, and the `ring` bytes behind them twice in a
    /// row, so that what goes beyond the end of the ring goes on at its beginning. All are whole
    /// pages.
    pub(crate) fn with_ring(
        file: BorrowedFd<'_>,
        from: usize,
        front: usize,
        ring: usize,
        access: Access,
    ) -> io::Result<Self> {
        let whole = ring.checked_mul(2).and_then(|twice| twice.checked_add(front));
        let reserved = Self::reserve(whole.ok_or(Errno::OVERFLOW)?)?;
        reserved.lay(0, file, from, front + ring, access)?;
        reserved.lay(front + ring, file, from + front, ring, access)?;
        reserved.keep_from_children()?;
        Ok(reserved)
    }

    /// Addresses with nothing behind them yet.
    fn reserve(len: usize) -> io::Result<Self> {
        let (none, flags) = (ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE);
        // No slice can be longer; nothing else limits it where addresses have 32 bits.
        isize::try_from(len).map_err(|_| Errno::NOMEM)?;
        // SAFETY: without an address that is asked for, the kernel finds one that is free.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), len, none, flags) }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, len })
    }

    /// Puts a part of the file at an offset of what is reserved.
    fn lay(
        &self,
        at: usize,
        file: BorrowedFd<'_>,
        from: usize,
        len: usize,
        access: Access,
    ) -> io::Result<()> {
        assert!(at.checked_add(len).is_some_and(|end| end <= self.len), "beyond what is reserved");
        let allowed = match access {
            Access::Read | Access::ReadSealed => ProtFlags::READ,
            Access::ReadWrite | Access::Private => ProtFlags::READ | ProtFlags::WRITE,
        };
        let to: *mut c_void = self.start.as_ptr().wrapping_add(at).cast();
        let sharing = match access {
            Access::ReadSealed => MapFlags::PRIVATE,
            // Most of it is never made ours.
            Access::Private => MapFlags::PRIVATE | MapFlags::NORESERVE,
            Access::Read | Access::ReadWrite => MapFlags::SHARED,
        };
        let flags = sharing | MapFlags::FIXED;
        // SAFETY: the addresses are within those that we have reserved, where nothing is yet that
        // anybody has a pointer to.
        unsafe { mmap(to, len, allowed, flags, file, from as u64) }?;
        Ok(())
    }

    /// Makes pages of a private mapping ours, all in which a part of these bytes is: what others do
    /// to the file changes nothing there from then on. Nobody who reads there notices anything.
    ///
    /// `MADV_POPULATE_WRITE` does what the first write to each page would, without a write: Linux
    /// from 5.14.
    pub(crate) fn detach(&self, at: usize, len: usize) -> io::Result<()> {
        let end = at.checked_add(len).filter(|end| *end <= self.len).ok_or(Errno::INVAL)?;
        let from = at - at % rustix::param::page_size();
        let start: *mut c_void = self.start.as_ptr().wrapping_add(from).cast();
        loop {
            let advice = Advice::LinuxPopulateWrite;
            // SAFETY: the addresses are within the mapping, and no byte that is there changes.
            match unsafe { madvise(start, end - from, advice) } {
                Err(Errno::INTR) => {}
                done => return Ok(done?),
            }
        }
    }

    fn keep_from_children(&self) -> io::Result<()> {
        // SAFETY: this changes what fork(2) does, not what is there.
        unsafe { madvise(self.start.as_ptr().cast(), self.len, Advice::LinuxDontFork) }?;
        Ok(())
    }

    /// Where it begins: at the beginning of a page.
    #[inline]
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// How many bytes can be addressed.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the addresses are ours since `reserve`, and whoever has a pointer to them holds
        // on to this.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        if let Err(error) = unmapped {
            // There is no such error for addresses that were mapped.
            tracing::error!(%error, "memory could not be given back");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_ring_goes_on_at_its_beginning() {
        let page = rustix::param::page_size();
        let file = anonymous_memory("test", 2 * page).unwrap();
        let ours = Mapping::with_ring(file.as_fd(), 0, page, page, Access::ReadWrite).unwrap();
        keep_ours_to_write(file.as_fd()).unwrap();
        assert!(is_ours_to_write(file.as_fd()).unwrap());
        let theirs = Mapping::with_ring(file.as_fd(), 0, page, page, Access::Read).unwrap();
        assert_eq!(ours.len(), 3 * page);
        let end = ours.start().wrapping_add(2 * page - 1);
        // SAFETY: two bytes of the mapping.
        unsafe { ptr::copy_nonoverlapping([7, 8].as_ptr(), end, 2) };
        let again = theirs.start().wrapping_add(page);
        // SAFETY: a byte of the mapping.
        assert_eq!(unsafe { again.read_volatile() }, 8);

        Mapping::new(file.as_fd(), page, Access::ReadWrite).unwrap_err();
        ftruncate(&file, 0).unwrap_err();
    }

    #[test]
    fn what_was_detached_stays_as_it_was() {
        let page = rustix::param::page_size();
        let file = anonymous_memory("test", 3 * page).unwrap();
        let ours = Mapping::new(file.as_fd(), 3 * page, Access::ReadWrite).unwrap();
        keep_ours_to_write(file.as_fd()).unwrap();
        let view = Mapping::new(file.as_fd(), 3 * page, Access::Private).unwrap();
        let write = |byte: u8| {
            // SAFETY: all of the mapping.
            unsafe { ours.start().write_bytes(byte, 3 * page) };
        };
        let read = || {
            [0, page, 2 * page].map(|at| {
                // SAFETY: a byte of the mapping.
                unsafe { view.start().wrapping_add(at).read_volatile() }
            })
        };
        write(1);
        assert_eq!(read(), [1, 1, 1]);
        write(2);
        assert_eq!(read(), [2, 2, 2], "it shows what others write");
        view.detach(2 * page, 0).unwrap();
        view.detach(page + 5, 10).unwrap();
        write(3);
        assert_eq!(read(), [3, 2, 3]);
        view.detach(page - 1, 2).unwrap();
        write(4);
        assert_eq!(read(), [3, 2, 4]);
        view.detach(2 * page, page + 1).unwrap_err();
        view.detach(usize::MAX, 2).unwrap_err();
    }

    #[test]
    fn what_is_sealed_for_good_was_written_before() {
        let file = anonymous_memory("test", 10).unwrap();
        let ours = Mapping::new(file.as_fd(), 10, Access::ReadWrite).unwrap();
        seal_for_good(file.as_fd()).unwrap_err();
        drop(ours);
        seal_for_good(file.as_fd()).unwrap();
        assert!(is_sealed_for_good(file.as_fd()).unwrap());
        assert!(!is_ours_to_write(file.as_fd()).unwrap());
        Mapping::new(file.as_fd(), 10, Access::ReadSealed).unwrap();
    }
}
