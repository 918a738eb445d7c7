//! Addresses: `scheme://rest`.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::{Error, ErrorKind};

/// The name of a Unix-domain socket: a path, or a name in Linux's abstract namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// A socket file.
    Path(PathBuf),
    /// A name without a file (Linux, Android), written `@name`.
    Abstract(String),
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// Unix stream.
    Unix(SocketName),
}

impl FromStr for Endpoint {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        Err(Error::new(ErrorKind::Address, format!("unknown scheme in {s}")))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
