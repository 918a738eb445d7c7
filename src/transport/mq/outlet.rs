//! The end that messages go into.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use super::{
    calls::{Asking, Errand, Slot},
    packer::Packer,
    queue::Queue,
};
use crate::{Error, ErrorKind, message::TrySend, sys};

/// The highest priority: `sysconf(_SC_MQ_PRIO_MAX) - 1` on Linux.
pub(super) const HIGHEST: u32 = 32_767;

/// A queue that is sent to: what there is room for now.
///
/// # Examples
///
/// See [`Inlet`](super::Inlet).
#[derive(Debug)]
pub struct Outlet {
    queue: Queue,
    /// What a thread of ours is to send; only where there can be one.
    errand: Option<Arc<Slot<Errand>>>,
    /// Only where messages go in an envelope.
    packer: Option<Packer>,
}

impl Outlet {
    pub(super) fn new(queue: Queue, errand: Option<Arc<Slot<Errand>>>) -> Self {
        Self { queue, errand, packer: None }
    }

    pub(super) fn pack(&mut self, packer: Packer) {
        self.packer = Some(packer);
    }

    /// Whether messages go in an envelope.
    pub(super) fn has_envelope(&self) -> bool {
        self.packer.is_some()
    }

    /// How many messages the queue holds.
    ///
    /// # Examples
    ///
    /// As [`Inlet::capacity`](super::Inlet::capacity).
    pub fn capacity(&self) -> usize {
        self.queue.sizes.capacity
    }

    /// How many messages are in the queue now.
    ///
    /// # Examples
    ///
    /// As [`Inlet::waiting`](super::Inlet::waiting).
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn waiting(&self) -> io::Result<usize> {
        self.queue.len()
    }

    /// Whether a thread waits for room.
    pub(super) fn has_thread(&self) -> bool {
        self.errand.is_some()
    }

    /// A message is asked for until this is dropped.
    pub(super) fn asking(&self) -> Asking {
        Asking(self.errand.clone())
    }

    /// Sends a message with this priority, until then where a thread waits for room.
    #[inline]
    pub(super) fn give(
        &mut self,
        body: &Bytes,
        priority: u32,
        until: Option<Instant>,
    ) -> io::Result<()> {
        if priority > HIGHEST {
            return Err(too_high(priority));
        }
        let Self { queue, errand, packer } = self;
        let errand = errand.as_deref();
        match packer {
            None => send(queue, errand, body, priority, until),
            Some(packer) => {
                packer.accept(body, priority, |row, rank| send(queue, errand, row, rank, until))
            }
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        let (Some(slot), Some(packer)) = (&self.errand, &mut self.packer) else { return };
        if let Some(errand) = &mut *slot.lock() {
            if errand.begun || matches!(errand.outcome, Some(Ok(()))) {
                errand.files = packer.hand_over();
            }
        }
    }
}

/// Sends a whole queue message.
#[inline]
fn send(
    queue: &Queue,
    errand: Option<&Slot<Errand>>,
    body: &Bytes,
    priority: u32,
    until: Option<Instant>,
) -> io::Result<()> {
    match errand {
        None => sys::queue_send(queue.as_fd(), body, priority),
        Some(errand) => give_beside(queue, errand, body, priority, until),
    }
}

/// The same where a thread may be about to send this message, or one that somebody has given up.
fn give_beside(
    queue: &Queue,
    slot: &Slot<Errand>,
    body: &Bytes,
    priority: u32,
    until: Option<Instant>,
) -> io::Result<()> {
    let mut slot = slot.lock();
    if let Some(mut errand) = slot.take() {
        let is_ours = errand.is_of(body, priority);
        match errand.outcome.take() {
            Some(outcome) if is_ours => return outcome,
            None if errand.begun => {
                // The thread tells what becomes of it; whoever's it is, it comes first.
                *slot = Some(errand);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            _ => {}
        }
    }
    let sent = sys::queue_send(queue.as_fd(), body, priority);
    if matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
        if until.is_some_and(|until| until <= Instant::now()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        *slot = Some(Errand::new((body.clone(), priority), until));
    }
    sent
}

#[cold]
pub(super) fn too_high(priority: u32) -> io::Error {
    let cause = format!("priority {priority}, the highest is {HIGHEST}");
    Error::new(ErrorKind::Unsupported, cause).remedy("sysconf(_SC_MQ_PRIO_MAX) says so").into()
}

impl TrySend for Outlet {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        self.give(message, 0, None)
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        let Self { queue, errand, packer: Some(packer) } = self else { return Ok(()) };
        packer.flush(|row, priority| send(queue, errand.as_deref(), row, priority, None))
    }

    #[inline]
    fn max_len(&self) -> usize {
        self.packer.as_ref().map_or(self.queue.sizes.max_len, Packer::max_len)
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
