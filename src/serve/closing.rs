//! How a handler learns that the server ends.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A future that is ready once the server is shutting down.
///
/// A handler that waits for its peer ends its wait with it, in a `select!` or as below, so that it
/// says goodbye instead of being aborted when [`drain`](super::Server::drain) is over. What the
/// peer had sent and was not read by then stays unread. Clones are ready together.
///
/// # Examples
///
/// An echo that answers what it has begun to, then closes in order:
///
/// ```
/// use framewire::{Accepted, Result, serve::Closing};
/// use futures::StreamExt;
///
/// async fn echo(accepted: Accepted, closing: Closing) -> Result<()> {
///     let (sink, stream) = accepted.io.split();
///     stream.take_until(closing).forward(sink).await
/// }
/// ```
///
/// # Cancel safety
///
/// Cancel-safe: dropping it changes nothing.
pub struct Closing {
    token: CancellationToken,
    /// Made by the first poll.
    wait: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Closing {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self { token, wait: None }
    }

    /// Whether the shutdown has begun: for a handler to look between two pieces of work.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::serve::Closing;
    ///
    /// fn work_on(pieces: &mut Vec<u32>, closing: &Closing) {
    ///     while !closing.has_begun() && pieces.pop().is_some() {}
    /// }
    /// ```
    pub fn has_begun(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Future for Closing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { token, wait } = self.get_mut();
        if token.is_cancelled() {
            // Also when polled again after it was ready.
            return Poll::Ready(());
        }
        wait.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned())).as_mut().poll(cx)
    }
}

impl Clone for Closing {
    fn clone(&self) -> Self {
        Self::new(self.token.clone())
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").field("has_begun", &self.has_begun()).finish_non_exhaustive()
    }
}
