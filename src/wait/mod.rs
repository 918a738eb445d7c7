//! When to try again: the layer that every mechanism waits through.
//!
//! Waking a parked process on another CPU costs some 24 µs each way, whatever the primitive, and as
//! much CPU time as a short spin; trying again for a moment before parking turns a round trip of
//! 50 µs into one of a few. So a mechanism is *what* (a call that may answer "not yet") times *when*
//! (a [`Wait`]), and the *when* is written once, here:
//!
//! | | waits on | used by |
//! |---|---|---|
//! | [`Strategy`] | a clock: how long to try again before parking | all |
//! | [`Fd`] | a descriptor that epoll or kqueue can watch | sockets, pipes, listeners |
//! | `Watched` | two descriptors, and whoever else has them open | pairs of message queues |
//! | `Doorbell` | memory that another process changes | shared memory |
//! | `SharedBell` | the same, with the bell in that memory | shared memory that is found by name |
//! | [`Blocking`] | a call that can only block, on a thread of its own | what has no descriptor |
//! | `Helped` | the same, where the call can also be tried | message queues, if asked for |
//! | `WaitQueue` | the same for many tasks, in the order in which they came | semaphores |
//!
//! The layer is public and usable alone: [`Io`] gives any socket or pipe of yours the same wait
//! strategy, under hyper, tonic or your own protocol.

#[cfg_attr(windows, path = "bell_windows.rs")]
mod bell;
mod blocking;
mod call;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod doorbell;
#[cfg(unix)]
mod fd;
#[cfg(target_os = "linux")]
mod helped;
#[cfg_attr(windows, path = "io_windows.rs")]
mod io;
mod pace;
#[cfg(target_os = "linux")]
mod queue;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod shared_bell;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod spinner;
mod strategy;
mod thread;
#[cfg(target_os = "linux")]
mod watched;
mod worker;

pub use blocking::Blocking;
pub use call::{Call, Turn};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use doorbell::Doorbell;
#[cfg(unix)]
pub use fd::Fd;
#[cfg(target_os = "linux")]
pub(crate) use helped::Helped;
pub use io::Io;
#[cfg(target_os = "linux")]
pub(crate) use queue::{Ticket, Tokens, WaitQueue};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use shared_bell::SharedBell;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use shared_bell::{BellWord, Lookout};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use spinner::Stage;
pub use strategy::Strategy;
#[cfg(target_os = "linux")]
pub use watched::Watched;

use std::{
    io::Result,
    task::{Context, Poll},
};
#[cfg(target_os = "linux")]
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::Waker,
};

/// Which way the bytes or messages go.
///
/// # Examples
///
/// ```
/// use framewire::wait::Direction;
///
/// assert_ne!(Direction::Receive, Direction::Send);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards us.
    Receive,
    /// Away from us.
    Send,
}

/// Tries a call until it is done, and arranges to be woken in between.
///
/// # Examples
///
/// A non-blocking call of one's own, waited for as framewire waits for its own:
///
/// ```
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use framewire::wait::{Direction, Fd, Wait};
/// use std::{future::poll_fn, io::{Read, Write}, os::unix::net::UnixStream};
///
/// let (mut ours, mut theirs) = UnixStream::pair()?;
/// ours.set_nonblocking(true)?;
/// let mut ready = Fd::new(ours.try_clone()?.into())?;
/// theirs.write_all(b"!")?;
///
/// let mut byte = [0];
/// poll_fn(|cx| ready.poll_io(cx, Direction::Receive, || ours.read(&mut byte))).await?;
/// assert_eq!(byte, *b"!");
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
pub trait Wait {
    /// Calls `op`, and as long as it answers [`WouldBlock`](std::io::ErrorKind::WouldBlock), has
    /// the task woken to call it again.
    ///
    /// One task a direction: the waker of the latest poll is the one that is woken.
    ///
    /// # Errors
    ///
    /// What `op` answers, and what registering with the runtime answers: there is none here, or it
    /// has no I/O driver.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the caller stops polling: `op` has either been done and its result
    /// returned, or not been done.
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut() -> Result<R>,
    ) -> Poll<Result<R>>;
}

/// Calls a waker, which is others' code: a panic of its own is not ours.
#[cfg(target_os = "linux")]
pub(crate) fn wake(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}
