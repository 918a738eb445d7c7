//! Listening.

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::Stream;
use interprocess::{
    local_socket::{ListenerNonblockingMode, ListenerOptions, traits::Listener as _},
    os::unix::{local_socket::ListenerOptionsExt, uds_local_socket},
};

use super::{
    Connection, Options,
    connect::{abstract_name, is_alive, path_name},
};
use crate::{
    Endpoint, ErrorKind, Result, SocketName,
    names::{Claim, FileKind, Placed},
    sys,
    transport::accept::Backlog,
    wait::{Direction, Fd, Strategy, Wait},
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
pub struct Listener {
    /// Removed first, so that nobody connects to what nobody accepts from any more.
    placed: Option<Placed>,
    listener: uds_local_socket::Listener,
    ready: Fd,
    backlog: Backlog,
    options: Options,
    endpoint: Arc<Endpoint>,
}

impl Listener {
    pub(super) fn bind(
        options: &Options,
        name: &SocketName,
        endpoint: Arc<Endpoint>,
    ) -> Result<Self> {
        let (listener, placed) = match name {
            SocketName::Abstract(name) => {
                let named = ListenerOptions::new().name(abstract_name(name)?);
                let listener = listen(named, options).map_err(|error| match error.kind() {
                    ErrorKind::InUse => error.remedy("stop who has it, or choose another name"),
                    _ => error,
                })?;
                (listener, None)
            }
            SocketName::Path(path) => {
                let claim = Claim::take(path)?;
                if claim.finds(FileKind::Socket)? && is_alive(path)? {
                    return Err(claim.in_use());
                }
                let draft = claim.draft()?.mode(options.mode);
                let path = draft.socket_path()?;
                let named = ListenerOptions::new().name(path_name(&path)?);
                let listener = listen(named, options)?;
                (listener, Some(draft.place()?))
            }
        };
        tracing::debug!(%endpoint, "listening");
        Ok(Self {
            placed,
            ready: Fd::new(listener.as_fd().try_clone_to_owned()?)?.strategy(Strategy::Park),
            listener,
            backlog: Backlog::new(),
            options: options.clone(),
            endpoint,
        })
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
        &self.endpoint
    }
}

/// Binds and listens, without blocking in accept.
fn listen(named: ListenerOptions<'_>, options: &Options) -> Result<uds_local_socket::Listener> {
    let named = named.reclaim_name(false).nonblocking(ListenerNonblockingMode::Accept);
    let named = if sys::SOCKETS_HAVE_MODES { named.mode(options.mode as _) } else { named };
    let listener = named.create_sync_as::<uds_local_socket::Listener>()?;
    // interprocess has no say in the backlog; listening again changes it.
    rustix::net::listen(&listener, options.backlog.min(i32::MAX as u32) as i32)
        .map_err(std::io::Error::from)?;
    Ok(listener)
}

impl Stream for Listener {
    type Item = Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { listener, ready, backlog, options, endpoint, .. } = self.get_mut();
        let _entered = tracing::debug_span!("accept", %endpoint).entered();
        loop {
            let accepted = ready!(backlog.poll_accept(cx, |cx| {
                ready.poll_io(cx, Direction::Receive, || listener.accept())
            }));
            let connection = match accepted {
                Ok(stream) => options.connection(stream, endpoint),
                Err(error) => Err(error.into()),
            };
            match connection {
                Ok(connection) => {
                    tracing::debug!(peer = ?connection.peer(), "accepted");
                    return Poll::Ready(Some(Ok(connection)));
                }
                Err(error) if error.kind() == ErrorKind::Denied => {
                    tracing::warn!(%error, "turned a peer away");
                }
                Err(error) => {
                    return Poll::Ready(Some(Err(error.doing("accept on").on(endpoint.clone()))));
                }
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("endpoint", &self.endpoint)
            .field("placed", &self.placed)
            .finish_non_exhaustive()
    }
}
