//! Tasks that wait for tokens which are had by a call that can only block.

mod line;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::task::coop;

use self::line::Line;
use super::{
    Strategy,
    call::SLICE,
    pace::{Pace, Step, yield_to_runtime},
    thread::{self, Place},
    wake,
};

/// Tries between two looks at the clock: one costs as much as several tries in vain.
const TRIES: u32 = 16;

/// What tokens are taken from, by this process and others.
pub(crate) trait Tokens: Send + Sync + 'static {
    /// Takes one if there is one.
    fn try_take(&self) -> io::Result<bool>;

    /// Blocks until it has taken one, so long at most.
    fn take_within(&self, within: Duration) -> io::Result<bool>;

    /// Puts one back that was taken for somebody who does not wait any more.
    fn put_back(&self);
}

/// Tasks in a line, served in the order in which they came, with one thread between them.
///
/// The first one tries as its [`Strategy`] says. Where that is in vain, or somebody behind it has
/// waited as long, since it may be polled no more, the thread makes the blocking call, for whoever is
/// first when it returns, until nobody is left in the line: what it has taken goes to a task by its
/// waker, or back. There is no thread before it is first needed; between two times that it is, it
/// sleeps.
///
/// It needs no runtime: those who wait may be of several.
pub(crate) struct WaitQueue<T: Tokens>(Arc<Handle<T>>);

/// The last of it ends the thread.
struct Handle<T: Tokens>(Arc<Shared<T>>);

/// What the handles and the thread share.
struct Shared<T> {
    tokens: Arc<T>,
    name: &'static str,
    strategy: Strategy,
    /// How many stand in the line without a token. It changes under the lock.
    waiting: AtomicUsize,
    line: Mutex<Line>,
    /// What the thread sleeps on between two calls.
    changed: Condvar,
}

/// A place in the line, once there is one, again and again. It is left when this is dropped, and a
/// token that came for it in the meantime is put back.
pub(crate) struct Ticket<T: Tokens> {
    queue: WaitQueue<T>,
    place: Standing,
}

/// A place that is taken, or none.
#[derive(Debug, Default)]
struct Standing {
    id: Option<u64>,
    /// How it tries, where it is the first.
    pace: Option<Pace>,
}

/// What one who stands in the line has to do.
enum Part {
    /// Go on with this.
    Served(io::Result<()>),
    /// Try: it is the first.
    Try,
    /// The first tries; but it may be one that is polled no more.
    Follow,
    /// Wait to be woken.
    Wait,
}

impl<T: Tokens> WaitQueue<T> {
    /// A line for these. The name is that of the thread.
    pub(crate) fn new(name: &'static str, tokens: Arc<T>, strategy: Strategy) -> Self {
        Self(Arc::new(Handle(Arc::new(Shared {
            tokens,
            name,
            strategy,
            waiting: AtomicUsize::new(0),
            line: Mutex::new(Line::default()),
            changed: Condvar::new(),
        }))))
    }

    pub(crate) fn tokens(&self) -> &Arc<T> {
        &self.shared().tokens
    }

    /// Takes a token if there is one and nobody stands in the line.
    #[inline]
    pub(crate) fn try_take(&self) -> io::Result<bool> {
        if self.is_empty() {
            return self.tokens().try_take();
        }
        self.shared().serve_them();
        Ok(false)
    }

    #[inline]
    fn is_empty(&self) -> bool {
        // Relaxed: who joins at this moment came neither before nor after us.
        self.shared().waiting.load(Ordering::Relaxed) == 0
    }

    fn shared(&self) -> &Arc<Shared<T>> {
        &self.0.0
    }

    /// The right to a place, none of which is taken yet.
    pub(crate) fn ticket(&self) -> Ticket<T> {
        Ticket { queue: self.clone(), place: Standing::default() }
    }
}

impl<T: Tokens> Clone for WaitQueue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Tokens> Ticket<T> {
    /// Takes a token, or a place in the line; who has one keeps it until it has its token.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Who always finds a token must not keep other tasks waiting.
        let coop = ready!(coop::poll_proceed(cx));
        let taken = match self.place.id {
            None if self.queue.is_empty() && self.queue.tokens().try_take()? => Ok(()),
            _ => ready!(self.poll_in_line(cx)),
        };
        coop.made_progress();
        Poll::Ready(taken)
    }

    fn poll_in_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { queue, place } = self;
        let taken = match queue.shared().part(place, cx) {
            Part::Served(taken) => taken,
            Part::Try => ready!(queue.shared().poll_first(place, cx)),
            Part::Follow => ready!(queue.shared().poll_behind(place, cx)),
            Part::Wait => return Poll::Pending,
        };
        if let Some(pace) = &mut place.pace {
            pace.after_success();
        }
        queue.shared().leave(place);
        Poll::Ready(taken)
    }
}

impl<T: Tokens> Drop for Ticket<T> {
    fn drop(&mut self) {
        self.queue.shared().leave(&mut self.place);
    }
}

// Wakers are called and dropped with the lock released: either may run code that takes it.
impl<T: Tokens> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Line> {
        // What is done under the lock leaves nothing half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what this one has to do, and gives it a place where it has none.
    fn part(&self, place: &mut Standing, cx: &Context<'_>) -> Part {
        let mut line = self.lock();
        let id = *place.id.get_or_insert_with(|| line.join());
        self.count(&line);
        if let Some(taken) = line.take(id) {
            return Part::Served(taken);
        }
        if line.is_first(id) && !line.asked {
            place.pace = place.pace.take().or_else(|| line.pace.take());
            return Part::Try;
        }
        let old = line.wake_by(id, cx.waker());
        let part = if line.asked { Part::Wait } else { Part::Follow };
        drop(line);
        drop(old);
        part
    }

    /// The first one tries, as often as that may pay.
    fn poll_first(
        self: &Arc<Self>,
        place: &mut Standing,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(id) = place.id else { return Poll::Pending };
        let pace = place.pace.get_or_insert_with(|| Pace::new(self.strategy));
        let (mut fresh, mut tries) = (true, 1);
        loop {
            for _ in 0..tries {
                if self.tokens.try_take()? {
                    return Poll::Ready(Ok(()));
                }
            }
            match pace.after_nothing(fresh) {
                Step::Try => (fresh, tries) = (false, TRIES),
                Step::Yield => {
                    yield_to_runtime(cx);
                    return Poll::Pending;
                }
                Step::Park => return self.poll_park(id, cx),
            }
        }
    }

    /// Has the first one as much time as it would try for itself.
    fn poll_behind(
        self: &Arc<Self>,
        place: &mut Standing,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(id) = place.id else { return Poll::Pending };
        let pace = place.pace.get_or_insert_with(|| Pace::new(self.strategy));
        match pace.after_nothing(true) {
            Step::Try | Step::Yield => {
                yield_to_runtime(cx);
                Poll::Pending
            }
            Step::Park => self.poll_park(id, cx),
        }
    }

    /// Has the thread serve those in the line, one of whom may be polled no more. Where there is no
    /// thread to be had, somebody in the line will be told.
    #[cold]
    fn serve_them(self: &Arc<Self>) {
        let mut line = self.lock();
        if line.waiting() > 0 && !line.asked && self.ask(&mut line).is_ok() {
            drop(line);
            self.changed.notify_one();
        }
    }

    /// From now on the thread takes what comes. It is to be notified when the line is not locked.
    fn ask(self: &Arc<Self>, line: &mut Line) -> io::Result<()> {
        if !line.has_thread {
            let ours = Arc::clone(self);
            thread::start(self.name, move |place| ours.run(place))?;
            line.has_thread = true;
        }
        line.asked = true;
        Ok(())
    }

    /// This one has tried in vain, or waited long enough for another to try.
    #[cold]
    fn poll_park(self: &Arc<Self>, id: u64, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.lock();
        if let Some(taken) = line.take(id) {
            // Of a call that was made for somebody who has left.
            return Poll::Ready(taken);
        }
        self.ask(&mut line)?;
        let old = line.wake_by(id, cx.waker());
        drop(line);
        self.changed.notify_one();
        drop(old);
        Poll::Pending
    }

    /// This one is done, or does not wait any more.
    fn leave(&self, place: &mut Standing) {
        let Some(id) = place.id.take() else { return };
        let mut line = self.lock();
        let left = line.leave(id);
        if let Some(mut pace) = place.pace.take() {
            pace.give_up();
            line.pace.get_or_insert(pace);
        }
        self.count(&line);
        drop(line);
        drop(left.waker);
        if left.has_token {
            self.tokens.put_back();
        }
        if let Some(next) = left.next {
            wake(next);
        }
    }

    fn count(&self, line: &Line) {
        // Relaxed: see `WaitQueue::try_take`.
        self.waiting.store(line.waiting(), Ordering::Relaxed);
    }

    /// The whole of the thread.
    fn run(&self, _place: Place) {
        let mut line = self.lock();
        while !line.closed {
            if !line.asked {
                line = self.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(line);
            let taken = match self.tokens.take_within(SLICE) {
                Ok(false) => None,
                Ok(true) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            line = self.lock();
            let Some(taken) = taken else { continue };
            let has_token = taken.is_ok();
            let served = line.serve(taken);
            self.count(&line);
            drop(line);
            match served {
                Some(waker) => {
                    waker.into_iter().for_each(wake);
                    // Who was served on this CPU runs now, and where it comes again at once it
                    // finds us awake: that saves two calls and a wake-up.
                    std::thread::yield_now();
                }
                None if has_token => self.tokens.put_back(),
                None => {}
            }
            line = self.lock();
        }
    }
}

impl<T: Tokens> Drop for Handle<T> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl<T: Tokens> fmt::Debug for WaitQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared().waiting.load(Ordering::Relaxed);
        f.debug_struct("WaitQueue").field("waiting", &waiting).finish_non_exhaustive()
    }
}

impl<T: Tokens> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("place", &self.place).finish_non_exhaustive()
    }
}
