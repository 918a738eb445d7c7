//! The one thread that takes signals for all of the process.
//!
//! Two threads that each take a signal from the kernel's queue cannot say whose was first. So one
//! of ours takes them all, in order: every thread has the signal blocked, and this one asks for
//! it. It gives each to all who have subscribed, and calls the handler that is installed, as the
//! kernel would have: tokio's, and whoever's it calls in turn.
//!
//! It takes no more of a signal while one who has subscribed has no room. What waits then waits in
//! the kernel, whose limit the sender is told of.
//!
//! It is started by the first who subscribes and lives as long as the process: handlers expect to
//! be called for as long, and nobody knows what else has come to rely on that.

use std::{
    ffi::c_int,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::subscription::Subscription;
use crate::{
    Error, ErrorKind, Result,
    sys::{self, RawInfo, Ringer, SignalSet},
};

/// The most that is taken before those who wait are told.
pub(super) const BATCH: usize = 64;
/// After what should not happen.
const PAUSE: Duration = Duration::from_millis(100);
/// The stack of the thread: room for the handlers of others.
const STACK: usize = 256 * 1024;

static TAKER: Mutex<Taker> =
    Mutex::new(Taker { ringer: None, open: SignalSet::EMPTY, subscriptions: Vec::new() });

/// What the thread shares with who subscribes.
#[derive(Debug)]
struct Taker {
    /// Has the thread look again at all of this; there where it runs.
    ringer: Option<Ringer>,
    /// What is taken, if there is room for it.
    open: SignalSet,
    subscriptions: Vec<Arc<Subscription>>,
}

fn taker() -> MutexGuard<'static, Taker> {
    // Nothing that can panic is called under the lock.
    TAKER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Taker {
    fn ring(&self) {
        if let Some(Err(error)) = self.ringer.as_ref().map(Ringer::ring) {
            tracing::error!(%error, "the thread that takes signals cannot be told");
        }
    }
}

/// Has the thread look again who has room.
pub(super) fn ring() {
    taker().ring();
}

/// Has the signal's handler be ours and gives whoever subscribes all of the signal from when it is
/// [opened](OpenedOnDrop), and what goes astray until then.
pub(super) fn subscribe(signal: c_int, capacity: usize) -> Result<Arc<Subscription>> {
    if sys::is_forked_off() {
        let cause = "this process was forked off one that takes signals, and has no thread for it";
        return Err(Error::new(ErrorKind::Unsupported, cause).remedy("exec a program first"));
    }
    let mut taker = taker();
    if taker.ringer.is_none() {
        taker.ringer = Some(start()?);
    }
    sys::catch_signal(signal)?;
    if !taker.subscriptions.iter().any(|other| other.signal() == signal) {
        // What was lost while nobody listened.
        sys::lost_strays(signal);
    }
    let subscription = Arc::new(Subscription::new(signal, capacity));
    taker.subscriptions.push(Arc::clone(&subscription));
    Ok(subscription)
}

/// Whoever has subscribed is gone.
pub(super) fn unsubscribe(subscription: &Arc<Subscription>) {
    if sys::is_forked_off() {
        // The thread may have had any of the locks when this process was forked off, and is not
        // here to give them back.
        return;
    }
    let mut taker = taker();
    taker.subscriptions.retain(|other| !Arc::ptr_eq(other, subscription));
    // It may have been the one without room.
    taker.ring();
    drop(taker);
    // Behind the lock, since it may own another of us: who drops the last of the rest, here or in
    // the thread, then drops nothing of anybody's.
    subscription.leave();
}

/// Has the signal be taken when this is dropped.
#[derive(Debug)]
pub(super) struct OpenedOnDrop(pub(super) c_int);

impl Drop for OpenedOnDrop {
    fn drop(&mut self) {
        let mut taker = taker();
        taker.open = taker.open.with(self.0);
        taker.ring();
    }
}

/// Starts the thread, and waits until it has all signals blocked.
fn start() -> io::Result<Ringer> {
    let (bell, ringer) = sys::event()?;
    let signals = sys::signal_fd(SignalSet::EMPTY)?;
    sys::strays()?;
    let (ready, readied) = mpsc::sync_channel(1);
    let run = move || {
        let blocked = sys::block_signals(SignalSet::ALL);
        sys::become_taker();
        let runs = blocked.is_ok();
        let _ = ready.send(blocked);
        if runs {
            let (open, subscriptions, taken) = (SignalSet::EMPTY, Vec::new(), Vec::new());
            Thread { bell, signals, open, subscriptions, taken }.run();
        }
    };
    let builder = thread::Builder::new().name("framewire-signal".into()).stack_size(STACK);
    builder.spawn(run)?;
    readied.recv().map_err(io::Error::other)??;
    Ok(ringer)
}

/// What the thread has to itself.
struct Thread {
    bell: OwnedFd,
    /// Readable while there is something to take.
    signals: OwnedFd,
    /// What `signals` is about.
    open: SignalSet,
    subscriptions: Vec<Arc<Subscription>>,
    taken: Vec<RawInfo>,
}

impl Thread {
    fn run(mut self) {
        loop {
            if let Err(error) = self.turn() {
                // None of these calls fails while the descriptors are ours.
                tracing::error!(%error, "the thread that takes signals");
                thread::sleep(PAUSE);
            }
        }
    }

    /// Takes what there is and tells those who wait, or sleeps where there was nothing.
    fn turn(&mut self) -> io::Result<()> {
        self.look_who_has_room()?;
        let astray = self.take_strays()?;
        self.taken.clear();
        while self.taken.len() < BATCH && self.open != SignalSet::EMPTY {
            let Some(info) = sys::take_signal(self.open)? else { break };
            self.taken.push(info);
        }
        self.deliver();
        for info in &self.taken {
            sys::call_handler(*info);
        }
        if astray || !self.taken.is_empty() { Ok(()) } else { self.sleep() }
    }

    fn look_who_has_room(&mut self) -> io::Result<()> {
        let mut open = {
            let taker = taker();
            self.subscriptions.clone_from(&taker.subscriptions);
            taker.open
        };
        for subscription in &self.subscriptions {
            if !subscription.has_room() {
                open = open.without(subscription.signal());
            }
        }
        if open != self.open {
            sys::change_signal_fd(self.signals.as_fd(), open)?;
            self.open = open;
        }
        Ok(())
    }

    /// Those that came to other threads. They were handled there, they are few, and there is no
    /// way to have them wait.
    fn take_strays(&mut self) -> io::Result<bool> {
        self.taken.clear();
        while self.taken.len() < BATCH {
            let Some(stray) = sys::take_stray()? else { break };
            self.taken.push(stray);
        }
        self.deliver();
        self.count_lost();
        Ok(!self.taken.is_empty())
    }

    fn deliver(&self) {
        if self.taken.is_empty() {
            return;
        }
        for subscription in &self.subscriptions {
            subscription.put(&self.taken, 0);
        }
    }

    fn count_lost(&self) {
        let mut asked = SignalSet::EMPTY;
        for signal in self.subscriptions.iter().map(|subscription| subscription.signal()) {
            if asked.contains(signal) {
                continue;
            }
            asked = asked.with(signal);
            let lost = sys::lost_strays(signal);
            let theirs = self.subscriptions.iter().filter(|other| other.signal() == signal);
            theirs.filter(|_| lost > 0).for_each(|other| other.put(&[], lost));
        }
    }

    fn sleep(&self) -> io::Result<()> {
        let mut watched = [
            PollFd::new(&self.bell, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::from_borrowed_fd(sys::strays()?, PollFlags::IN),
        ];
        match poll(&mut watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if watched[0].revents().contains(PollFlags::IN) {
            // What it was rung for is looked at after this.
            match rustix::io::read(&self.bell, &mut [0; 8]) {
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}
