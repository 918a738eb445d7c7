//! Permits as a stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Stream;

use super::{acquire::Acquire, guard::Lease, leases::Leases};
use crate::Result;

/// Permits, one after the other, as they are free: a `Stream` of [`Lease`]s.
///
/// It takes none before it is asked for one. It goes on for ever, except where the file was removed:
/// then it is an error, and the end. One that has been asked for a permit and is not polled any
/// more keeps its place, and holds up those behind it: drop it.
///
/// # Examples
///
/// At most two jobs at a time, in all processes together:
///
/// ```
/// use framewire::semaphore::lease;
/// use futures::{StreamExt, stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("jobs");
/// let permits = lease::receiver(path, 2).await?;
/// let jobs = stream::iter(1..=5);
/// let done: Vec<_> = permits
///     .zip(jobs)
///     .map(|(permit, job)| async move {
///         let _permit = permit.expect("nobody has removed the file");
///         10 * job
///     })
///     .buffered(2)
///     .collect()
///     .await;
/// assert_eq!(done, [10, 20, 30, 40, 50]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Receiver {
    leases: Leases,
    /// `None` at the end.
    next: Option<Acquire>,
}

impl Receiver {
    pub(super) fn new(leases: Leases) -> Self {
        let next = Some(leases.ask());
        Self { leases, next }
    }

    /// The handle that these are permits of.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore::lease;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let permits = lease::receiver(path, 2).await?;
    /// assert_eq!(permits.leases().free()?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn leases(&self) -> &Leases {
        &self.leases
    }
}

impl Stream for Receiver {
    type Item = Result<Lease>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { leases, next } = self.get_mut();
        let Some(acquire) = next else { return Poll::Ready(None) };
        let acquired = ready!(acquire.poll(cx));
        *next = acquired.is_ok().then(|| leases.ask());
        Poll::Ready(Some(acquired))
    }
}
