//! What a listener is handed over with.

use std::{
    fmt,
    ops::Deref,
    os::fd::AsFd,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Error, ErrorKind, Result, names::Placed};

/// A listening socket and its name, as its listener has them.
pub(crate) struct Held<S: ?Sized = dyn AsFd + Send + Sync> {
    /// Removed first, so that nobody connects to what nobody accepts from any more.
    placed: Option<Placed>,
    /// It is being handed over, or was.
    going: AtomicBool,
    socket: S,
}

impl<S> Held<S> {
    pub(crate) fn new(socket: S, placed: Option<Placed>) -> Arc<Self> {
        Arc::new(Self { placed, going: AtomicBool::new(false), socket })
    }
}

impl<S: ?Sized> Held<S> {
    pub(super) fn placed(&self) -> Option<&Placed> {
        self.placed.as_ref()
    }

    pub(super) fn stay(&self) {
        // Relaxed: as in `Handle::begin`.
        self.going.store(false, Ordering::Relaxed);
    }
}

impl<S: ?Sized> Deref for Held<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.socket
    }
}

impl<S: ?Sized> fmt::Debug for Held<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("placed", &self.placed).finish_non_exhaustive()
    }
}

/// A listener as [`Handover`](super::Handover) takes it: had before the listener moves into a
/// server, and of no effect on when it is closed.
///
/// # Examples
///
/// ```
/// use framewire::{handover::Handle, tcp};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let listener = tcp::listen("127.0.0.1:0").await?;
/// let handle: Handle = listener.handle();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Handle(Weak<Held>);

impl Handle {
    pub(crate) fn of<S: AsFd + Send + Sync + 'static>(held: Arc<Held<S>>) -> Self {
        let held: Arc<Held> = held;
        Self(Arc::downgrade(&held))
    }

    /// What it stands for, kept from being handed over once more until that has failed.
    pub(super) fn begin(&self) -> Result<Arc<Held>> {
        let Some(held) = self.0.upgrade() else {
            return Err(Error::new(ErrorKind::NotFound, "the listener is closed already")
                .remedy("hand it over before it is dropped"));
        };
        let owner = held.placed().is_none_or(Placed::is_owner);
        // Relaxed: it lets one caller through, and orders nothing.
        if !owner || held.going.swap(true, Ordering::Relaxed) {
            let cause = "the listener is not this process's to give: it was handed over, or is \
                being handed over, already";
            return Err(Error::new(ErrorKind::InUse, cause));
        }
        Ok(held)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.0.upgrade()).finish()
    }
}
