//! What a thread of an end's own does for it.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

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
    pub(super) outcome: Option<io::Result<()>>,
}

impl Errand {
    /// Whether it is about this message: the very bytes, which are there for as long as we are.
    pub(super) fn is_of(&self, body: &Bytes, priority: u32) -> bool {
        let (ours, rank) = &self.parcel;
        (ours.as_ptr(), ours.len(), *rank) == (body.as_ptr(), body.len(), priority)
    }
}

/// Sends one message to a queue that it may block on.
#[derive(Clone, Debug)]
pub(super) struct Giving {
    pub(super) queue: Arc<OwnedFd>,
    pub(super) errand: Arc<Slot<Errand>>,
}

impl Giving {
    /// The message, if it is still to be sent.
    fn errand(&self) -> Option<(Parcel, Option<Instant>)> {
        match &*self.errand.lock() {
            Some(Errand { parcel, until, outcome: None }) => Some((parcel.clone(), *until)),
            _ => None,
        }
    }
}

impl Call for Giving {
    type Output = ();

    fn call(&mut self, turn: &Turn) -> io::Result<Option<()>> {
        // Where there is nothing to do, whoever waits is to look again.
        let Some(((body, priority), until)) = self.errand() else { return Ok(Some(())) };
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let slice = left.map_or(turn.slice(), |left| left.min(turn.slice()));
        let outcome = sys::queue_send_within(self.queue.as_fd(), &body, priority, slice);
        let is_late = until.is_some_and(|until| until <= Instant::now());
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !is_late => Ok(None),
            outcome => {
                // Told by the next try, which knows whether it is about the same message.
                if let Some(errand) = &mut *self.errand.lock() {
                    errand.outcome = Some(outcome);
                }
                Ok(Some(()))
            }
        }
    }
}
