//! Which thread has which signals blocked.

#![allow(unsafe_code)]

use std::{
    ffi::c_int,
    fs, io,
    mem::MaybeUninit,
    os::unix::process::CommandExt,
    process::{self, Command},
    ptr,
};

use super::signal_info::RawInfo;

/// A set of signals, of 1 to 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalSet(u64);

impl SignalSet {
    pub(crate) const EMPTY: Self = Self(0);
    pub(crate) const ALL: Self = Self(u64::MAX);

    pub(crate) fn of(signal: c_int) -> Self {
        Self(1 << ((signal - 1) & 63))
    }

    pub(crate) fn with(self, signal: c_int) -> Self {
        Self(self.0 | Self::of(signal).0)
    }

    pub(crate) fn without(self, signal: c_int) -> Self {
        Self(self.0 & !Self::of(signal).0)
    }

    pub(crate) fn contains(self, signal: c_int) -> bool {
        self.0 & Self::of(signal).0 != 0
    }

    /// Whether the C library has everything blocked for a moment, its own signals included, which a
    /// program cannot block: what it had before comes back, and is not known. musl leaves its own
    /// out where it starts a thread, so there it is like this wherever all others are blocked.
    pub(crate) fn is_for_a_moment(self) -> bool {
        if cfg!(target_env = "musl") {
            // Nobody can block the first two, and the others are its own.
            return [9, 19, 32, 33, 34].into_iter().fold(self, Self::with) == Self::ALL;
        }
        self.contains(32) && self.contains(33)
    }

    pub(super) fn native(self) -> libc::sigset_t {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the pointer is to a local that is large enough, which the call initialises.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: sigemptyset(3) has just initialised it, and never fails.
        let mut set = unsafe { set.assume_init() };
        for signal in (1..=64).filter(|&signal| self.contains(signal)) {
            add(&mut set, signal);
        }
        set
    }
}

/// Adds one signal to the C library's kind of set.
pub(super) fn add(set: &mut libc::sigset_t, signal: c_int) {
    // SAFETY: the set is initialised; a number that it has no room for is refused by the call.
    unsafe { libc::sigaddset(set, signal) };
}

/// Blocks these in the thread that calls, besides what it has blocked; pthread_sigmask(3).
pub(crate) fn block_signals(set: SignalSet) -> io::Result<()> {
    change_mask(libc::SIG_BLOCK, set)
}

fn change_mask(how: c_int, set: SignalSet) -> io::Result<()> {
    // SAFETY: the set is a local that lives through the call; the old one is not asked for.
    let errno = unsafe { libc::pthread_sigmask(how, &set.native(), ptr::null_mut()) };
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

/// Has a child start with nothing blocked.
pub(crate) fn unblock_in(command: &mut Command) {
    let reset = || change_mask(libc::SIG_SETMASK, SignalSet::default());
    // SAFETY: between fork and exec the closure calls sigemptyset and pthread_sigmask only, which
    // are async-signal-safe, and allocates nothing: an error is a number.
    unsafe { command.pre_exec(reset) };
}

/// What each thread of this process has blocked, as far as could be seen.
#[derive(Debug)]
pub(crate) struct ThreadMasks {
    pub(crate) threads: Vec<(i32, SignalSet)>,
    /// One ended while we looked: who it has started before that may have been missed.
    pub(crate) missed: bool,
}

/// Looks at all threads, ours included; proc_pid_status(5).
pub(crate) fn thread_masks() -> io::Result<ThreadMasks> {
    let (mut threads, mut missed) = (Vec::new(), false);
    for entry in fs::read_dir("/proc/self/task")? {
        let entry = entry?;
        let tid = entry.file_name().to_str().and_then(|tid| tid.parse().ok());
        let status = fs::read_to_string(entry.path().join("status")).ok();
        match (tid, status.as_deref().and_then(mask_in)) {
            (Some(tid), Some(Some(mask))) => threads.push((tid, mask)),
            // The first thread is there until the last has ended.
            (Some(_), Some(None)) => {}
            _ => missed = true,
        }
    }
    Ok(ThreadMasks { threads, missed })
}

/// What a thread's status says it has blocked; nothing counts of one that has ended.
fn mask_in(status: &str) -> Option<Option<SignalSet>> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if field("State:")?.starts_with(['Z', 'X']) {
        return Some(None);
    }
    let mask = u64::from_str_radix(field("SigBlk:")?, 16).ok()?;
    Some(Some(SignalSet(mask)))
}

/// The name of one of our threads, to be told to people.
pub(crate) fn thread_name(tid: i32) -> String {
    let name = fs::read_to_string(format!("/proc/self/task/{tid}/comm"));
    name.map_or_else(|_| String::from("?"), |name| name.trim_end().to_owned())
}

/// Sends a signal to one thread of this process; rt_tgsigqueueinfo(2).
pub(super) fn send_to_thread(tid: i32, signal: c_int, info: &RawInfo) -> io::Result<()> {
    let pid = process::id() as libc::pid_t;
    // SAFETY: the pointer is to 128 initialised bytes that live through the call, which is what
    // the kernel copies; the other arguments are numbers.
    let done = unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid, signal, ptr::from_ref(info))
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_says_what_it_has_blocked() {
        let signal = libc::SIGRTMAX() - 1;
        std::thread::spawn(move || {
            block_signals(SignalSet::of(signal).with(libc::SIGURG)).unwrap();
            let tid = rustix::thread::gettid().as_raw_nonzero().get();
            let masks = thread_masks().unwrap();
            let (_, mask) = masks.threads.iter().find(|(id, _)| *id == tid).unwrap();
            assert!(mask.contains(signal) && mask.contains(libc::SIGURG), "{mask:?}");
            assert!(!mask.contains(libc::SIGTERM) && !mask.is_for_a_moment(), "{mask:?}");
        })
        .join()
        .unwrap();
    }
}
