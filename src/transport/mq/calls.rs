//! What a thread of an end's own does for it.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{envelope::Token, spill::Spill};
use crate::{
    sys,
    transport::inbox::Inbox,
    wait::{Call, Turn},
};

/// How long a message that nobody took is tried to be given back, where the queue is full.
const GIVE_BACK: Duration = Duration::from_secs(1);

/// A body and its priority.
pub(super) type Parcel = (Bytes, u32);

/// Where the thread leaves something for its end, or the end for its thread.
#[derive(Debug)]
pub(super) struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(None)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<T>> {
        // Nothing is left half done under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one message from a queue that it may block on.
#[derive(Clone, Debug)]
pub(super) struct Taking {
    pub(super) queue: Arc<OwnedFd>,
    pub(super) inbox: Inbox,
    pub(super) taken: Arc<Slot<Parcel>>,
}

impl Call for Taking {
    type Output = ();

    fn call(&mut self, turn: &Turn) -> io::Result<Option<()>> {
        let Self { queue, inbox, taken } = self;
        let slice = turn.slice();
        let received =
            inbox.receive_by(|into| sys::queue_receive_within(queue.as_fd(), into, slice));
        match received {
            Ok(priority) => {
                *taken.lock() = Some((inbox.take(), priority));
                Ok(Some(()))
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn give_back(&mut self, (): ()) {
        let Some((body, priority)) = self.taken.lock().take() else { return };
        let given = sys::queue_send_within(self.queue.as_fd(), &body, priority, GIVE_BACK);
        if let Err(error) = given {
            tracing::warn!(%error, "a message that nobody took could not be given back");
        }
    }
}

/// A message that the thread is to send, and what has become of that.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) parcel: Parcel,
    /// When it is too late.
    pub(super) until: Option<Instant>,
    /// The thread may be in the middle of it.
    pub(super) begun: bool,
    /// Whoever wanted it sent does not ask for it any more.
    pub(super) forsaken: bool,
    /// Files that go with it unless it is sent, where its end is gone.
    pub(super) files: Option<(Spill, Vec<Token>)>,
    pub(super) outcome: Option<io::Result<()>>,
}

impl Errand {
    pub(super) fn new(parcel: Parcel, until: Option<Instant>) -> Self {
        Self { parcel, until, begun: false, forsaken: false, files: None, outcome: None }
    }

    /// Whether it is about this message: the very bytes, which are there for as long as we are, and
    /// no second message of the same.
    pub(super) fn is_of(&self, body: &Bytes, priority: u32) -> bool {
        let (ours, rank) = &self.parcel;
        let same = (ours.as_ptr(), ours.len(), *rank) == (body.as_ptr(), body.len(), priority);
        same && !self.forsaken
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let (Some((spill, files)), false) = (&self.files, matches!(self.outcome, Some(Ok(()))))
        else {
            return;
        };
        files.iter().for_each(|token| spill.remove(*token));
    }
}

/// Forsakes the errand that is there when this is dropped: its message is asked for no longer.
#[derive(Debug)]
pub(super) struct Asking(pub(super) Option<Arc<Slot<Errand>>>);

impl Drop for Asking {
    fn drop(&mut self) {
        let Some(slot) = &self.0 else { return };
        if let Some(errand) = &mut *slot.lock() {
            errand.forsaken = true;
        }
    }
}

/// Sends one message to a queue that it may block on.
#[derive(Clone, Debug)]
pub(super) struct Giving {
    pub(super) queue: Arc<OwnedFd>,
    pub(super) errand: Arc<Slot<Errand>>,
}

impl Giving {
    /// The message, if it is still to be sent: from now on by nobody but us.
    fn begin(&self) -> Option<(Parcel, Option<Instant>)> {
        match &mut *self.errand.lock() {
            Some(Errand { parcel, until, begun, forsaken: false, outcome: None, .. }) => {
                *begun = true;
                Some((parcel.clone(), *until))
            }
            _ => None,
        }
    }

    /// Puts down what has become of it; `None` where that is nothing yet.
    fn end(&self, outcome: Option<io::Result<()>>) {
        if let Some(errand) = &mut *self.errand.lock() {
            errand.begun = false;
            errand.outcome = outcome;
        }
    }
}

impl Call for Giving {
    type Output = ();

    fn call(&mut self, turn: &Turn) -> io::Result<Option<()>> {
        // Where there is nothing to do, whoever waits is to look again.
        let Some(((body, priority), until)) = self.begin() else { return Ok(Some(())) };
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let slice = left.map_or(turn.slice(), |left| left.min(turn.slice()));
        let outcome = sys::queue_send_within(self.queue.as_fd(), &body, priority, slice);
        let is_late = until.is_some_and(|until| until <= Instant::now());
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !is_late => {
                self.end(None);
                Ok(None)
            }
            outcome => {
                // Told by the next try, which knows whether it is about the same message.
                self.end(Some(outcome));
                Ok(Some(()))
            }
        }
    }
}
