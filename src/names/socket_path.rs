use std::{
    ffi::OsStr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use super::directory::split;
use crate::{Error, ErrorKind, Result, sys};

/// A path that fits into a Unix socket's address, for connecting to it.
///
/// The address has room for [`SocketPath::MAX`] bytes. A longer path is reached on Linux through a
/// descriptor of its directory, as `/proc/self/fd/<number>/<name>`; the descriptor is held here,
/// so keep this until the call is done. The directory is not judged: a client may well use what
/// belongs to another user, and decides by the credentials of who answers.
///
/// # Examples
///
/// ```
/// use std::os::unix::net::{UnixListener, UnixStream};
/// use framewire::names::SocketPath;
///
/// # fn main() -> framewire::Result<()> {
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("jobs.sock");
/// let listener = UnixListener::bind(&path)?;
/// let stream = UnixStream::connect(SocketPath::of(&path)?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    // The path leads through it, where it is there.
    _directory: Option<OwnedFd>,
}

impl SocketPath {
    /// The longest path, in bytes, that fits as it is: 107 on Linux, 103 on macOS and the BSDs.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(framewire::names::SocketPath::MAX >= 91); // The least that any Unix has.
    /// ```
    pub const MAX: usize = sys::SOCKET_PATH_MAX;

    /// The path itself if it fits, else one that leads to the same file and does.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::SocketPath;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let path = SocketPath::of("/tmp/jobs.sock")?;
    /// assert_eq!(path.as_ref(), "/tmp/jobs.sock");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// * `Address`: it does not end in a name; or it is too long, and there is no other way on
    ///   this platform, or even the name alone is too long.
    /// * `NotFound`, `Denied`: it is long, and its directory cannot be opened.
    ///
    /// # Platform
    ///
    /// Long paths: Linux and Android with a mounted `/proc`. `unix(7)`, `proc_pid_fd(5)`.
    pub fn of(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (parent, name) = split(path)?;
        if fits(path) {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let parent = parent.unwrap_or(Path::new("."));
        let directory = sys::open_directory(parent).map_err(|cause| {
            Error::from(cause).doing(format!("open the directory {}", parent.display()))
        })?;
        let path = short(&directory, name, path.to_owned())?;
        Ok(Self { path, _directory: Some(directory) })
    }
}

impl AsRef<Path> for SocketPath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// `path` if it fits, else a path to the same name through the open directory. The readable one
/// is preferred since tools such as `ss` show what was bound to.
pub(super) fn short(directory: impl AsFd, name: &OsStr, path: PathBuf) -> Result<PathBuf> {
    if fits(&path) {
        return Ok(path);
    }
    let through = sys::path_of_directory(directory.as_fd());
    match through.map(|through| Path::new(&through).join(name)) {
        Some(through) if fits(&through) => Ok(through),
        _ => {
            let cause = format!(
                "a socket's path of {} bytes, limit {}: {}",
                length(&path),
                SocketPath::MAX,
                path.display()
            );
            Err(Error::new(ErrorKind::Address, cause).remedy("use a shorter path"))
        }
    }
}

fn fits(path: &Path) -> bool {
    length(path) <= SocketPath::MAX
}

fn length(path: &Path) -> usize {
    path.as_os_str().as_bytes().len()
}
