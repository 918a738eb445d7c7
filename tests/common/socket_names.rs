//! Names for sockets that are nobody else's.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use framewire::SocketName;
use tempfile::TempDir;

/// A name for each channel, in one directory or in the abstract name space.
pub(crate) struct SocketNames {
    directory: TempDir,
    in_file_system: bool,
    made: AtomicUsize,
}

impl SocketNames {
    pub(crate) fn paths() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, in_file_system: true, made: AtomicUsize::new(0) }
    }

    pub(crate) fn abstract_names() -> Self {
        Self { in_file_system: false, ..Self::paths() }
    }

    /// What all abstract names of these begin with: nobody else's do.
    fn prefix(&self) -> String {
        self.directory.path().display().to_string()
    }

    /// One that was not given before.
    pub(crate) fn next(&self) -> SocketName {
        // Relaxed: the numbers have to differ, and order nothing.
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        if self.in_file_system {
            SocketName::Path(self.directory.path().join(format!("{n}.sock")))
        } else {
            SocketName::Abstract(format!("{}-{n}", self.prefix()))
        }
    }

    /// Those that are there, and what else is in the directory.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path().display().to_string());
        let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
        let abstract_names = sockets.lines().filter(|line| line.contains(&self.prefix()));
        files.chain(abstract_names.map(str::to_owned)).collect()
    }
}
