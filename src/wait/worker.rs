//! The thread of a blocking wait, and what it shares with its handle.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    Call, Turn,
    bell::Ringer,
    thread::{self, Place},
};

/// What a handle and its thread share.
///
/// Everything changes under the one lock. `wanted` is an atomic besides so that a call can ask for
/// it without the lock, which an interrupter is run under.
pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    /// What the thread sleeps on between two calls: the handle changed something.
    changed: Condvar,
    /// Somebody waits and was not answered yet. Only the handle changes it.
    wanted: Arc<AtomicBool>,
    interrupter: Option<Box<dyn Fn() + Send + Sync>>,
}

struct State<T> {
    /// One that nobody has taken yet. There is no call while there is one.
    result: Option<io::Result<T>>,
    /// The thread is in `Call::call`.
    calling: bool,
    /// The handle is gone.
    closed: bool,
    /// The thread is done: no result will come any more.
    ended: bool,
}

/// Starts the thread.
pub(super) fn start<C: Call>(
    name: &str,
    call: C,
    ringer: Ringer,
) -> io::Result<Arc<Shared<C::Output>>> {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { result: None, calling: false, closed: false, ended: false }),
        changed: Condvar::new(),
        wanted: Arc::default(),
        interrupter: call.interrupter(),
    });
    let ours = Arc::clone(&shared);
    thread::start(name, move |place| ours.run(call, &ringer, place))?;
    Ok(shared)
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code but ours and the interrupter runs under the lock, and neither leaves anything
        // half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Relaxed: for those who hold the lock or are the handle, and so see the latest.
    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Somebody waits from now on.
    pub(super) fn want(&self) {
        if self.is_wanted() {
            return;
        }
        let _state = self.lock();
        // Release: as all stores to it, for the Acquire in `Turn::is_wanted`.
        self.wanted.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Takes the result, or answers `WouldBlock`. The outer error is not the call's.
    pub(super) fn take(&self) -> io::Result<io::Result<T>> {
        let mut state = self.lock();
        let result = match state.result.take() {
            Some(result) => result,
            None if state.ended => Err(io::Error::other("the call panicked and is over")),
            None => return Err(io::ErrorKind::WouldBlock.into()),
        };
        // Release: as in `want`.
        self.wanted.store(false, Ordering::Release);
        Ok(result)
    }

    /// Nobody waits any more: ends the call that is going on.
    pub(super) fn withdraw(&self) {
        if self.is_wanted() {
            self.stop(self.lock());
        }
    }

    /// The handle is going: ends the call that is going on, and then the thread.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.stop(state);
    }

    fn stop(&self, state: MutexGuard<'_, State<T>>) {
        // Release: partner of the Acquire in `Turn::is_wanted`. It comes before the interrupter:
        // a call too young to be met by that sees this.
        self.wanted.store(false, Ordering::Release);
        // A thread that sleeps may have a result to give back, or to end.
        self.changed.notify_one();
        if let (true, Some(interrupt)) = (state.calling, &self.interrupter) {
            // Under the lock, which the thread takes when its call returns: so it is still there
            // to be signalled.
            interrupt();
        }
        drop(state);
    }

    /// Whether the thread is done, or `WouldBlock`.
    pub(super) fn ended(&self) -> io::Result<()> {
        if self.lock().ended { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    /// The whole of the thread.
    fn run<C: Call<Output = T>>(&self, mut call: C, ringer: &Ringer, place: Place) {
        // Nothing of the call is used after a panic, but for its `Drop`.
        if catch_unwind(AssertUnwindSafe(|| self.serve(&mut call, ringer))).is_err() {
            let mut state = self.lock();
            state.calling = false;
            // It cannot hold anything else: a call is made, and a result given back, only while
            // there is none.
            state.result = Some(Err(io::Error::other("the blocking call panicked")));
            drop(state);
            ringer.ring();
        }
        // What it holds is closed before anyone hears that the thread is done. The panic of a
        // `Drop` was printed by the hook; there is nobody else to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(call)));
        drop(place);
        self.lock().ended = true;
        ringer.ring();
    }

    /// Makes a call whenever one is wanted, until the handle is gone.
    fn serve<C: Call<Output = T>>(&self, call: &mut C, ringer: &Ringer) {
        let turn = Turn::new(self.interrupter.is_some(), Arc::clone(&self.wanted));
        let mut state = self.lock();
        loop {
            let unwanted = state.closed || !(C::KEEPS || self.is_wanted());
            if unwanted && matches!(state.result, Some(Ok(_))) {
                let result = state.result.take();
                drop(state);
                if let Some(Ok(output)) = result {
                    call.give_back(output);
                }
                state = self.lock();
            } else if state.closed {
                return;
            } else if self.is_wanted() && state.result.is_none() {
                state.calling = true;
                drop(state);
                let result = match call.call(&turn) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
                    other => other.transpose(),
                };
                state = self.lock();
                state.calling = false;
                if result.is_some() {
                    state.result = result;
                    // First the change, then the ring; and always the ring, since who begins to
                    // wait in between waits for it.
                    drop(state);
                    ringer.ring();
                    state = self.lock();
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
