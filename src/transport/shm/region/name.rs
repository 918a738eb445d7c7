//! Names of regions: what can be one, what stands at one, and how it comes and goes.

use std::{
    fmt,
    os::fd::{BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use crate::{
    Error, ErrorKind, Result,
    names::FileKind,
    sys::{self, Entry, Identity, SEGMENTS},
};

/// NAME_MAX: of the name as a file, which is without the slash.
const MAX: usize = 255;

/// A name as shm_open(3) takes it everywhere: a slash, and a file's name.
#[derive(Clone, Debug)]
pub(super) struct Name {
    name: String,
    path: PathBuf,
}

impl Name {
    pub(super) fn new(name: &str) -> Result<Self> {
        let refused = |cause: String, remedy: &'static str| {
            Err(Error::new(ErrorKind::Address, cause).remedy(remedy))
        };
        let Some(file) = name.strip_prefix('/') else {
            return refused("the name does not begin with a slash".into(), "such as \"/jobs\"");
        };
        if file.contains('/') {
            return refused("the name has a second slash".into(), "regions have no directories");
        }
        if file.contains('\0') {
            return refused("the name has a zero in it".into(), "C ends it there: leave it out");
        }
        if matches!(file, "" | "." | "..") {
            return refused("there is no name behind the slash".into(), "such as \"/jobs\"");
        }
        if file.len() > MAX {
            let cause = format!("a name of {} bytes behind the slash, limit {MAX}", file.len());
            return refused(cause, "use a shorter name");
        }
        Ok(Self { name: name.into(), path: Path::new(SEGMENTS).join(file) })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.name
    }

    /// A file of memory that is to have this name.
    pub(super) fn draft(&self) -> Result<OwnedFd> {
        // Said before so much memory is taken; what counts is `place`.
        if let Some(entry) = Entry::at_path(&self.path)? {
            return Err(self.taken(&entry));
        }
        sys::unnamed_segment().map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(ErrorKind::Unsupported, format!("there is no {SEGMENTS} here"))
                    .remedy("mount a tmpfs there, or use `region::anonymous`")
            }
            _ => cause.into(),
        })
    }

    /// Gives it the name.
    pub(super) fn place(&self, file: BorrowedFd<'_>, mode: u32) -> Result<()> {
        let Err(cause) = sys::name_segment(file, &self.path, mode) else { return Ok(()) };
        match cause.kind() {
            std::io::ErrorKind::AlreadyExists => match Entry::at_path(&self.path)? {
                Some(entry) => Err(self.taken(&entry)),
                None => Err(Error::new(ErrorKind::InUse, "somebody had the name until just now")
                    .remedy("try again")),
            },
            std::io::ErrorKind::NotFound => {
                Err(Error::new(ErrorKind::Unsupported, "without /proc a file cannot be named")
                    .remedy("mount /proc, or use `region::anonymous`"))
            }
            _ => Err(cause.into()),
        }
    }

    /// Opens what has the name, if it is what these owners share with nobody but by this mode.
    pub(super) fn open(&self, owners: &[u32], mode: u32) -> Result<OwnedFd> {
        let absent = || {
            Error::new(ErrorKind::NotFound, "nothing has this name")
                .remedy("start the process that makes it, or use `region::create`")
        };
        // Looked at before as well: to open some files does something to others.
        let entry = Entry::at_path(&self.path)?.ok_or_else(absent)?;
        self.check(&entry, owners, mode)?;
        let file = sys::open_segment(&self.path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => absent(),
            _ => cause.into(),
        })?;
        self.check(&Entry::of(&file)?, owners, mode)?;
        Ok(file)
    }

    /// Removes what has the name, if it is ours.
    pub(super) fn remove(&self) -> Result<bool> {
        let Some(entry) = Entry::at_path(&self.path)? else { return Ok(false) };
        self.check(&entry, &[sys::our_uid()], !0)?;
        sys::remove_segment(&self.path, entry.identity)?;
        Ok(true)
    }

    fn taken(&self, entry: &Entry) -> Error {
        if let Err(error) = self.check(entry, &[sys::our_uid()], !0) {
            return error;
        }
        Error::new(ErrorKind::InUse, "there is one of this name already").remedy(format!(
            "use `region::open`; or, if a killed process has left it, `region::remove({self})` first"
        ))
    }

    fn check(&self, entry: &Entry, owners: &[u32], mode: u32) -> Result<()> {
        let path = self.path.display();
        let others = entry.mode & 0o022 & !mode;
        let (cause, remedy) = if entry.kind != FileKind::File {
            let remedy = "remove it by hand, or choose another name";
            (format!("{path} is {}, not shared memory", entry.kind), remedy.to_owned())
        } else if !owners.contains(&entry.owner) {
            let cause = format!("{path} belongs to user {}, allowed: {owners:?}", entry.owner);
            (cause, "allow its user with `region::Options::owners`, or choose another name".into())
        } else if others != 0 {
            let cause = format!("others can write to {path} (mode {:04o})", entry.mode);
            (cause, format!("chmod {:o} {path}, or allow it by `mode`", entry.mode & !others))
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Denied, cause).remedy(remedy))
    }
}

/// As it is written in a program.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.name))
    }
}

/// A name that may not be one, for an error.
pub(super) fn shown(name: &str) -> String {
    match name.char_indices().nth(MAX + 1) {
        None => format!("{name:?}"),
        Some((end, _)) => format!("{:?}…", &name[..end]),
    }
}

/// The name of a region, as that has it.
#[derive(Debug)]
pub(super) struct Named {
    name: Name,
    /// Of what is ours to remove.
    made: Option<Identity>,
}

impl Named {
    /// One that was there.
    pub(super) fn found(name: Name) -> Self {
        Self { name, made: None }
    }

    /// One that goes with this. Whoever has it keeps the file from being another's of the same
    /// identity.
    pub(super) fn made(name: Name, identity: Identity) -> Self {
        Self { name, made: Some(identity) }
    }

    pub(super) fn as_str(&self) -> &str {
        self.name.as_str()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let Some(identity) = self.made else { return };
        if let Err(error) = sys::remove_segment(&self.name.path, identity) {
            tracing::warn!(%error, name = self.as_str(), "the name of a region is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_name_is_told() {
        for (name, says) in [
            ("", "a slash"),
            ("jobs", "a slash"),
            ("/", "behind the slash"),
            ("/.", "behind the slash"),
            ("/..", "behind the slash"),
            ("//jobs", "a second slash"),
            ("/a/b", "a second slash"),
            ("/../etc/passwd", "a second slash"),
            ("/a\0b", "a zero"),
        ] {
            let error = Name::new(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Address, "{name:?}");
            assert!(error.to_string().contains(says), "{name:?}: {error}");
        }
        let longest = format!("/{}", "n".repeat(MAX));
        assert_eq!(Name::new(&longest).unwrap().as_str(), longest);
        Name::new(&format!("{longest}n")).unwrap_err();
        assert!(shown(&"é".repeat(10_000)).chars().count() <= MAX + 4);
    }
}
