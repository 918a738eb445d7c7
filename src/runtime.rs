//! What a Tokio runtime may lack: itself, its I/O driver, its timers.
//!
//! Tokio panics where one of them is asked for and is not there, and has no way to ask for the
//! drivers beforehand. Here each is an error that says what to do.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    time::Duration,
};

use futures::FutureExt;
use tokio::{
    runtime::Handle,
    time::{Sleep, Timeout},
};

/// Fails where this is called outside of any runtime.
pub(crate) fn here() -> io::Result<()> {
    Handle::try_current().map(drop).map_err(|_| {
        io::Error::other("no Tokio runtime here: call this from within one, or enter() its handle")
    })
}

/// Does what the runtime's I/O driver is needed for.
pub(crate) fn with_io<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    here()?;
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err(no_io()))
}

/// Waits for what the runtime's I/O driver is needed for.
pub(crate) async fn wait_with_io<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    here()?;
    AssertUnwindSafe(step).catch_unwind().await.unwrap_or_else(|_| Err(no_io()))
}

/// [`tokio::time::sleep`].
pub(crate) fn sleep(length: Duration) -> io::Result<Pin<Box<Sleep>>> {
    with_timers(|| Box::pin(tokio::time::sleep(length)))
}

/// [`tokio::time::timeout`].
pub(crate) fn timeout<F: Future>(within: Duration, step: F) -> io::Result<Timeout<F>> {
    with_timers(|| tokio::time::timeout(within, step))
}

fn with_timers<T>(step: impl FnOnce() -> T) -> io::Result<T> {
    here()?;
    catch_unwind(AssertUnwindSafe(step))
        .map_err(|_| io::Error::other("this Tokio runtime has no timers: enable_time()"))
}

fn no_io() -> io::Error {
    io::Error::other("this Tokio runtime has no I/O driver: enable_io()")
}
