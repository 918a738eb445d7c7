//! Waiting for memory that another process changes.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{Interest, unix::AsyncFd};

use super::{
    Direction, Strategy, Wait,
    fd::{self, Shared},
    pace::{Pace, Step, yield_to_runtime},
};
use crate::runtime;

/// Tries between two looks at the clock: one costs as much as ten tries in vain.
const TRIES: u32 = 32;

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
pub struct Doorbell {
    /// What the peer rings, and what else there may be news of.
    bell: Watch,
    aside: Vec<Watch>,
    stage: Arc<Stage>,
    receive: Pace,
    send: Pace,
}

/// What a try has to know of the wait that it is a part of. Both are of one task at a time.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    last: [AtomicBool; 2],
    news: [AtomicBool; 2],
}

impl Stage {
    /// Whether the task sleeps if this try is in vain: it has to ask to be woken, and to look once
    /// more.
    #[inline]
    pub(crate) fn is_last(&self, direction: Direction) -> bool {
        // Relaxed, as all below: set and read by the task that waits.
        self.last[direction as usize].load(Ordering::Relaxed)
    }

    /// Whether there may be news aside, once each time.
    #[inline]
    pub(crate) fn takes_news(&self, direction: Direction) -> bool {
        let news = &self.news[direction as usize];
        news.load(Ordering::Relaxed) && news.swap(false, Ordering::Relaxed)
    }
}

impl Doorbell {
    /// Waits for this bell, an eventfd that nobody has to read, and for news of these.
    pub(crate) fn new(
        bell: OwnedFd,
        aside: impl IntoIterator<Item = Arc<OwnedFd>>,
        strategy: Strategy,
    ) -> io::Result<Self> {
        runtime::here()?;
        Ok(Self {
            bell: Watch::new(Arc::new(bell)),
            aside: aside.into_iter().map(Watch::new).collect(),
            stage: Arc::default(),
            receive: Pace::new(strategy),
            send: Pace::new(strategy),
        })
    }

    /// And for the end of a process, where there is a descriptor of it: pidfd_open(2).
    pub(crate) fn and_the_end_of(mut self, process: Option<Arc<OwnedFd>>) -> Self {
        self.aside.extend(process.map(Watch::readable));
        self
    }

    pub(crate) fn stage(&self) -> Arc<Stage> {
        Arc::clone(&self.stage)
    }

    /// Asks the runtime first to wake us, then the peer, and sleeps if there is still nothing.
    #[cold]
    fn poll_parked<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: &mut impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let mut rung = self.bell.poll_rung(cx, direction)?.is_ready();
            for watch in &mut self.aside {
                if watch.poll_rung(cx, direction)?.is_ready() {
                    rung = true;
                    self.stage.news[direction as usize].store(true, Ordering::Relaxed);
                }
            }
            // Where nothing was rung, all have our waker now.
            let last = &self.stage.last[direction as usize];
            last.store(!rung, Ordering::Relaxed);
            let done = attempt(op);
            last.store(false, Ordering::Relaxed);
            let pace =
                if direction == Direction::Receive { &mut self.receive } else { &mut self.send };
            match done {
                Some(result) => {
                    pace.after_success();
                    return Poll::Ready(result);
                }
                None if rung => {}
                None => {
                    pace.park();
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Wait for Doorbell {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let pace = match direction {
            Direction::Receive => &mut self.receive,
            Direction::Send => &mut self.send,
        };
        if let Some(result) = attempt(&mut op) {
            pace.after_success();
            return Poll::Ready(result);
        }
        let mut fresh = true;
        while !pace.is_parked() {
            match pace.after_nothing(fresh) {
                Step::Try => fresh = false,
                Step::Yield => {
                    yield_to_runtime(cx);
                    return Poll::Pending;
                }
                Step::Park => break,
            }
            for _ in 0..TRIES {
                if let Some(result) = attempt(&mut op) {
                    pace.after_success();
                    return Poll::Ready(result);
                }
            }
        }
        self.poll_parked(cx, direction, &mut op)
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

/// One try: `None` where nothing was there.
#[inline]
fn attempt<R>(op: &mut impl FnMut() -> io::Result<R>) -> Option<io::Result<R>> {
    match op() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        done => Some(done),
    }
}
