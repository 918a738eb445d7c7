//! Having a signal blocked in threads that are not ours.
//!
//! A thread's mask is its own: no other can change it. But what a handler returns to has a mask, and
//! a handler can change that. So each thread that does not have the signal blocked is sent that
//! signal, marked as ours, and its handler blocks it (`sys::ask_to_block`). Threads that are started
//! later have the mask of those that start them.
//!
//! One look at the masks is not enough:
//!
//! 1. A thread can have started another since the threads were listed, and be found blocked itself.
//!    So all must be found blocked in two looks in a row: who was started since the first list by one
//!    that was not blocked is on the second, or was itself started by one that is.
//! 2. A thread that ended while we looked may have started one. Such a look does not count.
//! 3. The C library blocks everything for a moment while it starts threads and processes, and
//!    brings the old mask back. It blocks its own signals too then (glibc), which is seen, or all
//!    that a program can block (musl). Such a look does not count, unless that moment lasts: threads
//!    of the kernel's own (io_uring) are like this.
//! 4. A handler runs with its own signal blocked, and not for long; between the two looks is a
//!    pause. If it was longer, the next signal may come to that thread: it is handed on, and
//!    blocked there as well, and only its place in the order may be wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::c_int,
    io,
    time::{Duration, Instant},
};

use crate::{Error, ErrorKind, Result, runtime, sys};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);
/// For all threads together.
const DEADLINE: Duration = Duration::from_secs(1);
/// For how many looks a thread may have everything blocked and be about to bring a mask back.
const MOMENT: u32 = 50;
const REMEDY: &str = "call `signal::block` first thing in `main`, before the runtime starts";

/// Has every thread of this process block the signal, and does not return before they do.
pub(super) async fn block_everywhere(signal: c_int) -> Result<()> {
    let (began, mut looks, mut blocked) = (Instant::now(), Looks::of(signal), false);
    loop {
        let seen = looks.look()?;
        match (&seen, blocked) {
            (Seen::AllBlocked, true) => return Ok(()),
            (Seen::AllBlocked, false) => blocked = true,
            _ => blocked = false,
        }
        if let Seen::Unblocked(threads) = &seen {
            looks.ask(threads)?;
        }
        if began.elapsed() > DEADLINE {
            return Err(too_late(&seen));
        }
        runtime::sleep(PAUSE)?.await;
    }
}

/// Fails unless every thread has the signal blocked: to another the kernel would deliver it, and
/// where nobody handles it, end the process.
pub(super) async fn expect_blocked(signal: c_int) -> Result<()> {
    let (began, mut looks) = (Instant::now(), Looks::of(signal));
    loop {
        let seen = looks.look()?;
        match &seen {
            Seen::AllBlocked => return Ok(()),
            Seen::Unblocked(threads) => {
                let which = threads.first().map_or_else(String::new, |tid| name(*tid));
                let cause = format!("{which} does not have it blocked");
                return Err(Error::new(ErrorKind::Denied, cause).remedy(REMEDY));
            }
            Seen::Unclear if began.elapsed() > DEADLINE => return Err(too_late(&seen)),
            Seen::Unclear => runtime::sleep(PAUSE)?.await,
        }
    }
}

/// What was seen in one look.
enum Seen {
    AllBlocked,
    /// Nothing can be said.
    Unclear,
    /// These do not have it blocked.
    Unblocked(Vec<i32>),
}

/// What is remembered from one look to the next.
struct Looks {
    signal: c_int,
    asked: BTreeSet<i32>,
    /// How often each was found with everything blocked.
    moments: BTreeMap<i32, u32>,
}

impl Looks {
    fn of(signal: c_int) -> Self {
        Self { signal, asked: BTreeSet::new(), moments: BTreeMap::new() }
    }

    fn look(&mut self) -> Result<Seen> {
        let looked = sys::thread_masks().map_err(|cause| {
            let cause = format!("which threads have it blocked is not to be seen: {cause}");
            Error::new(ErrorKind::Unsupported, cause).remedy("mount /proc")
        })?;
        let (mut unclear, mut unblocked) = (looked.missed, Vec::new());
        for (tid, mask) in looked.threads {
            if sys::is_taker(tid) {
                // Not for a moment, though with some C libraries it looks like one.
            } else if mask.is_for_a_moment() {
                let moments = self.moments.entry(tid).or_default();
                *moments = moments.saturating_add(1);
                unclear |= *moments <= MOMENT;
            } else if !mask.contains(self.signal) {
                unblocked.push(tid);
            }
        }
        Ok(match (unblocked.is_empty(), unclear) {
            (false, _) => Seen::Unblocked(unblocked),
            (true, true) => Seen::Unclear,
            (true, false) => Seen::AllBlocked,
        })
    }

    /// Asks those that were not asked before.
    fn ask(&mut self, threads: &[i32]) -> Result<()> {
        for tid in threads {
            if !self.asked.insert(*tid) {
                continue;
            }
            match sys::ask_to_block(*tid, self.signal) {
                // There is no room for one more: it is asked again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.asked.remove(tid);
                }
                Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
                    return Err(Error::from(error).doing("have it blocked in all threads"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        for tid in &self.asked {
            sys::forget_asking(*tid, self.signal);
        }
    }
}

fn name(tid: i32) -> String {
    format!("thread {tid} ({})", sys::thread_name(tid))
}

#[cold]
fn too_late(seen: &Seen) -> Error {
    let which = match seen {
        Seen::Unblocked(threads) => threads.first().map(|tid| name(*tid)),
        _ => None,
    };
    let which = which.unwrap_or_else(|| "a thread of many that come and go".into());
    let cause = format!("{which} does not have it blocked after {} s", DEADLINE.as_secs());
    Error::new(ErrorKind::TimedOut, cause).remedy(REMEDY)
}
