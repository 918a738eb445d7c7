//! Names in the file system, against everything that can stand in their way.
#![cfg(unix)]

#[cfg(test)]
mod names {
    mod killed;
    mod peer;
    mod race;
    mod traps;

    use std::{
        ffi::OsString,
        fs,
        os::unix::{
            fs::MetadataExt,
            net::{UnixListener, UnixStream},
        },
        path::Path,
    };

    use framewire::{
        Result,
        names::{Claim, FileKind, Placed, SocketPath},
    };

    /// What a transport does.
    fn listen(path: &Path) -> Result<(Placed, UnixListener)> {
        let claim = Claim::take(path)?;
        if claim.finds(FileKind::Socket)? && UnixStream::connect(SocketPath::of(path)?).is_ok() {
            return Err(claim.in_use());
        }
        let draft = claim.draft()?;
        let listener = UnixListener::bind(draft.socket_path()?)?;
        Ok((draft.place()?, listener))
    }

    /// Every entry of a directory with what would show that it was touched.
    fn census(directory: &Path) -> Vec<(OsString, u64, u32, u64)> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let stat = fs::symlink_metadata(entry.path()).unwrap();
            entries.push((entry.file_name(), stat.ino(), stat.mode(), stat.len()));
        }
        entries.sort();
        entries
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }
}
