//! Hearing that permits may have come free: events of the file's, or else time.

use std::{
    io,
    os::fd::AsFd,
    task::{Context, Poll, ready},
};

use tokio::runtime::{Handle, Id};

use super::{place::Place, pool::Pool};
use crate::{
    Result,
    backoff::Backoff,
    sys::{self, News},
    wait::{Direction, Fd, Strategy},
};

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
    /// What was heard and not reacted to: who heard it may have found a permit, and be gone.
    heard: News,
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
            heard: News::default(),
            again: 0,
            pauses: false,
            backoff: Backoff::default(),
            warned: false,
        }
    }

    /// Nobody waits any more. What comes back is to be dropped when nothing is locked: that may run
    /// any code.
    #[must_use]
    pub(super) fn rest(&mut self) -> Backoff {
        if let Some(events) = &mut self.events {
            if let Some(number) = events.follows.take() {
                if let Err(error) = sys::unfollow(events.fd.as_fd(), number) {
                    tracing::debug!(%error, "a file was not followed any more");
                }
            }
        }
        (self.heard, self.again, self.pauses) = (News::default(), 0, false);
        std::mem::take(&mut self.backoff)
    }

    /// Has the pool look for a permit, as often as one may have come free, until it finds one.
    ///
    /// Wakers of earlier polls are dropped in here.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, pool: &Pool) -> Poll<Result<u16>> {
        let place = pool.place();
        self.come_to(Handle::try_current().ok().map(|runtime| runtime.id()))?;
        self.begin(place)?;
        if let Some(Events { fd, follows }) = &mut self.events {
            let (look, heard, number) = (&mut self.look, &mut self.heard, follows.unwrap_or(-1));
            let polled = fd.poll_fd(cx, Direction::Receive, |fd| {
                // In this order: what happens after it was read wakes us once more.
                *heard = heard.and(sys::news_of(fd, number)?);
                *look = false;
                pool.look()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Poll::Ready(taken) = polled {
                return Poll::Ready(Ok(taken?));
            }
        }
        loop {
            if self.react(place)?.more {
                // There is no end of it: others have their turn before it goes on.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.look && !pool.is_to_look() {
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
            if let Some(Events { fd, follows }) = &self.events {
                self.heard = sys::news_of(fd.as_fd(), follows.unwrap_or(-1))?;
            }
            if let Some(index) = pool.look()? {
                return Poll::Ready(Ok(index));
            }
        }
    }

    /// Looks again, and again later, as what was heard wants it.
    fn react(&mut self, place: &Place) -> Result<News> {
        let heard = self.heard;
        self.look |= heard.more;
        if heard.over {
            if let Some(events) = &mut self.events {
                events.follows = None;
            }
            self.begin(place)?;
        } else if heard.closed && self.events.is_some() {
            self.again = 0;
            self.pause()?;
        }
        // Whoever fails leaves it to the next one.
        self.heard = News::default();
        Ok(heard)
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
        self.pauses = match (&self.events, sys::AFTER_A_CLOSE.get(self.again)) {
            (None, _) => self.backoff.fail().map(|_| true)?,
            (Some(_), Some(length)) => self.backoff.pause(*length).map(|_| true)?,
            (Some(_), None) => false,
        };
        self.again = self.again.saturating_add(1);
        Ok(())
    }
}
