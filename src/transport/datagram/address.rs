//! Where a datagram comes from or goes to.

use std::{fmt, net::SocketAddr};

use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix};

use crate::{Peer, Result, SocketName, sys};

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
    /// [`Address`](crate::ErrorKind::Address): a path that is too long.
    /// [`Unsupported`](crate::ErrorKind::Unsupported): an abstract name outside Linux and Android.
    pub fn of_name(name: &SocketName) -> Result<Self> {
        Ok(Self(match name {
            SocketName::Path(path) => {
                SocketAddrUnix::new(path.as_path()).map_err(std::io::Error::from)?.into()
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
        let unix = SocketAddrUnix::try_from(self.0.clone()).ok()?;
        if let Some(path) = unix.path_bytes() {
            use std::os::unix::ffi::OsStrExt;
            return Some(SocketName::Path(std::ffi::OsStr::from_bytes(path).into()));
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let name = std::str::from_utf8(unix.abstract_name()?).ok()?;
            Some(SocketName::Abstract(name.into()))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        None
    }

    /// What is known of whoever has it.
    pub(super) fn peer(&self) -> Peer {
        Peer { addr: self.ip(), ..Peer::default() }
    }
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
            (None, None) => f.write_str("a socket without a name"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}
