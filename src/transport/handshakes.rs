//! The handshakes that a listener has going on.

use std::{
    collections::BTreeMap,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{
    Stream,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, Sleep};

use crate::runtime;

/// Handshakes side by side, so many at most, none of which holds up another.
///
/// Where all places are taken and somebody waits for one, the oldest handshake is given up as soon
/// as it has had its share of time: who connects and says nothing keeps nobody out for long.
pub(crate) struct Handshakes<T> {
    running: FuturesUnordered<Abortable<BoxFuture<'static, (u64, T)>>>,
    /// By number, and so by age.
    places: BTreeMap<u64, Place>,
    next: u64,
    most: usize,
    /// What each may take of the time of those who wait.
    patience: Duration,
    /// Until the oldest may be given up.
    pause: Option<Pin<Box<Sleep>>>,
}

/// Where one of them stands.
#[derive(Debug)]
struct Place {
    begun: Instant,
    abort: AbortHandle,
}

impl<T> Handshakes<T> {
    /// Of `most` at a time, one at least, the oldest of which is given up for another after
    /// `patience`.
    pub(crate) fn new(most: usize, patience: Duration) -> Self {
        Self {
            running: FuturesUnordered::new(),
            places: BTreeMap::new(),
            next: 0,
            most: most.max(1),
            patience,
            pause: None,
        }
    }

    /// Begins one, which comes to an end by itself; ask for [room](Self::poll_room) first.
    pub(crate) fn begin(&mut self, handshake: impl Future<Output = T> + Send + 'static) {
        let number = self.next;
        self.next += 1;
        let (abort, registration) = AbortHandle::new_pair();
        let numbered: BoxFuture<'static, _> = Box::pin(async move { (number, handshake.await) });
        self.running.push(Abortable::new(numbered, registration));
        self.places.insert(number, Place { begun: Instant::now(), abort });
    }

    /// The next that has ended.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            match ready!(Pin::new(&mut self.running).poll_next(cx)) {
                Some(Ok((number, ended))) => {
                    self.places.remove(&number);
                    return Poll::Ready(ended);
                }
                // Its place went to another.
                Some(Err(_aborted)) => {}
                None => return Poll::Pending,
            }
        }
    }

    /// Ready when there is a place, if need be that of the oldest.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.places.len() < self.most {
                self.pause = None;
                return Poll::Ready(());
            }
            let Some(oldest) = self.places.first_entry() else { return Poll::Ready(()) };
            let left = self.patience.saturating_sub(oldest.get().begun.elapsed());
            let pause = match &mut self.pause {
                Some(pause) => Ok(pause),
                None if left.is_zero() => Err(()),
                None => runtime::sleep(left).map(|pause| self.pause.insert(pause)).map_err(|_| ()),
            };
            match pause {
                Ok(pause) => ready!(pause.as_mut().poll(cx)),
                Err(()) => {
                    oldest.remove().abort.abort();
                    tracing::debug!("a handshake was given up: others wait for its place");
                }
            }
            self.pause = None;
        }
    }
}

impl<T> fmt::Debug for Handshakes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes")
            .field("running", &self.places.len())
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use futures::FutureExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    async fn room<T>(handshakes: &mut Handshakes<T>) {
        poll_fn(|cx| handshakes.poll_room(cx)).await;
    }

    async fn ended<T>(handshakes: &mut Handshakes<T>) -> T {
        poll_fn(|cx| handshakes.poll_ended(cx)).await
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_slow_holds_up_nothing() {
        let mut handshakes = Handshakes::new(3, PATIENCE);
        handshakes.begin(pending().boxed());
        handshakes.begin(async { 1 }.boxed());
        handshakes.begin(async { 2 }.boxed());
        assert_eq!(ended(&mut handshakes).await + ended(&mut handshakes).await, 3);
        assert!(ended(&mut handshakes).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_gives_its_place_to_who_waits_for_one() {
        let mut handshakes = Handshakes::new(2, PATIENCE);
        let begun = Instant::now();
        for n in 0..2 {
            room(&mut handshakes).await;
            handshakes.begin(tokio::time::sleep(5 * PATIENCE).map(move |()| n).boxed());
        }
        assert!(room(&mut handshakes).now_or_never().is_none(), "both are young");
        room(&mut handshakes).await;
        assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < 5 * PATIENCE);
        handshakes.begin(async { 7 }.boxed());
        assert_eq!(ended(&mut handshakes).await, 7);
        // Nobody waited for the other's place.
        assert_eq!(ended(&mut handshakes).await, 1);
        assert!(ended(&mut handshakes).now_or_never().is_none(), "the first was given up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_becomes_free_is_taken_at_once() {
        let mut handshakes = Handshakes::new(1, PATIENCE);
        let length = PATIENCE / 2;
        handshakes.begin(tokio::time::sleep(length).boxed());
        let begun = Instant::now();
        assert!(room(&mut handshakes).now_or_never().is_none());
        ended(&mut handshakes).await;
        room(&mut handshakes).await;
        assert_eq!(begun.elapsed().as_millis(), length.as_millis());
    }
}
