//! Waiting for what can be tried without blocking, but be told of only by blocking.

use std::{
    fmt, io,
    task::{Context, Poll, ready},
};

use super::{
    Blocking, Call, Strategy,
    pace::{Pace, Step, yield_to_runtime},
};

/// One direction: tries as a [`Strategy`] says, and where that is in vain has a thread make a
/// blocking call, whose result the next try finds.
///
/// The thread is started by the first wait that has to park. As long as it was asked and has not
/// answered, nothing is tried beside it: its result comes first.
pub(crate) struct Helped<C: Call<Output = ()> + Clone> {
    name: &'static str,
    call: C,
    pace: Pace,
    thread: Option<Blocking<C>>,
    /// The thread was asked, and its answer was not taken yet.
    asked: bool,
}

impl<C: Call<Output = ()> + Clone> Helped<C> {
    /// A thread of this name is to make this call.
    pub(crate) fn new(name: &'static str, call: C, strategy: Strategy) -> Self {
        Self { name, call, pace: Pace::new(strategy), thread: None, asked: false }
    }

    /// [`Wait::poll_io`](super::Wait::poll_io).
    pub(crate) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            if !self.asked {
                let mut fresh = true;
                loop {
                    if let Some(result) = attempt(&mut op) {
                        self.pace.after_success();
                        return Poll::Ready(result);
                    }
                    match self.pace.after_nothing(fresh) {
                        Step::Try => fresh = false,
                        Step::Yield => {
                            yield_to_runtime(cx);
                            return Poll::Pending;
                        }
                        Step::Park => break,
                    }
                }
            }
            let answered = ready!(self.poll_thread(cx));
            self.asked = false;
            if let Err(error) = answered {
                self.pace.after_success();
                return Poll::Ready(Err(error));
            }
        }
    }

    fn poll_thread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => {
                let thread = Blocking::new(self.name, self.call.clone())?;
                // Trying again was in vain already.
                none.insert(thread.strategy(Strategy::Park))
            }
        };
        self.asked = true;
        thread.poll_next(cx)
    }
}

/// One try: `None` where nothing was there.
fn attempt<R>(op: &mut impl FnMut() -> io::Result<R>) -> Option<io::Result<R>> {
    match op() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        done => Some(done),
    }
}

impl<C: Call<Output = ()> + Clone> fmt::Debug for Helped<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helped")
            .field("pace", &self.pace)
            .field("thread", &self.thread)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::Relaxed},
        },
    };

    use super::*;
    use crate::wait::Turn;

    /// Counts its calls, of which every other one fails. The counts order nothing.
    #[derive(Clone, Default)]
    struct Counted(Arc<AtomicU32>);

    impl Call for Counted {
        type Output = ();

        fn call(&mut self, _: &Turn) -> io::Result<Option<()>> {
            match self.0.fetch_add(1, Relaxed) % 2 {
                0 => Ok(Some(())),
                _ => Err(io::Error::other("every other one")),
            }
        }
    }

    #[tokio::test]
    async fn the_thread_is_asked_only_where_a_try_is_in_vain() -> io::Result<()> {
        let calls = Counted::default();
        let mut helped = Helped::new("helped", calls.clone(), Strategy::Park);
        for _ in 0..3 {
            poll_fn(|cx| helped.poll(cx, || Ok(()))).await?;
        }
        assert!(helped.thread.is_none());

        for round in 0..3 {
            let mut tries = 0;
            let mut try_twice = || {
                tries += 1;
                if tries == 2 { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
            };
            poll_fn(|cx| helped.poll(cx, &mut try_twice)).await?;
            assert_eq!(calls.0.load(Relaxed), 2 * round + 1);
            // An error of its is told, and the next wait asks again.
            let never = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let error = poll_fn(|cx| helped.poll(cx, never)).await.unwrap_err();
            assert_eq!(error.to_string(), "every other one");
            assert!(!helped.asked);
        }
        Ok(())
    }

    #[tokio::test]
    async fn nothing_is_tried_while_the_thread_is_at_it() -> io::Result<()> {
        let call = Counted::default();
        let mut helped = Helped::new("helped", call, Strategy::Park);
        let mut tries = 0;
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            let polled = helped.poll(cx, || {
                tries += 1;
                if tries > 1 { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
            });
            if polls == 1 {
                // As if somebody else had woken the task.
                cx.waker().wake_by_ref();
            }
            polled
        })
        .await?;
        assert_eq!(tries, 2, "once in vain, and once when the thread had answered");
        Ok(())
    }
}
