//! Taking signals that are blocked: signalfd(2) and sigtimedwait(3).

#![allow(unsafe_code)]

use std::{
    ffi::c_int,
    fmt, io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
};

use super::{
    signal_info::{RawInfo, SignalInfo},
    signal_mask::SignalSet,
};

/// How many are read in one call.
const BATCH: usize = 64;

/// A descriptor that is readable while one of these signals waits for this process; it never
/// blocks and is close-on-exec.
pub(crate) fn signal_fd(set: SignalSet) -> io::Result<OwnedFd> {
    let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
    // SAFETY: -1 asks for a new descriptor; the set is a local that lives through the call.
    let fd = unsafe { libc::signalfd(-1, &set.native(), flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has made this descriptor for us just now, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Has it be about these instead, for whoever waits with it as well.
pub(crate) fn change_signal_fd(fd: BorrowedFd<'_>, set: SignalSet) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as it is borrowed, and the set is a local that
    // lives through the call.
    let done = unsafe { libc::signalfd(fd.as_raw_fd(), &set.native(), 0) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Signals that were read and are still to be handed out.
pub(crate) struct SignalBatch {
    read: Box<[MaybeUninit<libc::signalfd_siginfo>; BATCH]>,
    next: usize,
    /// Up to here they are initialised.
    end: usize,
}

impl SignalBatch {
    pub(crate) fn new() -> Self {
        Self { read: Box::new([const { MaybeUninit::uninit() }; BATCH]), next: 0, end: 0 }
    }

    /// Reads as many as there are, once those before are handed out. `WouldBlock` where none is.
    pub(crate) fn fill(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        if self.next < self.end {
            return Ok(());
        }
        let room = size_of_val(&*self.read);
        // SAFETY: the pointer is to `room` bytes that are ours alone and may be left uninitialised.
        let read = unsafe { libc::read(fd.as_raw_fd(), self.read.as_mut_ptr().cast(), room) };
        let Ok(read) = usize::try_from(read) else { return Err(io::Error::last_os_error()) };
        (self.next, self.end) = (0, read / size_of::<libc::signalfd_siginfo>());
        if self.end == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }

    /// The next of those that were read.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<SignalInfo> {
        let slot = self.read.get(self.next).filter(|_| self.next < self.end)?;
        self.next += 1;
        // SAFETY: the kernel has written whole records up to `end`, and every bit pattern is one.
        let info = unsafe { slot.assume_init_ref() };
        Some(SignalInfo {
            number: info.ssi_signo as c_int,
            code: info.ssi_code,
            pid: info.ssi_pid,
            uid: info.ssi_uid,
            int: info.ssi_int,
            // On a 32-bit system the kernel has extended its sign.
            word: info.ssi_ptr as usize as u64,
        })
    }
}

impl fmt::Debug for SignalBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalBatch").field("left", &(self.end - self.next)).finish()
    }
}

/// Takes one signal of these that waits for this process, all that is known of it included; `None`
/// where none does.
pub(crate) fn take_signal(set: SignalSet) -> io::Result<Option<RawInfo>> {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let mut info = RawInfo::EMPTY;
    loop {
        // SAFETY: the three pointers are to locals that live through the call; `RawInfo` has the
        // size and the alignment of siginfo_t.
        let taken: c_int =
            unsafe { libc::sigtimedwait(&set.native(), ptr::from_mut(&mut info).cast(), &now) };
        if taken > 0 {
            return Ok(Some(info));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EAGAIN) => return Ok(None),
            Some(libc::EINTR) => {}
            _ => return Err(error),
        }
    }
}
