//! Waiting for a descriptor: the one place that registers any with the runtime.

#![allow(unsafe_code)]

use std::{
    future::Future,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    task::coop,
    time::Sleep,
};

use super::{
    Direction, Strategy, Wait,
    pace::{Pace, Step, yield_to_runtime},
};
use crate::runtime;

/// How long to wait before registering is tried again, where a limit stood in its way.
const RETRY: Duration = Duration::from_millis(10);
/// How many calls in a row that did not have to park make a registration useless, for who sheds.
const MET: u16 = 1024;

/// A descriptor that is waited for with a [`Strategy`].
///
/// The calls that are waited for must be non-blocking: `MSG_DONTWAIT`, or `O_NONBLOCK` on the
/// descriptor. Each direction is registered when it first has to park, and stays registered, so
/// that a socket that is only read from is never woken for writing; the second direction costs a
/// duplicate of the descriptor, since a registration's interest is fixed.
///
/// # Examples
///
/// See [`Wait`].
///
/// # Platform
///
/// Unix; epoll(7) or kqueue(2), edge-triggered. Regular files, never "not ready", have no use for it.
#[derive(Debug)]
pub struct Fd {
    fd: Arc<OwnedFd>,
    receive: Side,
    send: Side,
    /// Others register this descriptor as well, or may: we always register a duplicate.
    shared: bool,
}

/// One direction of a descriptor.
#[derive(Debug)]
struct Side {
    interest: Interest,
    pace: Pace,
    registered: Option<AsyncFd<Shared>>,
    /// Runs while registering is to be tried again.
    retry: Option<Pin<Box<Sleep>>>,
    /// Calls since it last had to park, counted by who sheds a registration that is of no use.
    met: Option<u16>,
}

/// The descriptor as one registration holds it: it stays open for as long as that lives.
#[derive(Debug)]
pub(super) struct Shared(pub(super) Arc<OwnedFd>);

impl AsRawFd for Shared {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Fd {
    /// Takes the descriptor over, to be waited for with the default [`Strategy`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let ready = framewire::wait::Fd::new(ours.into())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no Tokio runtime here to wait on.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { shared: false, ..Self::sharing(Arc::new(fd))? })
    }

    /// The same for a descriptor that others wait for too.
    pub(crate) fn sharing(fd: Arc<OwnedFd>) -> io::Result<Self> {
        runtime::here()?;
        let (receive, send) = (Side::new(Interest::READABLE), Side::new(Interest::WRITABLE));
        Ok(Self { fd, receive, send, shared: true })
    }

    /// Waits with this strategy, in both directions.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::{Fd, Strategy};
    ///
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let ready = Fd::new(ours.into())?.strategy(Strategy::Park);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.receive.pace = Pace::new(strategy);
        self.send.pace = Pace::new(strategy);
        self
    }

    /// Is registered no longer once many calls in a row did not have to park: to wake a
    /// registration is work for the peer at each message, whether anybody waits or not.
    #[cfg(target_os = "linux")]
    pub(crate) fn shedding(mut self) -> Self {
        self.receive.met = Some(0);
        self.send.met = Some(0);
        self
    }

    /// Gives the descriptor back, no longer registered.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let ready = framewire::wait::Fd::new(ours.into())?;
    /// let ours: std::os::fd::OwnedFd = ready.into_inner()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None that is known of: the registrations are ours alone and are dropped first.
    pub fn into_inner(self) -> io::Result<OwnedFd> {
        let Self { fd, receive, send, shared: _ } = self;
        drop((receive, send));
        // Where somebody else has a clone, a duplicate does as well.
        Arc::try_unwrap(fd).or_else(|fd| fd.try_clone())
    }

    /// The descriptor, for the calls that are waited for: it stays open while they may be made.
    pub(crate) fn share(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.fd)
    }

    /// Registers for receiving now, and not when it first has to park.
    ///
    /// # Errors
    ///
    /// What registering answers.
    pub(crate) fn register_to_receive(&mut self) -> io::Result<()> {
        self.receive.register(&self.fd, self.shared)
    }

    /// Whether a wait in this direction has the kernel wake it, or would.
    #[cfg(target_os = "linux")]
    pub(super) fn is_parked(&self, direction: Direction) -> bool {
        match direction {
            Direction::Receive => self.receive.pace.is_parked(),
            Direction::Send => self.send.pace.is_parked(),
        }
    }

    /// [`Wait::poll_io`] for a call that is handed the descriptor.
    #[inline]
    pub(crate) fn poll_fd<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_fd_after(cx, direction, false, op)
    }

    /// The same for a task that others wait for: those that it `woke` since it was polled run
    /// before it spins, for what it spins for may be the answer to what they do.
    #[inline]
    pub(crate) fn poll_fd_after<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        woke: bool,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let (side, other) = match direction {
            Direction::Receive => (&mut self.receive, &self.send),
            Direction::Send => (&mut self.send, &self.receive),
        };
        side.poll(cx, &self.fd, self.shared || other.registered.is_some(), woke, op)
    }
}

impl Side {
    fn new(interest: Interest) -> Self {
        Self {
            interest,
            pace: Pace::new(Strategy::default()),
            registered: None,
            retry: None,
            met: None,
        }
    }

    #[inline]
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        fd: &Arc<OwnedFd>,
        taken: bool,
        woke: bool,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        if !self.pace.is_parked() || self.registered.is_none() {
            // A peer that is never slower than we are must not keep other tasks waiting. What is
            // parked is charged by the registration.
            let coop = ready!(coop::poll_proceed(cx));
            let mut fresh = true;
            loop {
                if let Some(result) = attempt(&mut op, fd.as_fd()) {
                    coop.made_progress();
                    self.pace.after_success();
                    self.shed();
                    return Poll::Ready(result);
                }
                match self.pace.after_nothing(fresh) {
                    Step::Try if !woke => fresh = false,
                    Step::Try | Step::Yield => {
                        yield_to_runtime(cx);
                        return Poll::Pending;
                    }
                    Step::Park => break,
                }
            }
        }
        self.poll_parked(cx, fd, taken, op)
    }

    /// One call more that did not have to park.
    #[inline]
    fn shed(&mut self) {
        if let (Some(met), Some(_)) = (&mut self.met, &self.registered) {
            *met += 1;
            if *met == MET {
                // Nobody waits in it: one task a direction, and that one goes on.
                (*met, self.registered) = (0, None);
            }
        }
    }

    /// Asks the kernel first, and tries as often as it says that a try is worth it.
    fn poll_parked<R>(
        &mut self,
        cx: &mut Context<'_>,
        fd: &Arc<OwnedFd>,
        taken: bool,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            if self.registered.is_none() {
                ready!(self.poll_register(cx, fd, taken))?;
            }
            let Self { interest, pace, met, registered: Some(registered), .. } = self else {
                return Poll::Pending;
            };
            let polled = if interest.is_readable() {
                registered.poll_read_ready(cx)
            } else {
                registered.poll_write_ready(cx)
            };
            let Poll::Ready(guard) = polled else {
                pace.park();
                *met = met.map(|_| 0);
                return Poll::Pending;
            };
            let mut guard = guard?;
            match attempt(&mut op, fd.as_fd()) {
                Some(result) => {
                    // It stays ready until a try finds nothing. A short read does not say that: the
                    // kernel ends one early at passed descriptors, at urgent data and at the end of
                    // a pipe's packet, and what is behind those is no event of its own.
                    pace.after_success();
                    return Poll::Ready(result);
                }
                // The guard is from before the try: an event since then survives this.
                None => {
                    let ready = guard.ready();
                    guard.clear_ready();
                    if ready.is_read_closed() || ready.is_write_closed() {
                        // A FIFO's hang-up is over when its next peer comes, and Tokio never
                        // forgets one: only who registers anew is told of what comes next.
                        self.registered = None;
                    }
                }
            }
        }
    }

    /// Registers, again and again where a limit stands in the way.
    fn poll_register(
        &mut self,
        cx: &mut Context<'_>,
        fd: &Arc<OwnedFd>,
        taken: bool,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(retry) = &mut self.retry {
                ready!(retry.as_mut().poll(cx));
                self.retry = None;
            }
            match self.register(fd, taken) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(error) if is_limit(&error) => {
                    let Ok(retry) = runtime::sleep(RETRY) else {
                        return Poll::Ready(Err(error));
                    };
                    tracing::warn!(%error, "no descriptor left to wait with; trying again");
                    self.retry = Some(retry);
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn register(&mut self, fd: &Arc<OwnedFd>, taken: bool) -> io::Result<()> {
        let fd = if taken { Arc::new(fd.try_clone()?) } else { Arc::clone(fd) };
        self.registered = Some(register(fd, self.interest)?);
        Ok(())
    }
}

/// Registers a descriptor with the runtime, once.
pub(super) fn register(fd: Arc<OwnedFd>, interest: Interest) -> io::Result<AsyncFd<Shared>> {
    let shared = Shared(fd);
    runtime::with_io(|| {
        // SAFETY: `shared` owns its descriptor through an `Arc` that it never gives away, and
        // the `AsyncFd` owns `shared`: the number stays ours until it is deregistered.
        let registered = unsafe { AsyncFd::register_with_interest(shared, interest) };
        registered.map_err(|refused| refused.into_parts().1)
    })
}

/// One try: `None` where nothing was there.
#[inline]
fn attempt<R>(
    op: &mut impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    fd: BorrowedFd<'_>,
) -> Option<io::Result<R>> {
    loop {
        match op(fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return Some(other),
        }
    }
}

/// Whether registering may succeed later: epoll_ctl(2) says `ENOSPC` where the user's share of
/// watches is used up.
fn is_limit(error: &io::Error) -> bool {
    crate::sys::is_exhausted(error) || error.kind() == io::ErrorKind::StorageFull
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Wait for Fd {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_fd(cx, direction, |_| op())
    }
}

#[cfg(test)]
mod tests;
