//! A queue as one end has it open.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use super::{Unlink, name::Name};
use crate::sys::{self, Identity, QueueAccess, QueueSizes};

/// An open queue, whose name goes with it where that was asked for.
#[derive(Debug)]
pub(super) struct Queue {
    /// Never blocks.
    pub(super) fd: Arc<OwnedFd>,
    pub(super) name: Name,
    pub(super) sizes: QueueSizes,
    pub(super) access: QueueAccess,
    pub(super) identity: Identity,
    pub(super) unlink: Unlink,
}

impl Queue {
    /// How many messages are in it now.
    pub(super) fn len(&self) -> io::Result<usize> {
        Ok(sys::queue_sizes(self.as_fd())?.1)
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.unlink == Unlink::Never {
            return;
        }
        if let Err(error) = self.name.remove_if(self.identity, self.access) {
            let endpoint = self.name.endpoint();
            tracing::warn!(%error, %endpoint, "the name of a queue is left behind");
        }
    }
}
