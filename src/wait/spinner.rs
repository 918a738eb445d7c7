//! Waiting for memory that changes by itself: trying again for a moment, then sleeping.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use super::{
    Direction, Strategy,
    pace::{Pace, Step, yield_to_runtime},
};

/// Tries between two looks at the clock: one costs as much as ten tries in vain.
const TRIES: u32 = 32;

/// How one sleeps until something may have changed.
pub(super) trait Sleep {
    /// Ready where something has happened since it last was, and says whether there may be
    /// news aside; otherwise the task is woken when it does.
    fn poll_rung(&mut self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<bool>>;
}

/// Tries as a [`Strategy`] says, and sleeps where that is in vain.
#[derive(Debug)]
pub(super) struct Spinner<S> {
    sleep: S,
    stage: Arc<Stage>,
    receive: Pace,
    send: Pace,
}

/// What a try has to know of the wait that it is a part of. Both are of one task at a time.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    last: [AtomicBool; 2],
    news: [AtomicBool; 2],
    way: [AtomicBool; 2],
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

    /// There may be news aside.
    #[cfg(target_os = "linux")]
    pub(super) fn brings_news(&self, direction: Direction) {
        self.news[direction as usize].store(true, Ordering::Relaxed);
    }

    /// This try would go on for long: others are to have their turn, and then it is made again.
    #[cold]
    pub(crate) fn give_way(&self, direction: Direction) {
        self.way[direction as usize].store(true, Ordering::Relaxed);
    }

    /// Whether the last try gave way.
    #[inline]
    fn takes_way(&self, direction: Direction) -> bool {
        let way = &self.way[direction as usize];
        way.load(Ordering::Relaxed) && way.swap(false, Ordering::Relaxed)
    }
}

impl<S: Sleep> Spinner<S> {
    pub(super) fn new(sleep: S, strategy: Strategy) -> Self {
        let (receive, send) = (Pace::new(strategy), Pace::new(strategy));
        Self { sleep, stage: Arc::default(), receive, send }
    }

    pub(super) fn stage(&self) -> Arc<Stage> {
        Arc::clone(&self.stage)
    }

    pub(super) fn sleep_mut(&mut self) -> &mut S {
        &mut self.sleep
    }

    /// [`Wait::poll_io`](super::Wait::poll_io).
    #[inline]
    pub(super) fn poll<R>(
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
        if self.stage.takes_way(direction) {
            pace.after_success();
            yield_to_runtime(cx);
            return Poll::Pending;
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
                if self.stage.takes_way(direction) {
                    pace.after_success();
                    yield_to_runtime(cx);
                    return Poll::Pending;
                }
            }
        }
        self.poll_parked(cx, direction, &mut op)
    }

    /// Has itself woken first, then asks the peer to, and sleeps if there is still nothing.
    #[cold]
    fn poll_parked<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        op: &mut impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let rung = match self.sleep.poll_rung(cx, direction)? {
                Poll::Ready(news) => {
                    if news {
                        self.stage.news[direction as usize].store(true, Ordering::Relaxed);
                    }
                    true
                }
                Poll::Pending => false,
            };
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
                None if self.stage.takes_way(direction) => {
                    pace.after_success();
                    yield_to_runtime(cx);
                    return Poll::Pending;
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

/// One try: `None` where nothing was there.
#[inline]
fn attempt<R>(op: &mut impl FnMut() -> io::Result<R>) -> Option<io::Result<R>> {
    match op() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        done => Some(done),
    }
}
