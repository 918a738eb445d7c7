use std::{fmt, path::Path};

use crate::{Error, ErrorKind, Result, sys::Entry};

/// What kind of file stands at a name. Prints with its article: "a symbolic link".
///
/// # Examples
///
/// ```
/// use framewire::names::FileKind;
///
/// assert_eq!(FileKind::Fifo.to_string(), "a FIFO");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A Unix-domain socket, listened on or not.
    Socket,
    /// A named pipe.
    Fifo,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads, if anywhere.
    Symlink,
    /// A character or block device.
    Device,
    /// Something that only this platform has.
    Other,
}

impl FileKind {
    /// What stands at `path` itself, a symbolic link in its last component not being followed;
    /// `None` if nothing does.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::FileKind;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("notes");
    /// assert_eq!(FileKind::at(&path)?, None);
    /// std::fs::write(&path, "x")?;
    /// assert_eq!(FileKind::at(&path)?, Some(FileKind::File));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The path leads through something that is not a directory, or that may not be searched.
    ///
    /// # Platform
    ///
    /// `lstat(2)`.
    pub fn at(path: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = path.as_ref();
        let entry = Entry::at_path(path)
            .map_err(|cause| Error::from(cause).doing(format!("look at {}", path.display())))?;
        Ok(entry.map(|entry| entry.kind))
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "a socket",
            Self::Fifo => "a FIFO",
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Device => "a device",
            Self::Other => "a file of a kind that is not known here",
        })
    }
}

impl Entry {
    /// Refuses what is not of this kind, or not ours. `path` is for the message.
    pub(crate) fn expect(&self, kind: FileKind, path: &Path) -> Result<()> {
        let path = path.display();
        let ours = crate::sys::our_uid();
        let found = if self.kind != kind {
            format!("{path} is {}, not {kind}", self.kind)
        } else if self.owner != ours {
            format!("{path} is {kind} of user {}, and we are user {ours}", self.owner)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Denied, found)
            .remedy("move it away by hand, or choose another path"))
    }
}
