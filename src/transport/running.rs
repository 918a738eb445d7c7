//! A task that runs for as long as somebody has a part of what it does.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::task::AbortHandle;

/// Keeps a hub, whatever that does, running. When this goes the hub goes, and with it its part of
/// the socket: at once, and not when the runtime comes to drop the task, so that the name is free
/// again.
#[derive(Debug)]
pub(super) struct Running<H> {
    hub: Shared<H>,
    task: AbortHandle,
}

impl<H: Future<Output = ()> + Unpin + Send + 'static> Running<H> {
    /// Starts the hub on the runtime that is here.
    pub(super) fn start(hub: H) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let hub = Shared(Arc::new(Mutex::new(Some(hub))));
        let task = runtime.spawn(Task(Shared(Arc::clone(&hub.0)))).abort_handle();
        Ok(Self { hub, task })
    }
}

impl<H> Drop for Running<H> {
    fn drop(&mut self) {
        self.hub.end();
        self.task.abort();
    }
}

/// What the runtime has of it.
struct Task<H>(Shared<H>);

impl<H: Future<Output = ()> + Unpin> Future for Task<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self.0.hub() {
            Some(hub) => Pin::new(hub).poll(cx),
            None => Poll::Ready(()),
        }
    }
}

impl<H> Drop for Task<H> {
    /// The runtime is gone: whoever waits for the hub elsewhere is told.
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The hub, until one of the two ends it. Nobody waits for the lock longer than one poll takes.
#[derive(Debug)]
struct Shared<H>(Arc<Mutex<Option<H>>>);

impl<H> Shared<H> {
    fn hub(&self) -> MutexGuard<'_, Option<H>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let hub = self.hub().take();
        // Whom it wakes may look at the lock.
        drop(hub);
    }
}
