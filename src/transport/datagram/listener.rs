//! Listening: a connection for each peer of one socket.

use std::{
    fmt,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;
use tokio::task::coop;

use super::{
    Address, Ready, Socket, Source, Target,
    hub::{Newcomer, Running},
    queue::{Taken, Taker},
    socket::{Feed, Whom},
};
use crate::{
    BoxListener, Endpoint, Error, ErrorKind, Result,
    message::Messages,
    wait::{Fd, Strategy},
};

/// A socket that others send to: a `Stream` of a connection for each of them, made when its first
/// message comes.
///
/// A task receives for all of them and puts each message where it belongs. The stream ends when the
/// runtime that this task runs on does. With the listener and its last connection gone, the task is
/// gone and the socket closed.
///
/// # Examples
///
/// See [`udp`](crate::udp).
///
/// # Cancel safety
///
/// `next` is cancel-safe.
pub struct Listener {
    // Dropped before the socket: while the name is there, somebody is behind it.
    pub(super) _placed: Option<crate::names::Placed>,
    pub(super) newcomers: Taker<Newcomer>,
    pub(super) fd: Arc<OwnedFd>,
    pub(super) strategy: Strategy,
    pub(super) max_len: usize,
    pub(super) endpoint: Arc<Endpoint>,
    /// Whether peers make room in their queues without an event.
    pub(super) silent: bool,
    pub(super) running: Arc<Running>,
}

impl Listener {
    /// The endpoint that is listened on, with the port that the system chose.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let listener = framewire::udp::listen("127.0.0.1:0").await?;
    /// assert_eq!(listener.endpoint().scheme(), "udp");
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The IP address and port that are listened on.
    ///
    /// # Examples
    ///
    /// See [`udp`](crate::udp).
    ///
    /// # Errors
    ///
    /// [`Address`](ErrorKind::Address): it is a Unix socket.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        let name = rustix::net::getsockname(&self.fd).map_err(std::io::Error::from)?;
        Address(name).ip().ok_or_else(|| Error::new(ErrorKind::Address, "it is no IP socket"))
    }

    fn connection(&self, newcomer: Newcomer) -> Result<Messages<Socket, Ready>> {
        let Newcomer { address, peer, taker } = newcomer;
        let ready = Ready::shared(
            Fd::sharing(Arc::clone(&self.fd))?.strategy(self.strategy),
            Arc::clone(taker.queue()),
            self.silent,
        );
        let running = Arc::clone(&self.running);
        let feed = Feed::Shared { taker, address: address.clone(), _running: running };
        let source = Source::new(Arc::clone(&self.fd), feed, peer, self.max_len, None);
        let target = Target::new(Arc::clone(&self.fd), Whom::Address(address), self.max_len);
        let messages = Messages::new(Socket { source, target }, ready);
        Ok(messages.on(Arc::clone(&self.endpoint)))
    }
}

impl Stream for Listener {
    type Item = Result<Messages<Socket, Ready>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Where many come, others have their turn in between.
        let coop = ready!(coop::poll_proceed(cx));
        let taken = ready!(self.newcomers.queue().poll_take(cx));
        coop.made_progress();
        match taken {
            Taken::Item(newcomer) => {
                tracing::debug!(peer = ?newcomer.peer, endpoint = %self.endpoint, "accepted");
                Poll::Ready(Some(self.connection(newcomer)))
            }
            Taken::End => Poll::Ready(None),
            Taken::Missed(_) | Taken::Nothing => {
                let cause = "the queue of peers is out of order";
                let error = Error::new(ErrorKind::Io, cause).doing("accept on");
                Poll::Ready(Some(Err(error.on(Arc::clone(&self.endpoint)))))
            }
        }
    }
}

impl From<Listener> for BoxListener {
    fn from(listener: Listener) -> Self {
        Self::new(listener.endpoint().clone(), listener)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
