use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry},
};

/// An open directory in which names are safe: nobody but us, and root, can remove or replace what
/// we put there.
///
/// What is done in it is done through its descriptor, so that it stays this directory whatever
/// becomes of its path.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Our own private directory for the names of the program `app`, made if there is none: the
    /// first that can be of
    ///
    /// 1. `$XDG_RUNTIME_DIR/<app>`, if the variable holds an absolute path that exists;
    /// 2. `/run/user/<uid>/<app>`, if there is such a user directory;
    /// 3. `/tmp/<app>-<uid>`.
    ///
    /// It is created 0700, is never a symbolic link, and stays when the `Directory` is dropped:
    /// other processes of the same user and program find each other in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::Directory;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let app = format!("framewire-doc-{}", std::process::id());
    /// # let app = app.as_str();
    /// let directory = Directory::private(app)?;
    /// let jobs = directory.path().join("jobs.sock");
    /// assert!(jobs.is_absolute());
    /// # std::fs::remove_dir(directory.path())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// * `Address`: `app` is not one plain component of a path.
    /// * `Denied`: what has that name is no directory, belongs to another user, or lets others in;
    ///   or the directory above it does not obey the rule of [`Directory::of`]. There is no
    ///   falling back to the next place then: peers would look for each other in vain.
    ///
    /// # Platform
    ///
    /// Unix; `mkdirat(2)`, `openat(2)`. The user is the effective one.
    pub fn private(app: &str) -> Result<Self> {
        if split(Path::new(app))?.0.is_some() {
            let cause = format!("{app:?} is not one component of a path");
            return Err(Error::new(ErrorKind::Address, cause).remedy("leave out the slashes"));
        }
        let uid = sys::our_uid();
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        // The specification of the variable says to ignore a relative path.
        let runtime = runtime.filter(|path| path.is_absolute());
        for base in runtime.into_iter().chain([PathBuf::from(format!("/run/user/{uid}"))]) {
            match sys::open_directory(&base) {
                Ok(fd) => return Self::checked(fd, base)?.private_child(OsStr::new(app)),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => {
                    return Err(Error::from(cause)
                        .doing(format!("open the directory {}", base.display()))
                        .remedy("point XDG_RUNTIME_DIR to a directory of your own"));
                }
            }
        }
        Self::open("/tmp".into())?.private_child(OsStr::new(&format!("{app}-{uid}")))
    }

    /// A private directory of this name in `base`, wherever the environment says that others are.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn private_in(base: &Path, name: &str) -> Result<Self> {
        Self::open(base.to_owned())?.private_child(OsStr::new(name))
    }

    /// The directory that `path` lies in, if it is safe to put a name there.
    ///
    /// The rule: it belongs to us or to root, and nobody else may write to it, neither its group
    /// nor others; only a sticky directory of root's, such as `/tmp`, may be open to all.
    /// Whoever can write to a directory without that can replace any name in it. The directories
    /// above are not judged, nor is the way there: symbolic links to directories are followed.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::Directory;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// let directory = Directory::of("/tmp/jobs.sock")?;
    /// assert_eq!(directory.path(), "/tmp");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// * `Address`: the path does not end in a name.
    /// * `NotFound`: there is no such directory.
    /// * `Denied`: it breaks the rule, or may not be opened.
    ///
    /// # Platform
    ///
    /// Unix; `open(2)`, `fstat(2)`. It must be readable as well as searchable.
    pub fn of(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::and_name_of(path.as_ref())?.0)
    }

    /// As [`Directory::of`], with the name in that directory.
    pub(super) fn and_name_of(path: &Path) -> Result<(Self, OsString)> {
        let (parent, name) = split(path)?;
        let directory = Self::open(parent.unwrap_or(Path::new(".")).to_owned())?;
        Ok((directory, name.to_owned()))
    }

    /// The path by which it was found.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::names::Directory;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// assert_eq!(Directory::of("/tmp/a")?.path(), "/tmp");
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory that another process has judged and shares with us.
    pub(super) fn shared(fd: OwnedFd, path: PathBuf) -> Self {
        Self { fd, path }
    }

    fn open(path: PathBuf) -> Result<Self> {
        let fd = sys::open_directory(&path).map_err(|cause| {
            let missing = cause.kind() == io::ErrorKind::NotFound;
            let error = Error::from(cause).doing(format!("open the directory {}", path.display()));
            let remedy = || format!("create the directory {} first", path.display());
            if missing { error.remedy(remedy()) } else { error }
        })?;
        Self::checked(fd, path)
    }

    /// Applies the rule to a directory of the user's choosing.
    fn checked(fd: OwnedFd, path: PathBuf) -> Result<Self> {
        const WRITABLE: u32 = 0o022;
        const STICKY: u32 = 0o1000;
        const ROOT: u32 = 0;
        let entry = Entry::of(&fd)?;
        let shown = path.display();
        if entry.owner != ROOT && entry.owner != sys::our_uid() {
            let cause = format!("the directory {shown} belongs to user {}", entry.owner);
            return Err(Error::new(ErrorKind::Denied, cause)
                .remedy("choose one that belongs to you or to root"));
        }
        let shared_safely = entry.mode & STICKY != 0 && entry.owner == ROOT;
        if entry.mode & WRITABLE != 0 && !shared_safely {
            let cause = format!(
                "others can write to the directory {shown} (mode {:04o}) and replace what is in it",
                entry.mode
            );
            return Err(Error::new(ErrorKind::Denied, cause).remedy(format!("chmod go-w {shown}")));
        }
        Ok(Self { fd, path })
    }

    /// Makes, or opens, a directory in this one that nobody else can even look into.
    fn private_child(&self, name: &OsStr) -> Result<Self> {
        let path = self.path.join(name);
        let shown = path.display();
        let failed = |cause: io::Error| Error::from(cause).doing(format!("make {shown}"));
        sys::make_directory_at(&self.fd, name).map_err(failed)?;
        let fd = sys::open_directory_at(&self.fd, name).or_else(|cause| {
            // The error number for a symbolic link differs by platform; say what is there.
            match Entry::at(&self.fd, name) {
                Ok(Some(found)) => {
                    found.expect(super::FileKind::Directory, &path)?;
                    Err(failed(cause))
                }
                _ => Err(failed(cause)),
            }
        })?;
        let entry = Entry::of(&fd)?;
        entry.expect(super::FileKind::Directory, &path)?;
        if entry.mode & 0o077 != 0 {
            let cause =
                format!("the directory {shown} is open to others (mode {:04o})", entry.mode);
            return Err(Error::new(ErrorKind::Denied, cause)
                .remedy(format!("look at what is in it, then chmod 700 {shown}")));
        }
        Ok(Self { fd, path })
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The directory of a path, if it says one, and the name in it. `Path` has methods for this, but
/// they take "a/" and "a/." for "a".
pub(crate) fn split(path: &Path) -> Result<(Option<&Path>, &OsStr)> {
    let bytes = path.as_os_str().as_bytes();
    let (parent, name) = match bytes.iter().rposition(|&byte| byte == b'/') {
        Some(0) => (Some(&b"/"[..]), &bytes[1..]),
        Some(slash) => (Some(&bytes[..slash]), &bytes[slash + 1..]),
        None => (None, bytes),
    };
    if matches!(name, b"" | b"." | b"..") || bytes.contains(&0) {
        let cause = format!("{:?} does not end in a name", path.display().to_string());
        return Err(Error::new(ErrorKind::Address, cause)
            .remedy("name the file itself, as in /tmp/jobs.sock"));
    }
    Ok((parent.map(|parent| Path::new(OsStr::from_bytes(parent))), OsStr::from_bytes(name)))
}
