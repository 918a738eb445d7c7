//! Listening.

use std::{
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;
use rustix::net::SocketType;

use super::{Connection, Options, listening::Listening};
use crate::{
    BoxListener, Endpoint, Result, SocketName,
    handover::{Handle, Inherited},
    sys::{Family, What},
};

/// A name that is listened on: a `Stream` of those who connect, which never ends.
///
/// Where descriptors run out, it turns a waiting peer away, pauses and goes on; a peer that is not
/// allowed here is closed. Both are events for `tracing`, not items of the stream.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// `next` is cancel-safe: a connection that was accepted is never dropped.
#[derive(Debug)]
pub struct Listener(Listening);

impl Listener {
    pub(super) fn bind(
        options: &Options,
        name: &SocketName,
        endpoint: Arc<Endpoint>,
    ) -> Result<Self> {
        Ok(Self(Listening::bind(options, name, endpoint, SocketType::STREAM)?))
    }

    /// A socket that was made elsewhere, and is listened on already.
    pub(super) fn adopt(options: &Options, inherited: Inherited) -> Result<Self> {
        let wanted = What::listener(Family::Unix);
        Ok(Self(Listening::adopt(options, inherited, wanted, Endpoint::Unix)?))
    }

    /// What to hand this listener over to another process with, while it is in use.
    ///
    /// # Examples
    ///
    /// See [`handover`](crate::handover).
    pub fn handle(&self) -> Handle {
        self.0.handle()
    }

    /// The endpoint that is listened on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("e.sock");
    /// let listener = framewire::unix::listen(&*path).await?;
    /// assert_eq!(listener.endpoint().to_string(), format!("unix://{}", path.display()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listening = &mut self.get_mut().0;
        let accepted = ready!(listening.poll_accept(cx));
        let Listening { options, endpoint, .. } = listening;
        Poll::Ready(Some(
            accepted.and_then(|(socket, peer)| {
                Ok(options.frames(socket, peer)?.on(Arc::clone(endpoint)))
            }),
        ))
    }
}

impl From<Listener> for BoxListener {
    fn from(listener: Listener) -> Self {
        let (endpoint, handle) = (listener.endpoint().clone(), listener.handle());
        Self::new(endpoint, listener).with_handle(handle)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
