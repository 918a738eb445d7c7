//! The accept loop.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use tokio::task::coop;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{
    Closing, Incoming, Serve, Served,
    connections::{Connections, is_peers},
};
use crate::{Endpoint, Error, ErrorKind, Peer, Result, backoff::Backoff, runtime};

/// The pause after a connection that failed while it was accepted: next to nothing, so that who
/// makes such connections cannot keep others from being accepted, and enough not to be a busy loop
/// over a listener that yields nothing else.
const BREATH: Duration = Duration::from_millis(1);

/// Serves the connections of a listener: a builder, and at its end [`run`](Self::run).
///
/// | | default |
/// |---|---|
/// | [`max_connections`](Self::max_connections) | 1,024 |
/// | [`max_per_uid`](Self::max_per_uid) | 128 |
/// | [`drain`](Self::drain) | 5 s |
///
/// # Examples
///
/// ```
/// use framewire::{Accepted, frame::Frames, serve::Server};
/// use futures::{SinkExt, StreamExt, stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let (ours, theirs) = tokio::io::duplex(64);
/// # let accepted = Accepted { peer: None, io: Box::pin(Frames::new(theirs)) };
/// # let listener = stream::iter([Ok(accepted)]).chain(stream::pending());
/// # let shutdown = async {
/// #     let mut ours = Frames::new(ours);
/// #     ours.send("hello".into()).await.unwrap();
/// #     assert_eq!(ours.next().await.unwrap().unwrap(), "hello");
/// # };
/// // An echo, from any listener until any future, `tokio::signal::ctrl_c()` say.
/// let served = Server::new(listener)
///     .max_connections(100)
///     .run(
///         |accepted, closing| async move {
///             let (sink, stream) = accepted.io.split();
///             stream.take_until(closing).forward(sink).await
///         },
///         shutdown,
///     )
///     .await?;
/// assert_eq!((served.accepted, served.failed, served.aborted), (1, 0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a server serves nobody before it is run"]
pub struct Server<L> {
    listener: L,
    endpoint: Option<Arc<Endpoint>>,
    max_connections: usize,
    max_per_uid: usize,
    drain: Duration,
}

impl<L> Server<L> {
    /// A server for whoever comes to this listener.
    ///
    /// # Examples
    ///
    /// See [`Server`].
    pub fn new(listener: L) -> Self {
        Self {
            listener,
            endpoint: None,
            max_connections: 1024,
            max_per_uid: 128,
            drain: Duration::from_secs(5),
        }
    }

    /// Names the endpoint, for events to mention, where the connections cannot say it.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{BoxListener, Endpoint, serve::Server};
    ///
    /// fn server(listener: BoxListener, endpoint: Endpoint) -> Server<BoxListener> {
    ///     Server::new(listener).on(endpoint)
    /// }
    /// ```
    pub fn on(mut self, endpoint: impl Into<Arc<Endpoint>>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Serves so many connections at once; 0 is taken as 1. Those beyond are not accepted before
    /// one ends: they wait in the kernel's queue, where there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::serve::Server;
    ///
    /// // One after the other.
    /// let listener = futures::stream::empty::<framewire::Result<framewire::Accepted>>();
    /// let server = Server::new(listener).max_connections(1);
    /// ```
    pub fn max_connections(mut self, max: usize) -> Self {
        self.max_connections = max.max(1);
        self
    }

    /// Serves so many connections of one user at once. One beyond is dropped as soon as it is
    /// accepted, so that no user can keep the others out.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::serve::Server;
    ///
    /// // Among friends.
    /// let listener = futures::stream::empty::<framewire::Result<framewire::Accepted>>();
    /// let server = Server::new(listener).max_per_uid(usize::MAX);
    /// ```
    ///
    /// # Platform
    ///
    /// Counted where the peer's uid is known: Unix sockets. Others are not limited by this.
    pub fn max_per_uid(mut self, max: usize) -> Self {
        self.max_per_uid = max;
        self
    }

    /// Gives handlers so long to end after the shutdown began; then aborts them.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::serve::Server;
    /// use std::time::Duration;
    ///
    /// let listener = futures::stream::empty::<framewire::Result<framewire::Accepted>>();
    /// let server = Server::new(listener).drain(Duration::from_secs(30));
    /// ```
    pub fn drain(mut self, within: Duration) -> Self {
        self.drain = within;
        self
    }

    /// Runs `serve` for each connection, in a task of its own, until `shutdown` is ready or the
    /// listener ends; waits for the handlers, and says what became of them.
    ///
    /// When the shutdown begins the listener is dropped, so that its name is free at once; each
    /// handler's [`Closing`] becomes ready; after [`drain`](Self::drain) those that still wait are
    /// aborted. What `shutdown` gives is dropped.
    ///
    /// # Examples
    ///
    /// See [`Server`].
    ///
    /// # Errors
    ///
    /// What broke the listener, after the handlers have ended: an error of kind `Io`, `Address` or
    /// `Unsupported`, or any error after which it ended. A listener that ends without an error is
    /// none. There is an error too where this is polled outside a Tokio runtime, or in one without
    /// timers (`enable_time`).
    ///
    /// # Panics
    ///
    /// A panic of a handler stays within its task; one of `shutdown` or of the listener goes
    /// through, as if this were dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it drops the listener and aborts all handlers: each is dropped at what it
    /// waits for, as soon as the runtime comes to it. A runtime that is shut down drops them
    /// likewise; nothing here runs on the blocking pool or keeps it waiting.
    pub async fn run<C, F, Done>(self, serve: F, shutdown: impl Future) -> Result<Served>
    where
        L: Stream<Item = Result<C>>,
        C: Incoming + Send + 'static,
        F: Fn(C, Closing) -> Done + Send + Sync + 'static,
        Done: Future<Output = Result<()>> + Send + 'static,
    {
        self.run_with(Arc::new(serve), shutdown).await
    }

    /// [`run`](Self::run) with an object: `Arc<dyn Serve<C>>`, or of one type.
    ///
    /// # Examples
    ///
    /// See [`Serve`].
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn run_with<C, S>(self, serve: Arc<S>, shutdown: impl Future) -> Result<Served>
    where
        L: Stream<Item = Result<C>>,
        C: Incoming + Send + 'static,
        S: Serve<C> + ?Sized + 'static,
    {
        // The pauses and the drain need timers: better no server than one that fails at its end.
        let timers = runtime::sleep(Duration::ZERO).map(drop);
        timers.map_err(|error| Error::from(error).doing("serve"))?;
        let Self { listener, endpoint, max_connections, max_per_uid, drain } = self;
        let mut listener = pin!(Some(listener));
        let mut shutdown = pin!(shutdown);
        let mut connections = Connections::default();
        let mut backoff = Backoff::default();
        // The listener's last word, as long as it may be the reason of its end.
        let mut failure = None;
        let closing = CancellationToken::new();

        loop {
            let turn = poll_fn(|cx| {
                if shutdown.as_mut().poll(cx).is_ready() {
                    failure = None;
                    return Poll::Ready(None);
                }
                while let Poll::Ready(Some(())) = connections.poll_ended(cx) {}
                if connections.len() >= max_connections {
                    return Poll::Pending;
                }
                ready!(backoff.poll(cx));
                poll_accept(listener.as_mut(), cx)
            });
            match turn.await {
                None => break,
                Some(Ok(connection)) => {
                    failure = None;
                    backoff.succeed();
                    let peer = connection.peer();
                    let uid = peer.and_then(Peer::uid);
                    let span = span(connection.endpoint().or(endpoint.as_deref()), peer);
                    let (serve, closing) = (Arc::clone(&serve), Closing::new(closing.clone()));
                    // The call itself is made within the task, since it can panic too.
                    let serving = async move { serve.serve(connection, closing).await };
                    connections.serve(serving, uid, max_per_uid, span);
                }
                Some(Err(error)) => {
                    let fatal = is_fatal(error.kind());
                    wait_out(&mut backoff, &error, endpoint.as_deref());
                    failure = Some(error);
                    if fatal {
                        break;
                    }
                }
            }
        }

        listener.set(None);
        closing.cancel();
        tracing::debug!(endpoint = name(endpoint.as_deref()), open = connections.len(), "closing");
        let served = connections.drain(drain).await;
        tracing::debug!(endpoint = name(endpoint.as_deref()), ?served, "closed");
        failure.map_or(Ok(served), Err)
    }
}

/// The next of the listener; a unit of Tokio's cooperative budget, so that a listener that is
/// never out of connections leaves other tasks their turn.
fn poll_accept<L: Stream>(
    listener: Pin<&mut Option<L>>,
    cx: &mut Context<'_>,
) -> Poll<Option<L::Item>> {
    let coop = ready!(coop::poll_proceed(cx));
    let Some(listener) = listener.as_pin_mut() else { return Poll::Ready(None) };
    let next = ready!(listener.poll_next(cx));
    coop.made_progress();
    Poll::Ready(next)
}

/// Whether the listener itself is broken. What else it can yield is about one connection, or
/// passes.
fn is_fatal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Io | ErrorKind::Address | ErrorKind::Unsupported)
}

/// Tells of an error of the listener and begins the pause that it calls for.
fn wait_out(backoff: &mut Backoff, error: &Error, endpoint: Option<&Endpoint>) {
    let (kind, endpoint) = (error.kind(), name(error.endpoint().or(endpoint)));
    if is_fatal(kind) {
        tracing::error!(?kind, %error, endpoint, "the listener is broken");
    } else if is_peers(kind) || kind == ErrorKind::Denied {
        // Denied: a policy turned this peer away, or a firewall did.
        let _ = backoff.pause(BREATH);
        tracing::debug!(?kind, %error, endpoint, "a connection failed while it was accepted");
    } else {
        let pause = backoff.fail().unwrap_or_default();
        tracing::warn!(?kind, %error, endpoint, ?pause, "accepting pauses");
    }
}

/// The span of one connection.
fn span(endpoint: Option<&Endpoint>, peer: Option<&Peer>) -> Span {
    tracing::info_span!(
        "connection",
        endpoint = name(endpoint),
        uid = peer.and_then(Peer::uid),
        pid = peer.and_then(Peer::pid),
        addr = peer.and_then(Peer::addr).map(tracing::field::display),
    )
}

fn name(endpoint: Option<&Endpoint>) -> Option<tracing::field::DisplayValue<&Endpoint>> {
    endpoint.map(tracing::field::display)
}
