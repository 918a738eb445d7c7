//! What wakes the peer.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use crate::sys::{self, Ringer};

/// Wakes the peer, from any thread.
#[derive(Debug)]
pub(super) enum Bell {
    /// An eventfd of its own.
    Event(Ringer),
    /// A packet, to one that is not trusted with an eventfd, which it could make us block in.
    Packet(Arc<OwnedFd>),
}

impl Bell {
    pub(super) fn ring(&self) {
        match self {
            Self::Event(ringer) => {
                if let Err(error) = ringer.ring() {
                    tracing::debug!(%error, "a peer could not be woken");
                }
            }
            // No room: it has many wakes to find. Any other error: it is gone, which we find out.
            Self::Packet(socket) => drop(sys::send(socket.as_fd(), &[0])),
        }
    }
}
