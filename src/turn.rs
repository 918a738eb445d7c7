//! A stream's part in Tokio's cooperative budget.

use std::task::{Context, Poll, ready};

use tokio::task::coop;

/// Messages that go by for one unit of the budget, and the most that `recv_many` takes at once.
pub(crate) const RUN: u8 = 64;

/// How many messages have gone by since the budget was last charged.
///
/// Charging it for each would cost a third of what handing a small message out does.
#[derive(Debug, Default)]
pub(crate) struct Turn(u8);

impl Turn {
    /// Charges the budget where a run is over. Pending where the task has none left; it is woken
    /// as soon as the others had theirs.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 >= RUN {
            ready!(coop::poll_proceed(cx)).made_progress();
            self.0 = 0;
        }
        Poll::Ready(())
    }

    /// A message has gone by.
    #[inline]
    pub(crate) fn passed(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// A whole run has gone by.
    #[inline]
    pub(crate) fn over(&mut self) {
        self.0 = RUN;
    }

    /// The budget was charged elsewhere: a run begins.
    #[inline]
    pub(crate) fn charged(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Messages that go by before the task has to give way.
    async fn until_pending() -> usize {
        poll_fn(|cx| {
            let mut turn = Turn::default();
            let mut passed = 0;
            while turn.poll(cx).is_ready() && passed < 1_000_000 {
                turn.passed();
                passed += 1;
            }
            Poll::Ready(passed)
        })
        .await
    }

    #[tokio::test]
    async fn a_task_gives_way_after_a_bounded_number_of_runs() {
        let passed = until_pending().await;
        assert!(passed >= usize::from(RUN), "{passed}");
        assert_eq!(passed % usize::from(RUN), 0);
        assert!(passed < 1_000_000, "the budget was never charged");
    }

    #[test]
    fn without_a_runtime_there_is_no_budget() {
        assert_eq!(futures::executor::block_on(until_pending()), 1_000_000);
    }
}
