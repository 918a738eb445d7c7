//! How messages flow over what tells of no end, or loses what comes too fast.

use std::time::Duration;

use bytes::Bytes;
use framewire::ErrorKind;
use futures::{SinkExt, StreamExt};
use tokio::{sync::Semaphore, time::timeout};

use super::super::{End, Subject};

/// How long nothing has to come to say that nothing does. On a machine that is slower, less is seen
/// and nothing fails.
const QUIET: Duration = Duration::from_millis(100);
/// Stands for the end where none is told; no other message of the suite is this one.
const LAST: &[u8] = b"this was the last";

/// Says that nothing more comes: by closing, or in words where that is not told.
pub(super) async fn finish(subject: &dyn Subject, near: &mut End) {
    if !subject.profile().tells_end {
        near.send(LAST.into()).await.unwrap();
    }
    near.close().await.unwrap();
}

/// The next message, or `None` once the end was said, however it was.
pub(super) async fn next(subject: &dyn Subject, far: &mut End) -> Option<Bytes> {
    let message = far.next().await?.unwrap();
    let last = !subject.profile().tells_end && message == LAST;
    (!last).then_some(message)
}

/// Fails unless the end comes, and stays; where none is told, unless nothing else comes.
pub(super) async fn ends(subject: &dyn Subject, far: &mut End) {
    if subject.profile().tells_end {
        assert!(far.next().await.is_none());
        assert!(far.next().await.is_none(), "it stays ended");
        return;
    }
    let more = timeout(QUIET, far.next()).await;
    assert!(more.is_err(), "it came from nowhere: {more:?}");
}

/// The end of one whose sender was killed between two messages: a kernel that closes for it tells
/// an end like any other, a mechanism of our own that it did not close.
pub(super) async fn killed(subject: &dyn Subject, far: &mut End) {
    if subject.profile().tells_end {
        if let Some(last) = far.next().await {
            assert_eq!(last.unwrap_err().kind(), ErrorKind::Closed);
        }
    }
    ends(subject, far).await;
}

/// The next item, or `None` at the end that nobody could say: the sender was killed.
pub(super) async fn left(subject: &dyn Subject, far: &mut End) -> Option<framewire::Result<Bytes>> {
    if subject.profile().tells_end {
        return far.next().await;
    }
    timeout(QUIET, far.next()).await.unwrap_or(None)
}

/// How many messages may be on their way at once: one where nothing holds a sender back.
pub(super) fn window(subject: &dyn Subject) -> Semaphore {
    let lossy = subject.profile().loss.is_some();
    Semaphore::new(if lossy { 1 } else { Semaphore::MAX_PERMITS / 2 })
}

/// Waits until one more may be on its way; [`Semaphore::add_permits`] tells that it has come.
pub(super) async fn enter(window: &Semaphore) {
    window.acquire().await.expect("it is not closed").forget();
}
