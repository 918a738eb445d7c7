//! Named semaphores of POSIX: sem_overview(7).
//!
//! They are files of the C library's own, in memory that it maps: what is in them is between it and
//! its like, and all that is done to them goes through its calls.

#![allow(unsafe_code)]

use std::{
    ffi::CStr,
    io,
    path::{Path, PathBuf},
    ptr::NonNull,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use libc::{c_int, c_uint, mode_t, sem_t, time_t, timespec};

use super::SEGMENTS;

/// The most permits that a semaphore holds: SEM_VALUE_MAX of every C library for Linux.
pub(crate) const SEM_VALUE_MAX: u32 = 0x7fff_ffff;
/// The least that its file has, in bytes: who touches what is missing of it is killed.
pub(crate) const SEM_LEN: u64 = size_of::<sem_t>() as u64;

/// A semaphore that is open. It is closed with this.
#[derive(Debug)]
pub(crate) struct NamedSemaphore(NonNull<sem_t>);

// SAFETY: it is memory that is shared by all threads, and processes; sem_close(3), which is all
// that ends our part in it, may be called on any thread.
unsafe impl Send for NamedSemaphore {}
// SAFETY: what is done through a shared reference are calls that any number of threads may make at
// once on one semaphore: that is what they are for. It is closed through none.
unsafe impl Sync for NamedSemaphore {}

impl NamedSemaphore {
    /// Opens the one of this name.
    pub(crate) fn open(name: &CStr) -> io::Result<Self> {
        retry(|| {
            // SAFETY: the name ends with a zero and outlives the call; without O_CREAT there are no
            // further arguments.
            let opened = unsafe { libc::sem_open(name.as_ptr(), 0) };
            Self::new(opened)
        })
    }

    /// Makes one with so many permits, unless something has the name. Its mode is less than this
    /// where the umask says so.
    pub(crate) fn create(name: &CStr, mode: u32, value: u32) -> io::Result<Self> {
        // Promoted as C promotes them; a mode has 12 bits.
        let (mode, value) = ((mode & 0o777) as mode_t as c_uint, value as c_uint);
        retry(|| {
            let flags = libc::O_CREAT | libc::O_EXCL;
            // SAFETY: as in `open`; with O_CREAT a mode and a value follow, both of them integers
            // that C passes as `unsigned int`.
            let opened = unsafe { libc::sem_open(name.as_ptr(), flags, mode, value) };
            Self::new(opened)
        })
    }

    fn new(opened: *mut sem_t) -> io::Result<Self> {
        // SEM_FAILED is null here.
        NonNull::new(opened).map(Self).ok_or_else(io::Error::last_os_error)
    }

    /// Takes a permit, if there is one.
    #[inline]
    pub(crate) fn try_take(&self) -> io::Result<bool> {
        loop {
            // SAFETY: it is open until this is dropped.
            if unsafe { libc::sem_trywait(self.0.as_ptr()) } == 0 {
                return Ok(true);
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EAGAIN) => return Ok(false),
                Some(libc::EINTR) => {}
                _ => return Err(error),
            }
        }
    }

    /// Takes a permit, and waits for it so long at most.
    ///
    /// The time is that of the wall clock, as sem_timedwait(3) has it: who sets that back while
    /// this waits makes it longer. sem_clockwait(3) is not in every C library.
    pub(crate) fn take_within(&self, within: Duration) -> io::Result<bool> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let until = now.saturating_add(within);
        // SAFETY: zero is a value of each of its fields, whatever padding it has.
        let mut time: timespec = unsafe { std::mem::zeroed() };
        time.tv_sec = time_t::try_from(until.as_secs()).unwrap_or(time_t::MAX);
        time.tv_nsec = until.subsec_nanos() as _;
        loop {
            // SAFETY: it is open until this is dropped, and the time outlives the call.
            let failed = unsafe { libc::sem_timedwait(self.0.as_ptr(), &time) } != 0;
            if !failed {
                return Ok(true);
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::ETIMEDOUT) => return Ok(false),
                Some(libc::EINTR) => {}
                _ => return Err(error),
            }
        }
    }

    /// Gives a permit; `false` where there are [`SEM_VALUE_MAX`] already.
    #[inline]
    pub(crate) fn post(&self) -> io::Result<bool> {
        // SAFETY: it is open until this is dropped.
        if unsafe { libc::sem_post(self.0.as_ptr()) } == 0 {
            return Ok(true);
        }
        match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EOVERFLOW) => Ok(false),
            error => Err(error),
        }
    }

    /// How many permits there are now; less than none says that the memory is no semaphore's.
    pub(crate) fn value(&self) -> io::Result<i32> {
        let mut value: c_int = 0;
        // SAFETY: it is open until this is dropped, and the value outlives the call.
        match unsafe { libc::sem_getvalue(self.0.as_ptr(), &mut value) } {
            0 => Ok(value),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for NamedSemaphore {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody uses it after this. Where this process has it open more
        // than once, the library counts, and the others' stays.
        unsafe { libc::sem_close(self.0.as_ptr()) };
    }
}

/// Removes a name, and says whether there was one.
pub(crate) fn remove_semaphore(name: &CStr) -> io::Result<bool> {
    // SAFETY: the name ends with a zero and outlives the call.
    if unsafe { libc::sem_unlink(name.as_ptr()) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::NotFound => Ok(false),
        error => Err(error),
    }
}

/// The file of a name, which is given without its slash: of musl it is the name alone.
pub(crate) fn semaphore_file(name: &str) -> PathBuf {
    let prefix = if cfg!(target_env = "musl") { "" } else { "sem." };
    Path::new(SEGMENTS).join(format!("{prefix}{name}"))
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::CString, time::Instant};

    use super::*;

    #[test]
    fn permits_come_and_go() {
        let name = format!("framewire-sys-{}", std::process::id());
        let c_name = CString::new(format!("/{name}")).unwrap();
        let made = NamedSemaphore::create(&c_name, 0o600, 1).unwrap();
        let refused = NamedSemaphore::create(&c_name, 0o600, 1).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert!(std::fs::metadata(semaphore_file(&name)).unwrap().len() >= SEM_LEN);

        let opened = NamedSemaphore::open(&c_name).unwrap();
        drop(made);
        assert!(opened.try_take().unwrap() && !opened.try_take().unwrap());
        let (begun, slice) = (Instant::now(), Duration::from_millis(20));
        assert!(!opened.take_within(slice).unwrap());
        assert!(begun.elapsed() >= slice - Duration::from_millis(5));
        assert!(opened.post().unwrap() && opened.value().unwrap() == 1);
        assert!(opened.take_within(Duration::ZERO).unwrap(), "it is there");

        assert!(remove_semaphore(&c_name).unwrap() && !remove_semaphore(&c_name).unwrap());
        assert_eq!(NamedSemaphore::open(&c_name).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn it_holds_so_many_and_no_more() {
        let name = CString::new(format!("/framewire-most-{}", std::process::id())).unwrap();
        let refused = NamedSemaphore::create(&name, 0o600, SEM_VALUE_MAX + 1).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        let full = NamedSemaphore::create(&name, 0o600, SEM_VALUE_MAX).unwrap();
        remove_semaphore(&name).unwrap();
        assert!(!full.post().unwrap());
        assert_eq!(full.value().unwrap(), i32::MAX);
    }
}
