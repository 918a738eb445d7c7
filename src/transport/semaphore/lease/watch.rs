//! Hearing that permits may have come free: events of the file's, or else time.

use std::{
    io,
    os::fd::AsFd,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::runtime::{Handle, Id};

use super::place::Place;
use crate::{
    Result,
    backoff::Backoff,
    sys::{self, News},
    wait::{Direction, Fd, Strategy},
};

/// When it is looked again, after somebody may have closed the file: the kernel tells of that, and
/// then gives up the locks.
const AGAIN: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
    Duration::from_secs(1),
];

/// One for all who wait at a handle: the first of them uses it.
#[derive(Debug)]
pub(super) struct Watch {
    strategy: Strategy,
    /// The runtime that what is below is registered with.
    runtime: Option<Id>,
    /// `None` where there is no such thing to be had: then it is time that tells.
    events: Option<Events>,
    /// The file is to be looked at, whatever is told.
    look: bool,
    /// How often it was looked again, and whether a pause before that goes on.
    again: usize,
    pauses: bool,
    backoff: Backoff,
    warned: bool,
}

/// What tells of events. It is kept: to give it up takes the kernel most of a millisecond.
#[derive(Debug)]
struct Events {
    fd: Fd,
    /// By which number the file is followed. While nobody waits, it is not: nothing piles up, and
    /// nobody is woken.
    follows: Option<i32>,
}

impl Watch {
    pub(super) fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            runtime: None,
            events: None,
            look: false,
            again: 0,
            pauses: false,
            backoff: Backoff::default(),
            warned: false,
        }
    }

    /// Whoever is first has to look: something was given up in this process, or the one before it
    /// was told of what is not told again.
    pub(super) fn look(&mut self) {
        self.look = true;
    }

    /// Nobody waits any more.
    pub(super) fn rest(&mut self) {
        if let Some(events) = &mut self.events {
            if let Some(number) = events.follows.take() {
                if let Err(error) = sys::unfollow(events.fd.as_fd(), number) {
                    tracing::debug!(%error, "a file was not followed any more");
                }
            }
        }
        (self.again, self.pauses) = (0, false);
        self.backoff = Backoff::default();
    }

    /// Has `take` look for a permit, as often as one may have come free, until it finds one.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        place: &Place,
        mut take: impl FnMut() -> Result<Option<u16>>,
    ) -> Poll<Result<u16>> {
        self.come_to(Handle::try_current().ok().map(|runtime| runtime.id()))?;
        self.begin(place)?;
        let mut heard = News::default();
        if let Some(Events { fd, follows }) = &mut self.events {
            let (look, number) = (&mut self.look, follows.unwrap_or(-1));
            let polled = fd.poll_fd(cx, Direction::Receive, |fd| {
                // In this order: what happens after it was read wakes us once more.
                heard = heard.and(sys::news_of(fd, number)?);
                *look = false;
                take()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Poll::Ready(taken) = polled {
                return Poll::Ready(Ok(taken?));
            }
        }
        loop {
            self.react(heard, place)?;
            if heard.more {
                // There is no end of it: others have their turn before it goes on.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.look {
                if !self.pauses {
                    return Poll::Pending;
                }
                ready!(self.backoff.poll(cx));
                self.pauses = false;
                self.begin(place)?;
                if !self.pauses {
                    self.pause()?;
                }
            }
            self.look = false;
            heard = match &self.events {
                Some(Events { fd, follows }) => sys::news_of(fd.as_fd(), follows.unwrap_or(-1))?,
                None => News::default(),
            };
            if let Some(index) = take()? {
                return Poll::Ready(Ok(index));
            }
        }
    }

    /// Looks again, and again later, as what was heard wants it.
    fn react(&mut self, heard: News, place: &Place) -> Result<()> {
        self.look |= heard.more;
        if heard.over {
            if let Some(events) = &mut self.events {
                events.follows = None;
            }
            return self.begin(place);
        }
        if heard.closed && self.events.is_some() {
            self.again = 0;
            self.pause()?;
        }
        Ok(())
    }

    /// What is registered with another runtime is of no use to who waits on this one.
    fn come_to(&mut self, runtime: Option<Id>) -> Result<()> {
        if self.runtime == runtime {
            return Ok(());
        }
        if let Some(Events { fd, follows }) = self.events.take() {
            let fd = Fd::new(fd.into_inner()?)?.strategy(self.strategy);
            self.events = Some(Events { fd, follows });
        }
        self.runtime = runtime;
        self.look = true;
        if self.pauses {
            self.again = 0;
            self.pause()?;
        }
        Ok(())
    }

    /// Sees to it that somebody tells when to look again, and looks once more after that.
    fn begin(&mut self, place: &Place) -> Result<()> {
        if self.events.as_ref().is_some_and(|events| events.follows.is_some()) {
            return Ok(());
        }
        let follows = match self.follow(place) {
            Ok(()) => true,
            Err(error) => {
                if !std::mem::replace(&mut self.warned, true) {
                    tracing::warn!(
                        %error, path = %place.path().display(),
                        "no way to be told that a permit is free; looking from time to time"
                    );
                }
                self.events = None;
                false
            }
        };
        self.look = true;
        // Somebody may have closed the file just before it was followed.
        if follows || !self.pauses {
            self.again = 0;
            self.pause()?;
        }
        Ok(())
    }

    fn follow(&mut self, place: &Place) -> io::Result<()> {
        let mut events = match self.events.take() {
            Some(events) => events,
            None => Events { fd: Fd::new(sys::watch()?)?.strategy(self.strategy), follows: None },
        };
        let number = sys::follow(events.fd.as_fd(), place.file.as_fd(), place.path())?;
        events.follows = Some(number);
        self.events = Some(events);
        Ok(())
    }

    /// Begins the next pause, if there is to be one.
    fn pause(&mut self) -> Result<()> {
        self.pauses = match (&self.events, AGAIN.get(self.again)) {
            (None, _) => self.backoff.fail().map(|_| true)?,
            (Some(_), Some(length)) => self.backoff.pause(*length).map(|_| true)?,
            (Some(_), None) => false,
        };
        self.again = self.again.saturating_add(1);
        Ok(())
    }
}
