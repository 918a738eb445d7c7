//! Connecting, with patience where it helps.

use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::Duration,
};

use interprocess::{
    ConnectWaitMode,
    local_socket::{ConnectOptions, GenericFilePath, GenericNamespaced, Name, ToFsName, ToNsName},
    os::unix::uds_local_socket::Stream,
};
use rustix::{
    io::Errno,
    net::{SocketAddrUnix, SocketType},
};
use tokio::time::Instant;

use super::Options;
use crate::{
    Error, ErrorKind, Result, SocketName,
    names::{FileKind, SocketPath},
    runtime, sys,
};

/// The first pause between two tries, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));
const START: &str = "nothing has that name: start the listener first";

/// Connects a socket of this type, and tries again where `options` say so.
pub(in crate::transport) async fn connect(
    options: &Options,
    name: &SocketName,
    kind: SocketType,
) -> Result<OwnedFd> {
    // One that is too far away to be told is none.
    let until = Instant::now().checked_add(options.deadline);
    let mut pause = PAUSE.0;
    loop {
        let error = match try_connect(name, kind) {
            Ok(socket) => return Ok(socket),
            Err(error) => error,
        };
        let again = match error.kind() {
            ErrorKind::Exhausted => error.raw_os_error().is_none(),
            ErrorKind::NotFound => options.wait_for_listener,
            _ => false,
        };
        if !again {
            return Err(error);
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            let waited = format!("{error}, for all of {:?}", options.deadline);
            let remedy = match error.kind() {
                ErrorKind::Exhausted => "is the listener stuck?",
                _ => "raise `unix::Options::deadline` if it is late",
            };
            return Err(Error::new(ErrorKind::TimedOut, waited).remedy(remedy));
        }
        runtime::sleep(pause)?.await;
        pause = (2 * pause).min(PAUSE.1);
    }
}

/// One try, which never blocks.
fn try_connect(name: &SocketName, kind: SocketType) -> Result<OwnedFd> {
    match name {
        SocketName::Path(path) => {
            let short = SocketPath::of(path)?;
            let connected = if kind == SocketType::STREAM {
                connect_stream(path_name(short.as_ref())?)
            } else {
                connect_packets(&SocketAddrUnix::new(short.as_ref()).map_err(io_error)?, kind)
            };
            connected.map_err(|error| explained(error, path))
        }
        SocketName::Abstract(name) => {
            let connected = if kind == SocketType::STREAM {
                connect_stream(abstract_name(name)?)
            } else {
                connect_packets(&sys::abstract_address(name)?, kind)
            };
            connected.map_err(|error| {
                let refused = error.kind() == ErrorKind::NotFound;
                if refused { error.remedy(START) } else { error }
            })
        }
    }
}

fn connect_stream(name: Name<'_>) -> Result<OwnedFd> {
    // Deferring what of the connection is not made at once is how to ask for not blocking.
    let connected = ConnectOptions::new()
        .name(name)
        .wait_mode(ConnectWaitMode::Deferred)
        .nonblocking_stream(true)
        .connect_sync_as::<Stream>();
    let stream = connected?;
    // A Unix socket connects at once or not at all; where the backlog is full, interprocess hands
    // out one that is not connected.
    if sys::is_connected(stream.as_fd())? {
        return Ok(stream.into());
    }
    Err(backlog_is_full())
}

/// interprocess knows stream sockets only.
fn connect_packets(address: &SocketAddrUnix, kind: SocketType) -> Result<OwnedFd> {
    let socket = sys::packet_socket(kind)?;
    match rustix::net::connect(&socket, address) {
        Ok(()) => Ok(socket),
        Err(Errno::AGAIN) => Err(backlog_is_full()),
        Err(errno) => Err(io_error(errno)),
    }
}

fn backlog_is_full() -> Error {
    Error::new(ErrorKind::Exhausted, "the listener's backlog is full")
}

fn io_error(errno: Errno) -> Error {
    io::Error::from(errno).into()
}

/// Whether somebody listens on the socket file at `path`, with a socket of this type or another.
pub(super) fn is_alive(path: &Path, kind: SocketType) -> Result<bool> {
    match try_connect(&path.into(), kind) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::Exhausted => Ok(true),
        Err(error) if is_of_another_type(&error) => Ok(true),
        // A datagram socket that is connected to somebody else.
        Err(error) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => Ok(true),
        Err(error) => Err(error),
    }
}

fn is_of_another_type(error: &Error) -> bool {
    error.raw_os_error() == Some(Errno::PROTOTYPE.raw_os_error())
}

/// A path as interprocess takes it.
pub(super) fn path_name(path: &Path) -> io::Result<Name<'_>> {
    path.to_fs_name::<GenericFilePath>()
}

/// An abstract name as interprocess takes it.
pub(super) fn abstract_name(name: &str) -> Result<Name<'_>> {
    if !sys::HAS_ABSTRACT_NAMES {
        return Err(Error::new(ErrorKind::Unsupported, "only Linux has abstract socket names")
            .remedy("use a path"));
    }
    Ok(OsStr::new(name).to_ns_name::<GenericNamespaced>()?)
}

/// Says what can be done where connecting to a path failed.
fn explained(error: Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::NotFound => match FileKind::at(path) {
            Ok(None) => error.remedy(START),
            // The system answers that nobody listens on a directory or a file as well.
            Ok(Some(kind)) if kind != FileKind::Socket && kind != FileKind::Symlink => {
                let cause = format!("{} is {kind}, not a socket", path.display());
                Error::new(ErrorKind::NotFound, cause).remedy("is the path right?")
            }
            _ => error.remedy("a listener was there and is gone: start it again"),
        },
        _ if is_of_another_type(&error) => {
            error.remedy("unix, seqpacket and datagram are three: does the scheme match?")
        }
        ErrorKind::Denied => error.remedy("the socket's mode and its directory's say who may"),
        _ => error,
    }
}
