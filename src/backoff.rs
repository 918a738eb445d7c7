//! Waiting longer each time.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Sleep;

use crate::runtime;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses after failures that only time can mend: 10 ms after the first, twice as long after each
/// further one, 1 s at most.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    /// How long the last pause was; zero after a success.
    last: Duration,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Backoff {
    /// Begins a pause after a failure, and says how long it is. Fails where there are no timers.
    pub(crate) fn fail(&mut self) -> io::Result<Duration> {
        self.last = (self.last * 2).clamp(FIRST, LONGEST);
        self.pause(self.last)
    }

    /// Begins a pause of this length, which counts neither as a failure nor as a success.
    pub(crate) fn pause(&mut self, length: Duration) -> io::Result<Duration> {
        self.pause = Some(runtime::sleep(length)?);
        Ok(length)
    }

    /// The next failure is a first one again.
    pub(crate) fn succeed(&mut self) {
        self.last = Duration::ZERO;
    }

    /// Ready when no pause is going on.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_a_second_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let lengths: Vec<_> = (0..9).map(|_| backoff.fail().unwrap().as_millis()).collect();
        assert_eq!(lengths, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        backoff.succeed();
        assert_eq!(backoff.fail().unwrap(), FIRST);

        let begun = Instant::now();
        poll_fn(|cx| backoff.poll(cx)).await;
        assert!(begun.elapsed() >= FIRST);
        let begun = Instant::now();
        poll_fn(|cx| backoff.poll(cx)).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
