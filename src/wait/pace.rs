//! One direction of one waiter: whether its next step is to try, to give way, or to park.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::Strategy;

/// The bound that an adaptive spin starts with, and falls back to.
const USUAL: Duration = Duration::from_micros(20);
/// The longest adaptive spin; beyond it, spinning costs more CPU time than parking.
const LONGEST: Duration = Duration::from_micros(50);
/// A turn of tries without giving way to other tasks lasts this long at most.
const TURN: Duration = Duration::from_nanos(700);
/// A longer pause between two tries means that other tasks have work to do: they come first.
const GAP: Duration = Duration::from_micros(8);
/// So many waits of others during one of our own make a crowd …
const CROWD: u64 = 4;
/// … and so many more were not counted on one thread.
const FAR: u64 = 1 << 20;
/// After so many fruitless spins in a row the bound is 0 …
const PATIENCE: u8 = 8;
/// … and `LONGEST` is tried once in so many parks: less would never meet a peer that takes longer.
const PROBE: u8 = 64;
/// A spin that is asked for ends after a year at the latest: later instants may not exist.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

thread_local! {
    /// Until when a waiter of this thread spins. A stamp and not a lock: a lock would leak where a
    /// spinning future is dropped or moves to another thread, a stamp just runs out.
    static SPINNING: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How many waits have ended on this thread.
    static ENDED: Cell<u64> = const { Cell::new(0) };
}

/// What to do after a try that found nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Try again at once.
    Try,
    /// Give the runtime a turn, then try again.
    Yield,
    /// Have the kernel wake us.
    Park,
}

#[derive(Debug)]
pub(super) struct Pace {
    strategy: Strategy,
    /// How long the next adaptive spin may last.
    bound: Duration,
    /// Fruitless spins in a row.
    misses: u8,
    /// Parks since the last probe, counted while `bound` is 0.
    parks: u8,
    /// Whether many other waits ended on this thread while our last one went on: then it does not
    /// sleep, there is no wake-up to be saved, and a spin would only take its time.
    crowded: bool,
    /// The wait that is going on, if any.
    wait: Option<Spell>,
}

/// A wait that is going on.
#[derive(Debug)]
struct Spell {
    began: Instant,
    /// The end of the spin; `None` once parked.
    until: Option<Instant>,
    /// When this turn of tries began, and when the last try was.
    turn: Instant,
    last: Instant,
    /// `ENDED` when the spin began.
    ended: u64,
}

impl Pace {
    pub(super) fn new(strategy: Strategy) -> Self {
        let strategy = match strategy {
            Strategy::Adaptive if !crate::sys::runs_beside_its_peers() => Strategy::Park,
            Strategy::Spin(bound) => Strategy::Spin(bound.min(YEAR)),
            other => other,
        };
        Self { strategy, bound: USUAL, misses: 0, parks: 0, crowded: false, wait: None }
    }

    /// Whether the kernel is to be asked first: the wait that goes on is parked, or one that
    /// begins now would park at once.
    pub(super) fn is_parked(&self) -> bool {
        match &self.wait {
            Some(wait) => wait.until.is_none(),
            None => self.next_bound().is_zero(),
        }
    }

    /// The task is about to be parked.
    pub(super) fn park(&mut self) {
        if self.wait.is_none() {
            self.begin(Instant::now());
        }
    }

    /// A try found nothing: what now? `fresh` tells the first try of a poll from the next ones.
    pub(super) fn after_nothing(&mut self, fresh: bool) -> Step {
        let now = Instant::now();
        let Some(wait) = &mut self.wait else { return self.begin(now) };
        let Some(until) = wait.until else { return Step::Park };
        if fresh {
            let busy = now - wait.last > GAP || ENDED.get() != wait.ended;
            if busy && self.strategy == Strategy::Adaptive {
                // Not a miss: it says that the thread is busy, nothing about the peer.
                wait.until = None;
                release(until);
                return Step::Park;
            }
            wait.turn = now;
        }
        wait.last = now;
        if now >= until {
            wait.until = None;
            release(until);
            self.misses = self.misses.saturating_add(1);
            if self.misses >= PATIENCE {
                self.bound = Duration::ZERO;
            }
            return Step::Park;
        }
        if now - wait.turn < TURN { Step::Try } else { Step::Yield }
    }

    /// A try succeeded, perhaps after a wait.
    pub(super) fn after_success(&mut self) {
        let Some(wait) = self.wait.take() else { return };
        let ended = ENDED.get();
        // A task that came from another thread compares two threads' counts, which says nothing:
        // they are far apart.
        self.crowded = (CROWD..FAR).contains(&ended.wrapping_sub(wait.ended));
        ENDED.set(ended.wrapping_add(1));
        let Some(until) = wait.until else {
            // It came soon after the spin had ended: a longer one would have met it.
            if self.misses == 1 && wait.began.elapsed() < 2 * LONGEST {
                self.bound = LONGEST;
            }
            return;
        };
        release(until);
        self.misses = 0;
        // Twice what a reply takes, as a moving average over eight of them.
        let took = wait.last - wait.began;
        self.bound = (self.bound * 7 / 8 + took / 4).clamp(USUAL, LONGEST);
    }

    /// The wait that goes on is given up: the next one is another.
    #[cfg(target_os = "linux")]
    pub(super) fn give_up(&mut self) {
        if let Some(until) = self.wait.take().and_then(|wait| wait.until) {
            release(until);
        }
    }

    fn begin(&mut self, now: Instant) -> Step {
        let bound = self.next_bound();
        if self.bound.is_zero() {
            self.parks = if bound.is_zero() { self.parks.saturating_add(1) } else { 0 };
        }
        let adaptive = self.strategy == Strategy::Adaptive;
        let taken = adaptive && SPINNING.get().is_some_and(|until| until > now);
        let until = (!bound.is_zero() && !taken).then(|| now + bound);
        if until.is_some() {
            SPINNING.set(until);
        }
        self.wait = Some(Spell { began: now, until, turn: now, last: now, ended: ENDED.get() });
        if until.is_some() { Step::Try } else { Step::Park }
    }

    /// How long a spin that begins now may last.
    fn next_bound(&self) -> Duration {
        match self.strategy {
            Strategy::Park => Duration::ZERO,
            Strategy::Spin(bound) => bound,
            Strategy::Adaptive if self.crowded => Duration::ZERO,
            Strategy::Adaptive if self.bound.is_zero() && self.parks >= PROBE => LONGEST,
            Strategy::Adaptive => self.bound,
        }
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        if let Some(until) = self.wait.as_ref().and_then(|wait| wait.until) {
            release(until);
        }
    }
}

/// Gives the thread's one spin back, if it is still the one that ends at `until`.
fn release(until: Instant) {
    // The thread's storage can be gone already where a runtime is dropped by its thread's end.
    let _ = SPINNING.try_with(|slot| {
        if slot.get() == Some(until) {
            slot.set(None);
        }
    });
}

/// Has the task polled again after the runtime has run all ready tasks and looked at its I/O.
pub(super) fn yield_to_runtime(cx: &mut Context<'_>) {
    // Tokio's scheduler keeps the waker until then; waking it here would put the task in front of
    // the I/O driver for up to 61 polls.
    let turn = pin!(tokio::task::yield_now());
    if let Poll::Ready(()) = turn.poll(cx) {
        cx.waker().wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits as a task does for a peer that takes this long; says whether it was met in a spin.
    fn wait(pace: &mut Pace, takes: Duration) -> bool {
        let began = Instant::now();
        if pace.is_parked() {
            pace.park();
        }
        while began.elapsed() < takes {
            if !pace.is_parked() {
                pace.after_nothing(false);
            }
        }
        let met = !pace.is_parked();
        pace.after_success();
        met
    }

    #[test]
    fn a_peer_that_becomes_fast_is_met_again() {
        // Whatever this machine has, there is a second CPU to spin beside.
        let mut pace = Pace::new(Strategy::Park);
        pace.strategy = Strategy::Adaptive;
        for _ in 0..2 * usize::from(PATIENCE) {
            wait(&mut pace, 4 * LONGEST);
        }
        assert!(pace.bound.is_zero());
        // A probe or two may fall victim to other threads.
        let met = (0..20 * u32::from(PROBE)).any(|_| wait(&mut pace, Duration::from_micros(35)));
        assert!(met && !pace.bound.is_zero());
    }

    #[test]
    fn a_crowd_that_stays_for_long_is_counted_no_further() {
        let mut pace = Pace::new(Strategy::Park);
        (pace.strategy, pace.bound, pace.crowded) = (Strategy::Adaptive, Duration::ZERO, true);
        for _ in 0..1000 {
            pace.park();
            assert!(pace.is_parked());
            pace.wait = None;
        }
    }

    #[test]
    fn no_bound_is_too_long() {
        let mut pace = Pace::new(Strategy::Spin(Duration::MAX));
        assert_eq!(pace.after_nothing(true), Step::Try);
        assert_eq!(pace.after_nothing(true), Step::Try);
    }
}
