//! The name of a semaphore, and the file that it stands for.

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::options::Making;
use crate::{
    Endpoint, Error, ErrorKind, Result,
    names::{Directory, FileKind},
    sys::{self, Entry, Identity, NamedSemaphore, SEGMENTS, SEM_LEN},
};

/// How often others may make and remove it under our hands.
const ROUNDS: u32 = 50;

/// A name as sem_open(3) takes it: a slash, and 1 to 251 bytes without another.
#[derive(Clone, Debug)]
pub(super) struct Name {
    endpoint: Arc<Endpoint>,
    name: CString,
    file: PathBuf,
}

impl Name {
    pub(super) fn new(name: &str) -> Result<Self> {
        let endpoint: Endpoint = format!("semaphore://{name}").parse()?;
        let file = sys::semaphore_file(name.trim_start_matches('/'));
        let name = CString::new(name).map_err(|_| {
            Error::new(ErrorKind::Address, "a NUL byte in the name").remedy("leave it out")
        })?;
        Ok(Self { endpoint: Arc::new(endpoint), name, file })
    }

    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    fn as_c_str(&self) -> &CStr {
        &self.name
    }

    /// Opens what has the name, or makes it, and says which file it is.
    pub(super) fn open(
        &self,
        making: Option<&Making>,
        owners: &[u32],
        mode: u32,
    ) -> Result<(NamedSemaphore, Identity)> {
        for _ in 0..ROUNDS {
            let opened = match (Entry::at_path(&self.file)?, making) {
                (Some(_), _) => self.find(owners, mode)?,
                (None, Some(making)) => self.make(making, mode)?,
                (None, None) => return Err(self.absent()),
            };
            if let Some(opened) = opened {
                return Ok(opened);
            }
        }
        Err(Error::new(ErrorKind::InUse, "others make and remove it all the time")
            .remedy("try again"))
    }

    /// Opens what has the name; `None` where that is another by now.
    fn find(&self, owners: &[u32], mode: u32) -> Result<Option<(NamedSemaphore, Identity)>> {
        // Held open while it is opened once more by the library: so no other file has its identity.
        let Some(pin) = self.pin()? else { return Ok(None) };
        let entry = Entry::of(&pin)?;
        self.check(&entry, &pin, owners, mode)?;
        let opened = match NamedSemaphore::open(self.as_c_str()) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(opening)?,
        };
        let now = Entry::at_path(&self.file)?;
        let same = now.is_some_and(|now| now.identity == entry.identity);
        Ok(same.then_some((opened, entry.identity)))
    }

    /// Makes it; `None` where another was faster.
    fn make(&self, making: &Making, mode: u32) -> Result<Option<(NamedSemaphore, Identity)>> {
        let made = match NamedSemaphore::create(self.as_c_str(), mode, making.initial) {
            Ok(made) => made,
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(cause) => {
                // The library has no words for a place that is not there.
                Directory::of(&self.file).map_err(|error| {
                    Error::new(ErrorKind::Unsupported, error)
                        .remedy(format!("mount a tmpfs at {SEGMENTS}"))
                })?;
                return Err(opening(cause));
            }
        };
        let Some(pin) = self.pin()? else { return Ok(None) };
        let entry = Entry::of(&pin)?;
        if (entry.kind, entry.owner) != (FileKind::File, sys::our_uid()) {
            return Ok(None);
        }
        if entry.mode & 0o777 != mode & 0o777 {
            // What the umask has taken away. By its descriptor, since the name may be another's.
            let itself = format!("/proc/self/fd/{}", pin.as_raw_fd());
            sys::set_mode_at(rustix::fs::CWD, itself.as_ref(), mode & 0o777)?;
        }
        tracing::debug!(endpoint = %self.endpoint, making.initial, "made a semaphore");
        Ok(Some((made, entry.identity)))
    }

    /// The file of this name, without opening it; `None` where there is none.
    fn pin(&self) -> Result<Option<OwnedFd>> {
        match sys::pin_at(rustix::fs::CWD, self.file.as_os_str()) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            pinned => Ok(pinned?),
        }
    }

    /// Refuses what is no semaphore, and what others could make less of one.
    fn check(&self, entry: &Entry, file: impl AsFd, owners: &[u32], mode: u32) -> Result<()> {
        let path = self.file.display();
        let others = entry.mode & 0o022 & !mode;
        let (cause, remedy) = if entry.kind != FileKind::File {
            let remedy = "remove it by hand, or choose another name";
            (format!("{path} is {}, not a semaphore", entry.kind), remedy.to_owned())
        } else if !owners.contains(&entry.owner) {
            let cause = format!("{path} belongs to user {}, allowed: {owners:?}", entry.owner);
            (cause, "allow its user with `semaphore::Options::owners`".into())
        } else if others != 0 {
            let cause = format!("others can write to {path} (mode {:04o})", entry.mode);
            (cause, format!("chmod {:o} {path}, or allow it by `mode`", entry.mode & !others))
        } else if sys::file_len(file.as_fd())? < SEM_LEN {
            let cause = format!("{path} is too short for a semaphore");
            (cause, "remove it by `semaphore::remove`".into())
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Denied, cause).remedy(remedy))
    }

    fn absent(&self) -> Error {
        Error::new(ErrorKind::NotFound, "nothing has this name")
            .remedy("start the process that makes it, or say `Options::create(true)`")
    }

    /// Removes the name, and says whether there was one.
    pub(super) fn remove(&self) -> Result<bool> {
        Ok(sys::remove_semaphore(self.as_c_str())?)
    }

    /// Removes the name if it still stands for this file, which the caller has open: so no other
    /// has its identity. Who takes the name between our look and the removal loses it; there is no
    /// call that does both.
    pub(super) fn remove_if(&self, ours: Identity) -> Result<()> {
        let entry = Entry::at_path(Path::new(&self.file))?;
        if entry.is_some_and(|entry| entry.identity == ours) {
            self.remove()?;
        }
        Ok(())
    }
}

/// An error of sem_open(3).
fn opening(cause: io::Error) -> Error {
    let remedy = match cause.kind() {
        io::ErrorKind::PermissionDenied => "its owner has to give it a mode that lets us write",
        io::ErrorKind::StorageFull => "make room in /dev/shm",
        _ => return cause.into(),
    };
    Error::from(cause).remedy(remedy)
}
