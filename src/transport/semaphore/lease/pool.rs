//! What the clones of a handle share: the open file, which of its locks they have, and who waits.

use std::{
    io,
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{line::Line, place::Place, watch::Watch};
use crate::{
    Endpoint, Error, Result, sys,
    wait::{Strategy, wake},
};

/// A file that is open once. Its locks are ours, and do not conflict with each other: which of them
/// are taken is kept here.
#[derive(Debug)]
pub(super) struct Pool {
    place: Place,
    endpoint: Arc<Endpoint>,
    state: Mutex<State>,
    /// Locked by who is the first in the line, and before the state where both are.
    watch: Mutex<Watch>,
}

#[derive(Debug)]
pub(super) struct State {
    /// The locks that we have.
    held: Held,
    pub(super) line: Line,
    /// Whoever is first has to look: something was given up in this process, or the one before it
    /// was told of what is not told again.
    pub(super) look: bool,
}

impl Pool {
    pub(super) fn new(place: Place, endpoint: Arc<Endpoint>, strategy: Strategy) -> Self {
        let held = Held(vec![false; place.count.into()]);
        let state = State { held, line: Line::default(), look: false };
        Self { place, endpoint, state: Mutex::new(state), watch: Mutex::new(Watch::new(strategy)) }
    }

    /// No code of anybody else's runs while this is locked, but what clones a waker.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // What is kept is whole between any two steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For who is the first in the line, or has left it empty. What else runs while this is locked
    /// may give up permits and waits of ours: none of those is the first.
    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    #[cold]
    pub(super) fn failed(&self, doing: &'static str, error: Error) -> Error {
        error.doing(doing).on(Arc::clone(&self.endpoint))
    }

    /// How many nobody has.
    pub(super) fn free(&self) -> Result<usize> {
        let state = self.lock();
        let mut free = 0;
        state.held.find_other(|index| {
            free += usize::from(!sys::is_byte_locked(self.place.file.as_fd(), index)?);
            Ok(false)
        })?;
        Ok(free)
    }

    /// Gives a lock up, and tells those who wait for one, here and elsewhere.
    pub(super) fn release(&self, index: u16) {
        let first = {
            let mut state = self.lock();
            self.unlock(&mut state.held, index);
            state.look = true;
            state.line.first()
        };
        // Not before it is free: those who are told look at once.
        self.stir();
        first.into_iter().for_each(wake);
    }

    /// Tells those who wait in other processes.
    fn stir(&self) {
        if let Err(error) = sys::stir(self.place.file.as_fd()) {
            tracing::error!(%error, "those who wait in other processes could not be told");
        }
    }

    fn unlock(&self, held: &mut Held, index: u16) {
        // Who has just begun to start a child has lent it our descriptor for a moment, and clones
        // of the handle live on: closing it gives nothing up.
        if let Err(error) = sys::unlock_byte(self.place.file.as_fd(), index) {
            tracing::error!(%error, "a lock that is ours could not be given up");
        }
        held.0[usize::from(index)] = false;
    }

    /// Takes the first lock that nobody has, for the first in the line.
    pub(super) fn look(&self) -> Result<Option<u16>> {
        let mut state = self.lock();
        state.look = false;
        self.take(&mut state.held)
    }

    /// Whether a lock may have come free that no event tells of.
    pub(super) fn is_to_look(&self) -> bool {
        self.lock().look
    }

    /// Takes the first lock that nobody has.
    pub(super) fn take(&self, held: &mut Held) -> Result<Option<u16>> {
        let file = self.place.file.as_fd();
        let taken = held.find_other(|index| sys::try_lock_byte(file, index))?;
        if let Some(index) = taken {
            held.0[usize::from(index)] = true;
        }
        // Whoever comes to the name now has other locks than these.
        if let Err(error) = self.place.expect_current() {
            if let Some(index) = taken {
                self.unlock(held, index);
                // Somebody may have looked just now.
                self.stir();
            }
            return Err(error);
        }
        Ok(taken)
    }
}

impl State {
    /// The parts of it, to be used side by side.
    pub(super) fn parts(&mut self) -> (&mut Held, &mut Line) {
        (&mut self.held, &mut self.line)
    }
}

/// Which locks are ours.
#[derive(Debug)]
pub(super) struct Held(Vec<bool>);

impl Held {
    /// The first that is not and of which this is so.
    fn find_other(
        &self,
        mut is_so: impl FnMut(u16) -> io::Result<bool>,
    ) -> io::Result<Option<u16>> {
        for (index, held) in (0..).zip(&self.0) {
            if !held && is_so(index)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}
