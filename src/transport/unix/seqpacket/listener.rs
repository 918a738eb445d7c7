//! Listening.

use std::{
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;
use rustix::net::SocketType;

use super::{super::listening::Listening, Connection, Options};
use crate::{
    BoxListener, Endpoint, Result, SocketName,
    handover::{Handle, Inherited},
    sys::What,
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
pub struct Listener {
    listening: Listening,
    options: Options,
}

impl Listener {
    pub(super) fn bind(
        options: &Options,
        name: &SocketName,
        endpoint: Arc<Endpoint>,
    ) -> Result<Self> {
        let listening = Listening::bind(&options.unix, name, endpoint, SocketType::SEQPACKET)?;
        Ok(Self { listening, options: options.clone() })
    }

    /// A socket that was made elsewhere, and is listened on already.
    pub(super) fn adopt(options: &Options, inherited: Inherited) -> Result<Self> {
        let wanted = What::packet_listener();
        let listening = Listening::adopt(&options.unix, inherited, wanted, Endpoint::Seqpacket)?;
        Ok(Self { listening, options: options.clone() })
    }

    /// What to hand this listener over to another process with, while it is in use.
    ///
    /// # Examples
    ///
    /// See [`handover`](crate::handover).
    pub fn handle(&self) -> Handle {
        self.listening.handle()
    }

    /// The endpoint that is listened on.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::unix::seqpacket;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("e.sock");
    /// let listener = seqpacket::listen(&*path).await?;
    /// assert_eq!(listener.endpoint().scheme(), "seqpacket");
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.listening.endpoint
    }
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { listening, options } = self.get_mut();
        let accepted = ready!(listening.poll_accept(cx));
        Poll::Ready(Some(accepted.and_then(|(socket, peer)| {
            Ok(options.messages(socket, peer)?.on(Arc::clone(&listening.endpoint)))
        })))
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
        self.listening.as_fd()
    }
}
