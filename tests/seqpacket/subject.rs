//! Sockets that keep boundaries as the suite sees them.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result, SocketName, unix::seqpacket};
use futures::StreamExt;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::common::{Bare, End, Subject, role::ENDPOINT};

/// A name for each channel, in one directory or in the abstract name space.
pub(crate) struct Seqpacket {
    directory: TempDir,
    in_file_system: bool,
    made: AtomicUsize,
}

impl Seqpacket {
    pub(crate) fn paths() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, in_file_system: true, made: AtomicUsize::new(0) }
    }

    pub(crate) fn abstract_names() -> Self {
        Self { in_file_system: false, ..Self::paths() }
    }

    /// What all abstract names of this subject begin with: nobody else's do.
    fn prefix(&self) -> String {
        self.directory.path().display().to_string()
    }

    fn name(&self) -> SocketName {
        // Relaxed: the numbers have to differ, and order nothing.
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        if self.in_file_system {
            SocketName::Path(self.directory.path().join(format!("{n}.sock")))
        } else {
            SocketName::Abstract(format!("{}-{n}", self.prefix()))
        }
    }
}

#[async_trait]
impl Subject for Seqpacket {
    fn profile(&self) -> &'static Profile {
        Profile::of("seqpacket").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.name();
        let mut listener = seqpacket::Options::new().max_len(far).listen(name.clone()).await?;
        let near = seqpacket::Options::new().max_len(near).connect(name).await?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.name();
        let mut listener = seqpacket::listen(name.clone()).await?;
        let child = command.env(ENDPOINT, Endpoint::Seqpacket(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path().display().to_string());
        let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
        let abstract_names = sockets.lines().filter(|line| line.contains(&self.prefix()));
        files.chain(abstract_names.map(str::to_owned)).collect()
    }
}
