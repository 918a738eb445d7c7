//! A future that is given up after some polls.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Polls a future so many times and once more, then drops it: `None` if it was not ready by then.
///
/// It wakes itself between the polls, so that it ends whether or not anything happens.
pub(crate) struct Polls<F> {
    future: Option<F>,
    more: usize,
}

impl<F> Polls<F> {
    pub(crate) fn new(more: usize, future: F) -> Self {
        Self { future: Some(future), more }
    }
}

impl<F: Future + Unpin> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polls = self.get_mut();
        let Some(future) = &mut polls.future else { return Poll::Ready(None) };
        if let Poll::Ready(output) = Pin::new(future).poll(cx) {
            polls.future = None;
            return Poll::Ready(Some(output));
        }
        if polls.more == 0 {
            polls.future = None;
            return Poll::Ready(None);
        }
        polls.more -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
