//! Listening.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;
use rustix::net::SocketType;
use tracing::Instrument;

use super::{
    Connection, Options,
    introduction::{self, Introduction},
};
use crate::{
    BoxListener, Endpoint, Peer, Result, SocketName,
    handover::{Handle, Inherited},
    sys::What,
    transport::{handshakes::Handshakes, unix::listening::Listening},
};

/// How many peers may be half introduced, and how much of its deadline each may take where another
/// waits for its place. An introduction is one packet that a peer has ready when it connects: it
/// takes no round trip.
const PLACES: usize = 64;
const SHARE: u32 = 100;

/// A name that is listened on: a `Stream` of those who connect, which never ends.
///
/// Those who connect are introduced side by side, while the stream is polled: one that says nothing
/// holds up nobody. What fails, and who is not allowed here, is an event for `tracing` and no item
/// of the stream; where descriptors run out, it turns a waiting peer away, pauses and goes on.
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// `next` is cancel-safe: introductions that have begun go on with the next call.
#[derive(Debug)]
pub struct Listener {
    listening: Listening,
    /// Accepted, and without a place among the introductions.
    waiting: Option<(OwnedFd, Peer)>,
    introductions: Handshakes<Option<Connection>>,
    options: Options,
}

impl Listener {
    pub(super) fn bind(
        options: &Options,
        name: &SocketName,
        endpoint: Arc<Endpoint>,
    ) -> Result<Self> {
        let listening = Listening::bind(&options.unix, name, endpoint, SocketType::SEQPACKET)?;
        Ok(Self::new(listening, options))
    }

    /// A socket that was made elsewhere, and is listened on already.
    pub(super) fn adopt(options: &Options, inherited: Inherited) -> Result<Self> {
        let wanted = What::packet_listener();
        let listening = Listening::adopt(&options.unix, inherited, wanted, Endpoint::Shm)?;
        Ok(Self::new(listening, options))
    }

    fn new(listening: Listening, options: &Options) -> Self {
        let introductions = Handshakes::new(PLACES, options.unix.deadline / SHARE);
        Self { listening, waiting: None, introductions, options: options.clone() }
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
    /// use framewire::shm;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("e.sock");
    /// let listener = shm::listen(&*path).await?;
    /// assert_eq!(listener.endpoint().scheme(), "shm");
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        &self.listening.endpoint
    }

    /// Begins to be introduced to who was accepted.
    fn begin(&mut self, socket: OwnedFd, peer: Peer) -> Result<()> {
        let endpoint = Arc::clone(&self.listening.endpoint);
        let span = tracing::debug_span!("introduce", %endpoint, pid = peer.pid(), uid = peer.uid());
        let (options, deadline) = (self.options.clone(), self.options.unix.deadline);
        let looking = self.options.look(socket);
        let introduced = async move {
            let (socket, peer) = looking?;
            Introduction::new(socket, peer, &options)?.answer().await
        };
        let introduced = introduction::within(deadline, deadline, introduced)?;
        let options = self.options.clone();
        let outcome = async move {
            let connection = introduced.await.and_then(|introduced| options.connection(introduced));
            match connection {
                Ok(connection) => {
                    tracing::debug!("done");
                    Some(connection.on(endpoint))
                }
                Err(error) => {
                    tracing::warn!(kind = ?error.kind(), %error, "a peer was not introduced");
                    None
                }
            }
        };
        self.introductions.begin(outcome.instrument(span));
        Ok(())
    }
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = self.get_mut();
        loop {
            while let Poll::Ready(ended) = listener.introductions.poll_ended(cx) {
                if let Some(connection) = ended {
                    return Poll::Ready(Some(Ok(connection)));
                }
            }
            if listener.waiting.is_none() {
                match ready!(listener.listening.poll_accept(cx)) {
                    Ok(accepted) => listener.waiting = Some(accepted),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            ready!(listener.introductions.poll_room(cx));
            if let Some((socket, peer)) = listener.waiting.take() {
                if let Err(error) = listener.begin(socket, peer) {
                    let endpoint = Arc::clone(&listener.listening.endpoint);
                    return Poll::Ready(Some(Err(error.doing("accept on").on(endpoint))));
                }
            }
        }
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
