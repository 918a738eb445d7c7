//! The handler of a signal that one thread takes for all others.
//!
//! That thread, here the *taker*, has the signal blocked and asks for it; so in order no handler is
//! ever run by the kernel. This one is there for the others: it blocks the signal in a thread that
//! is asked to, and hands on what comes to one that does not have it blocked.
//!
//! All that runs in the handler is async-signal-safe (signal-safety(7)): it reads atomics, makes
//! system calls, and neither allocates nor locks.

#![allow(unsafe_code)]

use std::{
    ffi::{c_int, c_void},
    io, mem,
    os::fd::{BorrowedFd, OwnedFd},
    process, ptr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU64, Ordering},
    },
};

use super::{
    signal_info::{RawInfo, SignalValue},
    signal_mask::send_to_thread,
};

const SIGNALS: usize = 65;

/// The action that was there before ours; null for a signal that we do not catch. What it points to
/// is never freed: a handler may be reading it.
static BELOW: [AtomicPtr<libc::sigaction>; SIGNALS] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS];
/// What came to other threads and could not be handed on.
static LOST: [AtomicU64; SIGNALS] = [const { AtomicU64::new(0) }; SIGNALS];
/// The process and the thread that takes the signals, and the pipe that others hand them on by.
static OWNER: AtomicI32 = AtomicI32::new(0);
static TAKER: AtomicI32 = AtomicI32::new(0);
static PIPE: OnceLock<(OwnedFd, OwnedFd)> = OnceLock::new();
/// Its address is what a thread is asked with. An atomic, so that no other static shares it.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// Who is being asked to block a standard signal, by their thread's number: the kernel delivers such
/// a signal even where it has no room to note who sent it, and what it was asked with.
static BEING_ASKED: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];

/// Whether a thread can be told here to have a signal blocked from now on.
pub(crate) const CAN_BLOCK_IN_OTHERS: bool = cfg!(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64",
    target_arch = "s390x",
    target_arch = "loongarch64",
));

/// Makes the pipe that strays are handed on by, once, and gives its reading end.
pub(crate) fn strays() -> io::Result<BorrowedFd<'static>> {
    use std::os::fd::AsFd;

    if PIPE.get().is_none() {
        let (read, write) = super::pipe()?;
        super::set_nonblocking(read.as_fd())?;
        super::set_nonblocking(write.as_fd())?;
        // Who came first has made another.
        let _ = PIPE.set((read, write));
    }
    match PIPE.get() {
        Some((read, _)) => Ok(read.as_fd()),
        None => Err(io::Error::other("no pipe")),
    }
}

/// The thread that calls takes the signals from now on.
pub(crate) fn become_taker() {
    let tid = rustix::thread::gettid().as_raw_nonzero().get();
    // Release, both: partners of the Acquires in `handle`, though nothing was written before that
    // it reads: a handler is installed later, by who has seen this thread.
    TAKER.store(tid, Ordering::Release);
    OWNER.store(process::id() as i32, Ordering::Release);
}

/// Whether this thread of ours is the one that takes signals, with all blocked for good.
pub(crate) fn is_taker(tid: i32) -> bool {
    // Acquire: partner of the Release in `become_taker`.
    TAKER.load(Ordering::Acquire) == tid
}

/// Whether this process was forked off one that takes signals: it has no taker.
pub(crate) fn is_forked_off() -> bool {
    // Acquire: partner of the Release in `become_taker`.
    let owner = OWNER.load(Ordering::Acquire);
    owner != 0 && owner != process::id() as i32
}

/// One that was handed on, or `None` where none waits.
pub(crate) fn take_stray() -> io::Result<Option<RawInfo>> {
    let mut bytes = [0; size_of::<RawInfo>()];
    match rustix::io::read(strays()?, &mut bytes) {
        // Each was written as a whole, into a pipe that holds whole ones only.
        Ok(read) => Ok((read == bytes.len()).then(|| RawInfo::from_bytes(&bytes))),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// How many could not be handed on since it was asked last.
pub(crate) fn lost_strays(signal: c_int) -> u64 {
    // Relaxed: a count that orders nothing else.
    LOST.get(signal as usize).map_or(0, |lost| lost.swap(0, Ordering::Relaxed))
}

/// Installs the handler, once; sigaction(2). It stays: what was there before is called by it, and
/// who comes later calls it.
pub(crate) fn catch_signal(signal: c_int) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    let below = BELOW.get(signal as usize).ok_or(io::ErrorKind::InvalidInput)?;
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let before = action_of(signal)?;
    // Relaxed: it changes under the lock alone.
    let installed = !below.load(Ordering::Relaxed).is_null();
    if installed && !is_none(&before) {
        // Ours, or that of who came later and calls ours. Where somebody has set the default since,
        // neither is called any more.
        return Ok(());
    }
    // Release, as below: partner of the Acquire in `call_below`.
    below.store(Box::into_raw(Box::new(before)), Ordering::Release);
    let mut ours = before;
    ours.sa_sigaction = handle as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: the pointer is to a field of a local, which the call initialises.
    unsafe { libc::sigemptyset(&raw mut ours.sa_mask) };
    let mut replaced = before;
    // SAFETY: both pointers are to locals that live through the call, and `handle` is what the
    // flags say: a function of three arguments, which does only what is safe in a handler.
    if unsafe { libc::sigaction(signal, &ours, &mut replaced) } != 0 {
        // It refuses a number that is no signal's, before anything of it is caught.
        return Err(io::Error::last_os_error());
    }
    if replaced.sa_sigaction != before.sa_sigaction {
        // Somebody has installed theirs since we looked.
        below.store(Box::into_raw(Box::new(replaced)), Ordering::Release);
    }
    Ok(())
}

/// Asks one of our threads to have a signal that we catch blocked from now on. `WouldBlock` where
/// that cannot be done now.
pub(crate) fn ask_to_block(tid: i32, signal: c_int) -> io::Result<()> {
    let (place, key) = being_asked(tid, signal);
    // Relaxed, as all of these: the kernel orders them, by the signal that is sent between.
    let taken = place.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed);
    if taken.is_err_and(|other| other != key) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let word = SignalValue::Word(ASKED.as_ptr().addr());
    let sent = send_to_thread(tid, signal, &RawInfo::queued(signal, word));
    if sent.is_err() {
        forget_asking(tid, signal);
    }
    sent
}

/// It was done, or is not waited for any more.
pub(crate) fn forget_asking(tid: i32, signal: c_int) -> bool {
    let (place, key) = being_asked(tid, signal);
    place.compare_exchange(key, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

fn being_asked(tid: i32, signal: c_int) -> (&'static AtomicU64, u64) {
    let place = &BEING_ASKED[tid as usize % BEING_ASKED.len()];
    (place, (signal as u64) << 32 | tid as u64)
}

/// Whether it is the default, or to ignore the signal.
fn is_none(action: &libc::sigaction) -> bool {
    matches!(action.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN)
}

/// Calls who handles a signal that the taker has taken, as the kernel would have.
pub(crate) fn call_handler(mut info: RawInfo) {
    let signal = info.parsed().number;
    if let Ok(action) = action_of(signal) {
        // A context that says nothing: no thread was interrupted.
        let mut context = mem::MaybeUninit::<libc::ucontext_t>::zeroed();
        call(&action, signal, ptr::from_mut(&mut info).cast(), context.as_mut_ptr().cast());
    }
}

fn action_of(signal: c_int) -> io::Result<libc::sigaction> {
    let mut action = mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is installed; the pointer is to a local that is large enough.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroes are a valid action already, and the call has written the true one.
    Ok(unsafe { action.assume_init() })
}

/// Calls an action as its flags say, unless it is none.
fn call(action: &libc::sigaction, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if is_none(action) {
        return;
    }
    let handler = ptr::with_exposed_provenance::<()>(action.sa_sigaction);
    if action.sa_flags & libc::SA_SIGINFO == 0 {
        // SAFETY: sigaction(2) has had it for a function of this type: its flags say so.
        let handler = unsafe { mem::transmute::<*const (), extern "C" fn(c_int)>(handler) };
        handler(signal);
    } else {
        type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
        // SAFETY: as above, of this type.
        let handler = unsafe { mem::transmute::<*const (), Handler>(handler) };
        handler(signal, info, context);
    }
}

fn call_below(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(below) = BELOW.get(signal as usize) else { return };
    // Acquire: partner of the Releases in `catch_signal`.
    let below = below.load(Ordering::Acquire);
    // SAFETY: it is null, or came from a `Box` that is never freed or changed.
    if let Some(below) = unsafe { below.as_ref() } {
        call(below, signal, info, context);
    }
}

/// The handler.
extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the C library's errno of this thread is there for as long as the thread.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above; this thread alone uses it.
    let saved = unsafe { errno.read() };
    // SAFETY: whoever calls a handler of this kind hands it a siginfo_t, or nothing.
    let raw = unsafe { info.cast::<RawInfo>().as_ref() };
    let pid = rustix::process::getpid().as_raw_nonzero().get();
    let tid = rustix::thread::gettid().as_raw_nonzero().get();
    // Acquire: partners of the Releases in `become_taker`.
    if OWNER.load(Ordering::Acquire) != pid {
        // A child that was forked off: it has no taker.
        call_below(signal, info, context);
    } else if tid == TAKER.load(Ordering::Acquire) {
        // In `call_handler`: it was taken already.
        call_below(signal, info, context);
    } else if raw.is_some_and(|raw| is_asked(raw, pid, tid)) {
        block_from_now_on(signal, context);
    } else {
        if !raw.is_some_and(hand_on) {
            count_lost(signal);
            // Without room for it the taker is yet to look; if it just has, it is to look again.
            hand_on(&RawInfo::EMPTY);
        }
        block_from_now_on(signal, context);
        call_below(signal, info, context);
    }
    // SAFETY: as above.
    unsafe { errno.write(saved) };
}

/// Whether this is what `ask_to_block` sends, or all that the kernel has noted of it: nothing.
///
/// A signal of somebody else's that it has not noted either comes behind: the kernel delivers first
/// what was sent to the thread.
fn is_asked(raw: &RawInfo, pid: i32, tid: i32) -> bool {
    let info = raw.parsed();
    if info.code == libc::SI_USER && (info.pid, info.uid) == (0, 0) {
        return forget_asking(tid, info.number);
    }
    let asked = info.code == libc::SI_QUEUE
        && info.pid == pid as u32
        && raw.word() == ASKED.as_ptr().addr();
    if asked {
        forget_asking(tid, info.number);
    }
    asked
}

/// Writes it into the taker's pipe. It fits as a whole or not at all: PIPE_BUF is more.
fn hand_on(raw: &RawInfo) -> bool {
    // To look into a `OnceLock` is one load: nobody waits.
    let Some((_, write)) = PIPE.get() else { return false };
    rustix::io::write(write, &raw.bytes()).is_ok()
}

fn count_lost(signal: c_int) {
    if let Some(lost) = LOST.get(signal as usize) {
        // Relaxed: as in `lost_strays`.
        lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// Has the thread go on with the signal blocked: what a handler returns to is in its context.
///
/// The kernel's mask is the first eight bytes of the C library's larger set, and a number up to 64
/// is added to those alone.
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64",
    target_arch = "s390x",
    target_arch = "loongarch64",
))]
fn block_from_now_on(signal: c_int, context: *mut c_void) {
    if context.is_null() {
        return;
    }
    // SAFETY: to a handler of this kind the kernel hands its ucontext_t, on this thread's stack,
    // where nobody else writes to it. Only the field is pointed to, not the whole, of which the
    // kernel writes less than the C library declares.
    let mask = unsafe { &raw mut (*context.cast::<libc::ucontext_t>()).uc_sigmask };
    // SAFETY: as above. Only bits of its first word are read and written.
    unsafe { libc::sigaddset(mask, signal) };
}

/// Nobody is asked to here: see [`CAN_BLOCK_IN_OTHERS`].
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "aarch64",
    target_arch = "arm",
    target_arch = "riscv64",
    target_arch = "s390x",
    target_arch = "loongarch64",
)))]
fn block_from_now_on(_: c_int, _: *mut c_void) {}
