//! Where a datagram comes from or goes to.

use std::{ffi::OsStr, fmt, net::SocketAddr, os::unix::ffi::OsStrExt};

use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix};

use crate::{Error, ErrorKind, Peer, Result, SocketName, names::SocketPath, sys};

/// The address of a datagram socket: an IP address and port, or the name of a Unix socket.
///
/// # Examples
///
/// ```
/// use framewire::{SocketName, udp::Address};
///
/// # fn main() -> framewire::Result<()> {
/// let address = Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], 7000)));
/// assert_eq!(address.to_string(), "127.0.0.1:7000");
/// assert_eq!(address.ip().map(|ip| ip.port()), Some(7000));
/// # if cfg!(unix) {
/// let address = Address::of_name(&SocketName::Path("/run/app.sock".into()))?;
/// assert_eq!(address.to_string(), "/run/app.sock");
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(pub(super) SocketAddrAny);

impl Address {
    /// The address of a Unix socket.
    ///
    /// # Examples
    ///
    /// See [`Address`].
    ///
    /// # Errors
    ///
    /// [`Address`](crate::ErrorKind::Address): a name that is too long, or a path with a zero in it.
    /// [`Unsupported`](crate::ErrorKind::Unsupported): an abstract name outside Linux and Android.
    pub fn of_name(name: &SocketName) -> Result<Self> {
        Ok(Self(match name {
            SocketName::Path(path) => {
                let bytes = path.as_os_str().as_bytes();
                if bytes.len() > SocketPath::MAX {
                    return Err(too_long(bytes.len(), SocketPath::MAX));
                }
                let unix = SocketAddrUnix::new(bytes).map_err(std::io::Error::from);
                unix.map_err(|error| Error::new(ErrorKind::Address, error))?.into()
            }
            SocketName::Abstract(name) if name.len() > SocketPath::MAX => {
                return Err(too_long(name.len(), SocketPath::MAX));
            }
            SocketName::Abstract(name) => sys::abstract_address(name)?.into(),
        }))
    }

    /// The IP address and port; `None` for a Unix socket's.
    ///
    /// # Examples
    ///
    /// See [`Address`].
    pub fn ip(&self) -> Option<SocketAddr> {
        match self.0.address_family() {
            AddressFamily::INET | AddressFamily::INET6 => self.0.clone().try_into().ok(),
            _ => None,
        }
    }

    /// The name of the Unix socket; `None` for an IP address, for a socket without a name, and for
    /// a name that is not text.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{SocketName, udp::Address};
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let name = SocketName::Path("/run/app.sock".into());
    /// assert_eq!(Address::of_name(&name)?.name(), Some(name));
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(&self) -> Option<SocketName> {
        match sys::unix_name(&self.0)? {
            [0, name @ ..] => Some(SocketName::Abstract(std::str::from_utf8(name).ok()?.into())),
            path => {
                let path = path.split(|byte| *byte == 0).next()?;
                Some(SocketName::Path(OsStr::from_bytes(path).into()))
            }
        }
    }

    /// What is known of whoever has it.
    pub(super) fn peer(&self) -> Peer {
        Peer { addr: self.ip(), ..Peer::default() }
    }
}

fn too_long(len: usize, max: usize) -> Error {
    let cause = format!("a socket's name of {len} bytes, limit {max}");
    Error::new(ErrorKind::Address, cause).remedy("use a shorter name")
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self(address.into())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ip(), self.name()) {
            (Some(ip), _) => write!(f, "{ip}"),
            (None, Some(name)) => write!(f, "{name}"),
            (None, None) => f.write_str("a socket whose name is no text"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
