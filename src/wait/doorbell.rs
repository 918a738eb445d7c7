//! Waiting for memory that another process changes, with a bell that it rings.

use std::{
    io,
    os::fd::OwnedFd,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{Interest, unix::AsyncFd};

use super::{
    Direction, Strategy, Wait,
    fd::{self, Shared},
    spinner::{Sleep, Spinner, Stage},
};
use crate::runtime;

/// Waits for what another process does to memory, with a [`Strategy`]: what is tried finds that out
/// by itself, and who is about to sleep has asked to be woken.
///
/// It is what a connection over [`shm`](crate::shm) waits with, and is made by that.
///
/// # Examples
///
/// See [`shm`](crate::shm).
///
/// # Platform
///
/// Linux and Android; eventfd(2), epoll(7).
#[derive(Debug)]
pub struct Doorbell(Spinner<Watches>);

/// What the peer rings, and what else there may be news of.
#[derive(Debug)]
struct Watches {
    bell: Watch,
    aside: Vec<Watch>,
}

impl Doorbell {
    /// Waits for this bell, an eventfd that nobody has to read, and for news of these.
    pub(crate) fn new(
        bell: OwnedFd,
        aside: impl IntoIterator<Item = Arc<OwnedFd>>,
        strategy: Strategy,
    ) -> io::Result<Self> {
        runtime::here()?;
        let watches = Watches {
            bell: Watch::new(Arc::new(bell)),
            aside: aside.into_iter().map(Watch::new).collect(),
        };
        Ok(Self(Spinner::new(watches, strategy)))
    }

    /// And for the end of a process, where there is a descriptor of it: pidfd_open(2).
    pub(crate) fn and_the_end_of(mut self, process: Option<Arc<OwnedFd>>) -> Self {
        self.0.sleep_mut().aside.extend(process.map(Watch::readable));
        self
    }

    pub(crate) fn stage(&self) -> Arc<Stage> {
        self.0.stage()
    }
}

impl Wait for Doorbell {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.0.poll(cx, direction, op)
    }
}

impl Sleep for Watches {
    fn poll_rung(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<bool>> {
        let mut rung = self.bell.poll_rung(cx, direction)?.is_ready();
        let mut news = false;
        for watch in &mut self.aside {
            news |= watch.poll_rung(cx, direction)?.is_ready();
        }
        rung |= news;
        // Where nothing was rung, all have our waker now.
        if rung { Poll::Ready(Ok(news)) } else { Poll::Pending }
    }
}

/// A descriptor that becomes ready again with each event, watched for both directions: whoever
/// waits in either is woken by any event.
#[derive(Debug)]
struct Watch {
    fd: Arc<OwnedFd>,
    /// It never becomes ready to be written to, as others do with each event.
    only_readable: bool,
    /// For both directions, or where it is only readable, for each.
    registered: [Option<AsyncFd<Shared>>; 2],
}

impl Watch {
    fn new(fd: Arc<OwnedFd>) -> Self {
        Self { fd, only_readable: false, registered: [None, None] }
    }

    fn readable(fd: Arc<OwnedFd>) -> Self {
        Self { only_readable: true, ..Self::new(fd) }
    }

    /// Ready where there was an event since it last was.
    fn poll_rung(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<()>> {
        let sends = direction == Direction::Send;
        let place = usize::from(sends && self.only_readable);
        if self.registered[place].is_none() {
            self.registered[place] = Some(self.register(place)?);
        }
        let Some(registered) = &self.registered[place] else { return Poll::Pending };
        let mut guard = ready!(if sends && !self.only_readable {
            registered.poll_write_ready(cx)
        } else {
            registered.poll_read_ready(cx)
        })?;
        guard.clear_ready();
        Poll::Ready(Ok(()))
    }

    fn register(&self, place: usize) -> io::Result<AsyncFd<Shared>> {
        if !self.only_readable {
            // An eventfd can always be written to, and each event says so again, which is what
            // makes the second direction's waker of use here; who waits with a socket is woken
            // once more than needed when the peer reads.
            let both = Interest::READABLE | Interest::WRITABLE;
            return fd::register(Arc::clone(&self.fd), both);
        }
        // The runtime keeps one waker for a descriptor's readers, and epoll a number once.
        let fd = if place == 0 { Arc::clone(&self.fd) } else { Arc::new(self.fd.try_clone()?) };
        fd::register(fd, Interest::READABLE)
    }
}
