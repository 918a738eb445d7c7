//! A socket that accepts, of either type that has connections.

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::Arc,
    task::{Context, Poll, ready},
};

use interprocess::{
    local_socket::{ListenerNonblockingMode, ListenerOptions},
    os::unix::{local_socket::ListenerOptionsExt, uds_local_socket},
};
use rustix::net::{SocketAddrUnix, SocketType};

use super::{
    Options,
    connect::{abstract_name, is_alive, path_name},
};
use crate::{
    Endpoint, Error, ErrorKind, Peer, Result, SocketName,
    handover::{Handle, Held, Inherited},
    names::{Claim, FileKind, Placed},
    sys::{self, What},
    transport::accept::Backlog,
    wait::{Direction, Fd, Strategy},
};

/// A bound socket, the right to its name, and who may connect.
pub(in crate::transport) struct Listening {
    // Dropped before the socket: while the name is there, somebody is behind it.
    held: Arc<Held<Arc<OwnedFd>>>,
    socket: Fd,
    backlog: Backlog,
    /// Peers see another process in this one's place: whoever listened on the socket before.
    borrowed: bool,
    pub(super) options: Options,
    pub(in crate::transport) endpoint: Arc<Endpoint>,
}

impl Listening {
    /// Binds a socket of this type to the name and listens.
    pub(in crate::transport) fn bind(
        options: &Options,
        name: &SocketName,
        endpoint: Arc<Endpoint>,
        kind: SocketType,
    ) -> Result<Self> {
        let (socket, placed) = self::bind(options, name, kind)?;
        Self::new(socket, placed, Backlog::new(), options, endpoint)
    }

    /// A socket that was made elsewhere, and is listened on already: it must be `wanted`.
    pub(in crate::transport) fn adopt(
        options: &Options,
        inherited: Inherited,
        wanted: What,
        endpoint: fn(SocketName) -> Endpoint,
    ) -> Result<Self> {
        inherited.expect(wanted)?;
        let Inherited { socket, placed, opened } = inherited;
        let bound = || sys::socket_name(socket.as_fd());
        let name = match &placed {
            // It was bound to another name, and given this one afterwards.
            Some(placed) => SocketName::Path(placed.path().to_owned()),
            None => bound()?.ok_or_else(|| Error::new(ErrorKind::Malformed, "it has no name"))?,
        };
        // Whoever shares the open file sees it too, and is advised to expect it: systemd.socket(5).
        sys::set_nonblocking(socket.as_fd())?;
        let endpoint = Arc::new(endpoint(name));
        let listening = Self::new(socket, placed, Backlog::after(opened), options, endpoint)?;
        Ok(Self { borrowed: true, ..listening })
    }

    fn new(
        socket: OwnedFd,
        placed: Option<Placed>,
        backlog: Backlog,
        options: &Options,
        endpoint: Arc<Endpoint>,
    ) -> Result<Self> {
        let socket = Fd::new(socket)?.strategy(Strategy::Park);
        let held = Held::new(socket.share(), placed);
        tracing::debug!(%endpoint, "listening");
        Ok(Self { held, socket, backlog, borrowed: false, options: options.clone(), endpoint })
    }

    pub(in crate::transport) fn handle(&self) -> Handle {
        Handle::of(Arc::clone(&self.held))
    }

    /// Accepts the next who may connect; the others are turned away.
    pub(in crate::transport) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(OwnedFd, Peer)>> {
        let Self { socket, backlog, borrowed, options, endpoint, .. } = self;
        let _entered = tracing::debug_span!("accept", %endpoint).entered();
        loop {
            let accepted = ready!(backlog.poll_accept(cx, |cx| {
                if *borrowed {
                    sys::listen(socket.as_fd(), options.backlog)?;
                    *borrowed = false;
                }
                socket.poll_fd(cx, Direction::Receive, sys::accept)
            }));
            let admitted = match accepted {
                Ok(socket) => options.admit(socket, endpoint),
                Err(error) => Err(error.into()),
            };
            match admitted {
                Ok((socket, peer)) => {
                    tracing::debug!(?peer, "accepted");
                    return Poll::Ready(Ok((socket, peer)));
                }
                Err(error) if error.kind() == ErrorKind::Denied => {
                    tracing::warn!(%error, "turned a peer away");
                }
                Err(error) => {
                    return Poll::Ready(Err(error.doing("accept on").on(Arc::clone(endpoint))));
                }
            }
        }
    }
}

/// Binds a socket of this type to the name.
pub(super) fn bind(
    options: &Options,
    name: &SocketName,
    kind: SocketType,
) -> Result<(OwnedFd, Option<Placed>)> {
    match name {
        SocketName::Abstract(name) => match bind_abstract(name, options, kind) {
            Ok(socket) => Ok((socket, None)),
            Err(error) if error.kind() == ErrorKind::InUse => {
                Err(error.remedy("stop who has it, or choose another name"))
            }
            Err(error) => Err(error),
        },
        SocketName::Path(path) => {
            let (socket, placed) = place(options, path, kind)?;
            Ok((socket, Some(placed)))
        }
    }
}

/// Gives a connected datagram socket a name, for whoever it sends to to answer to.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn name_for_answers(socket: BorrowedFd<'_>) -> Result<Option<Placed>> {
    // The kernel finds one that nobody has, and takes it back with the socket.
    sys::bind_with_mode(socket, &SocketAddrUnix::new_unnamed(), 0o600)?;
    Ok(None)
}

/// Gives a connected datagram socket a name, for whoever it sends to to answer to.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn name_for_answers(socket: BorrowedFd<'_>) -> Result<Option<Placed>> {
    use std::hash::{BuildHasher, RandomState};

    let directory = crate::names::Directory::private("framewire")?;
    let number = RandomState::new().hash_one(std::process::id());
    let draft = Claim::take(directory.path().join(format!("{number:016x}")))?.draft()?;
    let address = SocketAddrUnix::new(&draft.socket_path()?).map_err(std::io::Error::from)?;
    sys::bind_with_mode(socket, &address, 0o600)?;
    Ok(Some(draft.place()?))
}

/// Makes a socket of this type under a temporary name and moves it over the final one, in whose
/// place there is nothing by then or what a killed process left; a datagram socket is made there,
/// where it has its mode before it has its name.
fn place(options: &Options, path: &Path, kind: SocketType) -> Result<(OwnedFd, Placed)> {
    let claim = Claim::take(path)?;
    if claim.finds(FileKind::Socket)? && is_alive(path, kind)? {
        return Err(claim.in_use());
    }
    if kind == SocketType::DGRAM && sys::SOCKETS_HAVE_MODES {
        // It tells its peers the name that it was bound to: they are to answer to the final one.
        let socket = sys::packet_socket(kind)?;
        let placed = claim.make(FileKind::Socket, options.mode, |path| {
            sys::bind_with_mode(socket.as_fd(), &SocketAddrUnix::new(path)?, options.mode)
        })?;
        return Ok((socket, placed));
    }
    let draft = claim.draft()?.mode(options.mode);
    let path = draft.socket_path()?;
    let socket = if kind == SocketType::STREAM {
        listen(ListenerOptions::new().name(path_name(&path)?), options)?
    } else {
        let address = SocketAddrUnix::new(&path).map_err(std::io::Error::from)?;
        bind_packets(&address, options, kind)?
    };
    Ok((socket, draft.place()?))
}

/// Binds a socket of this type to an abstract name.
fn bind_abstract(name: &str, options: &Options, kind: SocketType) -> Result<OwnedFd> {
    if kind == SocketType::STREAM {
        return listen(ListenerOptions::new().name(abstract_name(name)?), options);
    }
    bind_packets(&sys::abstract_address(name)?, options, kind)
}

/// Binds and listens, without blocking in accept.
fn listen(named: ListenerOptions<'_>, options: &Options) -> Result<OwnedFd> {
    let named = named.reclaim_name(false).nonblocking(ListenerNonblockingMode::Accept);
    let named = if sys::SOCKETS_HAVE_MODES { named.mode(options.mode as _) } else { named };
    let listener = named.create_sync_as::<uds_local_socket::Listener>()?;
    // interprocess has no say in the backlog; listening again changes it.
    sys::listen(listener.as_fd(), options.backlog)?;
    Ok(listener.into())
}

/// The same for the sockets that interprocess does not know. Datagram sockets do not listen.
fn bind_packets(address: &SocketAddrUnix, options: &Options, kind: SocketType) -> Result<OwnedFd> {
    let socket = sys::packet_socket(kind)?;
    sys::bind_with_mode(socket.as_fd(), address, options.mode)?;
    if kind != SocketType::DGRAM {
        sys::listen(socket.as_fd(), options.backlog)?;
    }
    Ok(socket)
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("endpoint", &self.endpoint)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}
