//! Connecting, with patience where it helps.

use std::{ffi::OsStr, io, os::fd::AsFd, path::Path, time::Duration};

use interprocess::{
    ConnectWaitMode,
    local_socket::{ConnectOptions, GenericFilePath, GenericNamespaced, Name, ToFsName, ToNsName},
    os::unix::uds_local_socket::Stream,
};
use tokio::time::{Instant, sleep};

use super::Options;
use crate::{Error, ErrorKind, Result, SocketName, names::SocketPath, sys};

/// The first pause between two tries, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Connects, and tries again where `options` say so.
pub(super) async fn connect(options: &Options, name: &SocketName) -> Result<Stream> {
    let until = Instant::now() + options.deadline;
    let mut pause = PAUSE.0;
    loop {
        let error = match try_connect(name) {
            Ok(stream) => return Ok(stream),
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
        if Instant::now() >= until {
            let waited = format!("{error}, for all of {:?}", options.deadline);
            return Err(Error::new(ErrorKind::TimedOut, waited).remedy("is the listener stuck?"));
        }
        sleep(pause).await;
        pause = (2 * pause).min(PAUSE.1);
    }
}

/// One try, which never blocks.
fn try_connect(name: &SocketName) -> Result<Stream> {
    match name {
        SocketName::Path(path) => {
            let path = SocketPath::of(path)?;
            connect_now(path_name(path.as_ref())?)
        }
        SocketName::Abstract(name) => connect_now(abstract_name(name)?),
    }
}

fn connect_now(name: Name<'_>) -> Result<Stream> {
    // Deferring what of the connection is not made at once is how to ask for not blocking.
    let connected = ConnectOptions::new()
        .name(name)
        .wait_mode(ConnectWaitMode::Deferred)
        .nonblocking_stream(true)
        .connect_sync_as::<Stream>();
    let stream = connected.map_err(explained)?;
    // A Unix socket connects at once or not at all; where the backlog is full, interprocess hands
    // out one that is not connected.
    if sys::is_connected(stream.as_fd())? {
        return Ok(stream);
    }
    Err(Error::new(ErrorKind::Exhausted, "the listener's backlog is full"))
}

/// Whether somebody listens on the socket file at `path`.
pub(super) fn is_alive(path: &Path) -> Result<bool> {
    match try_connect(&path.into()) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::Exhausted => Ok(true),
        Err(error) => Err(error),
    }
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

fn explained(error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "nothing has that name: start the listener first",
        io::ErrorKind::ConnectionRefused => "a listener was there and is gone: start it again",
        io::ErrorKind::PermissionDenied => "the socket's mode and its directory's say who may",
        _ => return error.into(),
    };
    Error::from(error).remedy(remedy)
}
