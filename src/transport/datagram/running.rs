//! The task that a hub runs as, for as long as somebody has a part of it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::task::AbortHandle;

use super::hub::Hub;

/// Keeps a hub running. When this goes the hub goes, and with it its part of the socket: at once,
/// and not when the runtime comes to drop the task, so that the name is free again.
#[derive(Debug)]
pub(super) struct Running {
    hub: Shared,
    task: AbortHandle,
}

impl Running {
    /// Starts the hub on the runtime that is here.
    pub(super) fn start(hub: Hub) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let hub = Shared(Arc::new(Mutex::new(Some(hub))));
        let task = runtime.spawn(Task(hub.clone())).abort_handle();
        Ok(Self { hub, task })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hub.end();
        self.task.abort();
    }
}

/// What the runtime has of it.
struct Task(Shared);

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self.0.hub() {
            Some(hub) => Pin::new(hub).poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Task {
    /// The runtime is gone: whoever waits for the hub elsewhere is told.
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The hub, until one of the two ends it. Nobody waits for the lock longer than one poll takes.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<Option<Hub>>>);

impl Shared {
    fn hub(&self) -> MutexGuard<'_, Option<Hub>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let hub = self.hub().take();
        // Whom it wakes may look at the lock.
        drop(hub);
    }
}
