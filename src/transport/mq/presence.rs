//! Who plays which part at a queue of a pair.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use crate::sys::{self, Entry};

/// A part that one at a time can play at a queue: the number of a byte, which is locked.
///
/// The kernel gives a part up when its process ends, however that comes about. The byte itself need
/// not be there, and in a queue it never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Sender = 0,
    Receiver = 1,
    /// Whose queue the name stands for, and who alone may take the name away from it.
    Listener = 2,
}

/// A part that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Part {
    queue: Arc<OwnedFd>,
    role: Role,
    held: bool,
}

impl Part {
    /// Takes a part; `None` where somebody has it. The queue is open both ways.
    pub(super) fn take(queue: OwnedFd, role: Role) -> io::Result<Option<Self>> {
        let taken = sys::try_lock_byte(queue.as_fd(), role as u16)?;
        Ok(taken.then(|| Self { queue: Arc::new(queue), role, held: true }))
    }

    pub(super) fn queue(&self) -> &Arc<OwnedFd> {
        &self.queue
    }

    /// Whether somebody else plays that part.
    pub(super) fn has(&self, role: Role) -> io::Result<bool> {
        has(self.queue.as_fd(), role)
    }

    /// Whether there is still a name for it.
    pub(super) fn is_named(&self) -> io::Result<bool> {
        Ok(Entry::of(&self.queue)?.links > 0)
    }

    /// Has whoever plays another part here look at who there is.
    pub(super) fn knock(&self) -> io::Result<()> {
        sys::knock(self.queue.as_fd())
    }

    /// Gives it up, and says so.
    pub(super) fn leave(&mut self) {
        if std::mem::take(&mut self.held) {
            // There is no reason for either to fail that is known of.
            let left = sys::unlock_byte(self.queue.as_fd(), self.role as u16);
            if let Err(error) = left.and_then(|()| self.knock()) {
                tracing::warn!(%error, "that an end of a queue is left is not told");
            }
        }
    }
}

impl AsFd for Part {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Whether somebody else plays that part at this queue.
pub(super) fn has(queue: BorrowedFd<'_>, role: Role) -> io::Result<bool> {
    sys::is_byte_locked(queue, role as u16)
}
