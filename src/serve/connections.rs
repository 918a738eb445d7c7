//! The connections that are being served.

use std::{
    any::Any,
    collections::HashMap,
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::timeout,
};
use tracing::{Instrument, Span};

use crate::{ErrorKind, Result};

/// How long aborted handlers are waited for: they end at whatever they wait for, and only one that
/// computes without waiting takes longer.
const REAP: Duration = Duration::from_secs(1);

/// What became of the connections of a [`Server`](super::Server).
///
/// # Examples
///
/// ```
/// use framewire::serve::Served;
///
/// fn report(served: &Served) -> String {
///     format!("{} connections, {} failed", served.accepted, served.failed + served.panicked)
/// }
///
/// assert_eq!(report(&Served::default()), "0 connections, 0 failed");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Given to a handler. All but those below were served well.
    pub accepted: u64,
    /// Dropped at once, since their user had as many as one may have. Not among the accepted.
    pub refused: u64,
    /// The handler answered an error.
    pub failed: u64,
    /// The handler panicked.
    pub panicked: u64,
    /// Aborted, when the time to drain was over.
    pub aborted: u64,
}

/// A task for each connection, and what is to be known of it when it ends.
#[derive(Debug, Default)]
pub(super) struct Connections {
    tasks: JoinSet<Result<()>>,
    open: HashMap<Id, Open>,
    shares: HashMap<u32, Share>,
    served: Served,
}

/// One connection.
#[derive(Debug)]
struct Open {
    uid: Option<u32>,
    span: Span,
}

/// What one user has of the connections.
#[derive(Debug, Default)]
struct Share {
    open: usize,
    /// Somebody was refused, and an event of level warn has said so.
    told: bool,
}

impl Connections {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Has `serving` served, unless this user has `max` connections already; then drops it.
    pub(super) fn serve(
        &mut self,
        serving: impl Future<Output = Result<()>> + Send + 'static,
        uid: Option<u32>,
        max: usize,
        span: Span,
    ) {
        if let Some(uid) = uid {
            let share = self.shares.entry(uid).or_default();
            if share.open >= max {
                self.served.refused += 1;
                let _entered = span.enter();
                // Once aloud: a user who floods us must not flood the log.
                if std::mem::replace(&mut share.told, true) {
                    tracing::debug!(max, "refused: this user has too many connections");
                } else {
                    tracing::warn!(max, "refused: this user has too many connections");
                }
                return;
            }
            share.open += 1;
        }
        self.served.accepted += 1;
        span.in_scope(|| tracing::debug!("accepted"));
        let task = self.tasks.spawn(serving.instrument(span.clone()));
        self.open.insert(task.id(), Open { uid, span });
    }

    /// Waits for one to end, and tells and counts how it did. `None` when there is none.
    pub(super) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let Some(ended) = ready!(self.tasks.poll_join_next_with_id(cx)) else {
            return Poll::Ready(None);
        };
        let id = match &ended {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        if let Some(Open { uid, span }) = self.open.remove(&id) {
            self.release(uid);
            let _entered = span.enter();
            self.count(ended.map(|(_, result)| result));
        }
        Poll::Ready(Some(()))
    }

    /// Waits until all have ended, for so long at most; aborts those that have not.
    pub(super) async fn drain(mut self, within: Duration) -> Served {
        if timeout(within, self.all_ended()).await.is_err() {
            self.tasks.abort_all();
            if timeout(REAP, self.all_ended()).await.is_err() {
                // They are computing, and end where they would wait next.
                self.served.aborted += self.open.len() as u64;
            }
        }
        self.served
    }

    async fn all_ended(&mut self) {
        while poll_fn(|cx| self.poll_ended(cx)).await.is_some() {}
    }

    fn release(&mut self, uid: Option<u32>) {
        let Some(uid) = uid else { return };
        if let Some(share) = self.shares.get_mut(&uid) {
            share.open -= 1;
            if share.open == 0 {
                self.shares.remove(&uid);
            }
        }
    }

    fn count(&mut self, ended: Result<Result<()>, JoinError>) {
        match ended.map_err(JoinError::try_into_panic) {
            Ok(Ok(())) => tracing::debug!("served"),
            Ok(Err(error)) => {
                self.served.failed += 1;
                let kind = error.kind();
                if is_peers(kind) {
                    tracing::debug!(?kind, %error, "serving ended with an error of the peer's");
                } else {
                    tracing::warn!(?kind, %error, "serving failed");
                }
            }
            Err(Ok(panic)) => {
                self.served.panicked += 1;
                tracing::error!(panic = text(&*panic), "serving panicked");
            }
            Err(Err(_)) => {
                self.served.aborted += 1;
                tracing::warn!("aborted: not done in the time there was");
            }
        }
    }
}

/// Whether this is what a peer does to its own connection, and nobody else need look into.
pub(super) fn is_peers(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    matches!(kind, Closed | Truncated | TooLarge | Malformed)
}

/// What a panic said: `panic!` with a text gives one of these two.
fn text(panic: &(dyn Any + Send)) -> &str {
    match panic.downcast_ref::<&'static str>() {
        Some(text) => text,
        None => panic.downcast_ref::<String>().map_or("not a text", String::as_str),
    }
}
