//! FIFOs as the suite sees them.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use framewire::{
    Endpoint, Profile, Result,
    fifo::{self, End as Ends},
    frame,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::common::{Bare, End, Subject, role::ENDPOINT};

/// A FIFO for each channel, that ends with its one sender.
pub(crate) struct Fifos {
    directory: TempDir,
    exclusive: bool,
    made: AtomicUsize,
}

impl Fifos {
    pub(crate) fn shared() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, exclusive: false, made: AtomicUsize::new(0) }
    }

    pub(crate) fn exclusive() -> Self {
        Self { exclusive: true, ..Self::shared() }
    }

    fn path(&self) -> PathBuf {
        // Relaxed: the numbers have to differ, and order nothing.
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        self.directory.path().join(format!("{n}.fifo"))
    }

    async fn pair(&self, near: usize, far: usize) -> Result<(fifo::Sender, fifo::Receiver)> {
        let path = self.path();
        let options = fifo::Options::new().end(Ends::WithLastWriter).exclusive(self.exclusive);
        let receiver = options.clone().max_len(far).receiver(&path).await?;
        Ok((options.max_len(near).sender(&path).await?, receiver))
    }
}

#[async_trait]
impl Subject for Fifos {
    fn profile(&self) -> &'static Profile {
        Profile::of("fifo").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let (sender, receiver) = self.pair(near, far).await?;
        let receiver = End::Apart { sender: None, receiver: Some(Box::pin(receiver)) };
        Ok((End::Apart { sender: Some(Box::pin(sender)), receiver: None }, receiver))
    }

    async fn bare(&self, max_len: usize) -> Result<(Bare, End)> {
        let (sender, receiver) = self.pair(0, max_len).await?;
        let receiver = End::Apart { sender: None, receiver: Some(Box::pin(receiver)) };
        Ok((Box::new(sender.into_io()), receiver))
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let path = self.path();
        let options = fifo::Options::new().end(Ends::WithLastWriter);
        let receiver = options.receiver(&path).await?;
        let child = command.env(ENDPOINT, Endpoint::Fifo(path).to_string()).spawn()?;
        Ok((child, End::Apart { sender: None, receiver: Some(Box::pin(receiver)) }))
    }

    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().path().display().to_string()).collect()
    }

    fn max_len(&self) -> usize {
        if self.exclusive { frame::MAX_LEN } else { self.profile().max_len.by_default() }
    }
}
