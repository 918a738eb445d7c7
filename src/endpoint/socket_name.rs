//! The name of a Unix-domain socket.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::refusal::{quoted, refused};
use crate::{Error, Result};

/// `sun_path` has 108 bytes on Linux, and an abstract name spends the first on its leading NUL.
const MAX_ABSTRACT: usize = 107;

/// The name of a Unix-domain socket: a path, or a name in Linux's abstract namespace.
///
/// [`str::parse`] is strict: `/an/absolute/path`, or `@name` with 1 to 107 bytes of name. The
/// `From` conversions take any path, relative ones too, and leave the checking to the verb; a
/// string that starts with `@` is an abstract name there as well, a [`Path`] is always a path.
///
/// How long a socket's path may be depends on the platform (107 bytes on Linux, 103 on macOS and
/// the BSDs), so that is checked by the verbs and not here. Abstract names have no permissions:
/// whoever shares the network namespace can connect.
///
/// # Examples
///
/// ```
/// use framewire::SocketName;
///
/// # fn main() -> framewire::Result<()> {
/// assert_eq!("/run/app.sock".parse::<SocketName>()?, SocketName::Path("/run/app.sock".into()));
/// assert_eq!("@app".parse::<SocketName>()?, SocketName::Abstract("app".into()));
/// assert_eq!(SocketName::from("app.sock").to_string(), "app.sock");
/// # Ok(())
/// # }
/// ```
///
/// # Platform
///
/// Abstract names exist on Linux and Android only (unix(7)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocketName {
    /// A socket file.
    Path(PathBuf),
    /// A name without a file (Linux, Android), written `@name`; the `@` is not part of it.
    Abstract(String),
}

impl FromStr for SocketName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.contains('\0') {
            return Err(refused("a NUL byte in the name of a socket", "leave the NUL byte out"));
        }
        if text.starts_with('/') {
            return Ok(Self::Path(text.into()));
        }
        match text.strip_prefix('@') {
            None => Err(refused(
                format!("{} is neither an absolute path nor an abstract name", quoted(text)),
                "write /the/whole/path, or @name for an abstract name",
            )),
            Some("") => Err(refused("an abstract name is missing", "write a name after the @")),
            Some(name) if name.len() > MAX_ABSTRACT => Err(refused(
                format!("an abstract name of {} bytes, limit {MAX_ABSTRACT}", name.len()),
                "choose a shorter name",
            )),
            Some(name) => Ok(Self::Abstract(name.into())),
        }
    }
}

/// As it is parsed. A path that is not UTF-8 is printed with replacement characters.
impl fmt::Display for SocketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

impl From<&str> for SocketName {
    fn from(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(name) => Self::Abstract(name.into()),
            None => Self::Path(text.into()),
        }
    }
}

impl From<String> for SocketName {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Path> for SocketName {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for SocketName {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}
