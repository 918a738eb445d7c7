//! Hearing of who comes.

use std::{
    future::Future,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use super::presence::{self, Role};
use crate::{
    runtime, sys,
    wait::{Direction, Fd, Strategy},
};

/// How often it is looked where no knock is heard.
const BLIND: Duration = Duration::from_secs(1);

/// Watches a queue of requests for its first client: one of ours takes its part and knocks, and
/// any other sends a message.
#[derive(Debug)]
pub(super) struct Arrivals {
    queue: Arc<OwnedFd>,
    messages: Fd,
    ear: Ear,
    knocked: bool,
}

#[derive(Debug)]
enum Ear {
    Open(Box<Fd>),
    Deaf(Pin<Box<Sleep>>),
}

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// One of ours, whose end will be told.
    Ours,
    /// Whoever else sends to the queue.
    Stranger,
    /// The name was removed.
    Nobody,
}

impl Arrivals {
    pub(super) fn new(queue: &Arc<OwnedFd>) -> io::Result<Self> {
        let messages = Fd::sharing(Arc::clone(queue))?.strategy(Strategy::Park);
        let ear = match open(queue.as_fd()) {
            Ok(watch) => Ear::Open(Box::new(watch)),
            Err(error) => {
                tracing::warn!(%error, "clients are looked for once a second");
                Ear::Deaf(runtime::sleep(BLIND)?)
            }
        };
        Ok(Self { queue: Arc::clone(queue), messages, ear, knocked: false })
    }

    /// Ready when somebody has come.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Arrival>> {
        loop {
            let looks = self.listen(cx)?;
            if looks && self.is_taken()? {
                return Poll::Ready(Ok(Arrival::Ours));
            }
            if self.messages.poll_fd(cx, Direction::Receive, has_message)?.is_ready() {
                // Who knocks does so before it sends: it is heard by now.
                self.listen(cx)?;
                let ours = self.knocked || self.is_taken()?;
                return Poll::Ready(Ok(if ours { Arrival::Ours } else { Arrival::Stranger }));
            }
            if !self.knocked {
                return Poll::Pending;
            }
            // It has come and gone, perhaps with a word that the runtime does not know of yet.
            if has_message(self.queue.as_fd()).is_ok() {
                return Poll::Ready(Ok(Arrival::Ours));
            }
            if sys::Entry::of(&self.queue)?.links == 0 {
                return Poll::Ready(Ok(Arrival::Nobody));
            }
            // Without one, the pair is as new.
            self.knocked = false;
        }
    }

    fn is_taken(&self) -> io::Result<bool> {
        presence::has(self.queue.as_fd(), Role::Sender)
    }

    /// Takes note of knocks, and is woken by the next one; says whether it is time to look.
    fn listen(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Self { ear, knocked, .. } = self;
        match ear {
            Ear::Open(watch) => {
                let told = |watch: BorrowedFd<'_>| sys::tells_of(watch, &[]);
                while watch.poll_fd(cx, Direction::Receive, told)?.is_ready() {
                    *knocked = true;
                }
                Ok(*knocked)
            }
            Ear::Deaf(pause) => {
                let mut told = false;
                while pause.as_mut().poll(cx).is_ready() {
                    pause.as_mut().reset(Instant::now() + BLIND);
                    told = true;
                }
                Ok(told)
            }
        }
    }
}

fn open(queue: BorrowedFd<'_>) -> io::Result<Fd> {
    let watch = sys::watch()?;
    sys::hear_of(watch.as_fd(), queue, false)?;
    Ok(Fd::new(watch)?.strategy(Strategy::Park))
}

fn has_message(queue: BorrowedFd<'_>) -> io::Result<()> {
    match sys::queue_sizes(queue)? {
        (_, 0) => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}
