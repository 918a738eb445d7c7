//! What a descriptor is, to be told from others before it is used as one thing.

use std::{
    ffi::OsStr,
    fmt, io,
    os::{fd::BorrowedFd, unix::ffi::OsStrExt},
};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, getpeername, getsockname, sockopt};

use super::Entry;
use crate::{SocketName, names::FileKind};

/// Where a socket's peers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Unix,
    Internet,
    Other,
}

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Socket { family: Family, kind: SocketType, listening: bool, connected: bool },
    File(FileKind),
}

impl What {
    pub(crate) fn is(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let file = Entry::of(fd)?.kind;
        if file != FileKind::Socket {
            return Ok(Self::File(file));
        }
        let family = match getsockname(fd)?.address_family() {
            AddressFamily::UNIX => Family::Unix,
            AddressFamily::INET | AddressFamily::INET6 => Family::Internet,
            _ => Family::Other,
        };
        let kind = sockopt::socket_type(fd)?;
        let connected = getpeername(fd).is_ok();
        Ok(Self::Socket { family, kind, listening: is_listening(fd, connected)?, connected })
    }

    /// A stream socket of this family that is listened on.
    pub(crate) fn listener(family: Family) -> Self {
        Self::Socket { family, kind: SocketType::STREAM, listening: true, connected: false }
    }

    /// A Unix socket that keeps boundaries and is listened on.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn packet_listener() -> Self {
        let (family, kind) = (Family::Unix, SocketType::SEQPACKET);
        Self::Socket { family, kind, listening: true, connected: false }
    }

    /// A stream socket of this family that has a peer.
    pub(crate) fn connection(family: Family) -> Self {
        Self::Socket { family, kind: SocketType::STREAM, listening: false, connected: true }
    }
}

#[cfg(not(target_vendor = "apple"))]
fn is_listening(fd: BorrowedFd<'_>, _: bool) -> io::Result<bool> {
    Ok(sockopt::socket_acceptconn(fd)?)
}

/// Apple has a name for the option and does not answer it: accept(2) will tell.
#[cfg(target_vendor = "apple")]
fn is_listening(_: BorrowedFd<'_>, connected: bool) -> io::Result<bool> {
    Ok(!connected)
}

/// As in "it is a listening TCP socket".
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, kind, listening, connected) = match *self {
            Self::File(file) => return file.fmt(f),
            Self::Socket { family, kind, listening, connected } => {
                (family, kind, listening, connected)
            }
        };
        let state = match (listening, connected) {
            (true, _) => "a listening",
            (_, true) => "a connected",
            _ if kind == SocketType::STREAM => "an unconnected",
            _ => "a",
        };
        let kind = match (family, kind) {
            (Family::Unix, SocketType::STREAM) => "Unix stream",
            (Family::Unix, SocketType::SEQPACKET) => "Unix seqpacket",
            (Family::Unix, SocketType::DGRAM) => "Unix datagram",
            (Family::Internet, SocketType::STREAM) => "TCP",
            (Family::Internet, SocketType::DGRAM) => "UDP",
            _ => "foreign",
        };
        write!(f, "{state} {kind} socket")
    }
}

/// The name that a Unix socket was bound to, if it was.
pub(crate) fn socket_name(fd: BorrowedFd<'_>) -> io::Result<Option<SocketName>> {
    let Ok(address) = SocketAddrUnix::try_from(getsockname(fd)?) else { return Ok(None) };
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.abstract_name().filter(|name| !name.is_empty()) {
        // A name that is no text is shown as far as it is: nobody can ask us for it anyway.
        return Ok(Some(SocketName::Abstract(String::from_utf8_lossy(name).into_owned())));
    }
    let path = address.path_bytes().filter(|path| !path.is_empty());
    Ok(path.map(|path| SocketName::Path(OsStr::from_bytes(path).into())))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        net::{TcpListener, TcpStream, UdpSocket},
        os::{
            fd::AsFd,
            unix::net::{UnixDatagram, UnixListener, UnixStream},
        },
    };

    use super::*;

    fn what(fd: impl AsFd) -> (What, String) {
        let what = What::is(fd.as_fd()).unwrap();
        (what, what.to_string())
    }

    #[test]
    fn each_is_told_from_the_others() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("e.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (is, said) = what(&listener);
        assert_eq!((is, &*said), (What::listener(Family::Unix), "a listening Unix stream socket"));
        assert_eq!(socket_name(listener.as_fd()).unwrap(), Some(SocketName::Path(path)));

        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (is, said) = what(&ours);
        assert_eq!(
            (is, &*said),
            (What::connection(Family::Unix), "a connected Unix stream socket")
        );
        assert_eq!(socket_name(ours.as_fd()).unwrap(), None);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (is, said) = what(&listener);
        assert_eq!((is, &*said), (What::listener(Family::Internet), "a listening TCP socket"));
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(what(&stream).0, What::connection(Family::Internet));

        assert_eq!(what(UnixDatagram::unbound().unwrap()).1, "a Unix datagram socket");
        assert_eq!(what(UdpSocket::bind("127.0.0.1:0").unwrap()).1, "a UDP socket");
        let fresh = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        assert_eq!(what(fresh).1, "an unconnected Unix stream socket");
        assert_eq!(what(File::open("/").unwrap()).1, "a directory");
    }
}
