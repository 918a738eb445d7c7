//! Rings with a name as the suite sees them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use framewire::{
    Endpoint, Profile, Result,
    shm::named::{self, End as Ends},
};
use futures::StreamExt;
use tokio::process::{Child, Command};

use super::common::{
    Bare, End, Subject,
    role::{ENDPOINT, ONE_WAY},
};

/// Where names are if nothing else is said.
pub(crate) fn directory() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    Path::new("/dev/shm").join(format!("framewire-{uid}"))
}

/// Names that nobody else has, and that are removed when this is dropped.
pub(crate) struct Names {
    prefix: String,
    made: AtomicUsize,
}

impl Names {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // Relaxed, here and below: the numbers have to differ, and order nothing.
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        Self { prefix: format!("test-{}-{n}-", process::id()), made: AtomicUsize::new(0) }
    }

    pub(crate) fn next(&self) -> String {
        format!("{}{}", self.prefix, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// What there is of these names.
    pub(crate) fn there(&self) -> Vec<PathBuf> {
        let entries = match fs::read_dir(directory()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            entries => entries.unwrap(),
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_ours =
            |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&self.prefix);
        paths.filter(is_ours).collect()
    }

    /// What there is that nobody has a reason for: not a ring with something unread.
    pub(crate) fn left(&self) -> Vec<String> {
        let is_unread = |path: &PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            // Where the published ends, and what was released.
            bytes.get(128..136) != bytes.get(384..392)
        };
        let left = self.there().into_iter().filter(|path| !is_unread(path));
        left.map(|path| path.display().to_string()).collect()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for path in self.there() {
            let _ = fs::remove_file(path);
        }
    }
}

/// A ring for each channel, that ends with its one sender.
pub(crate) struct OneWay(Names);

impl OneWay {
    pub(crate) fn new() -> Self {
        Self(Names::new())
    }
}

fn profile() -> &'static Profile {
    Profile::of("shm+named").unwrap()
}

#[async_trait]
impl Subject for OneWay {
    fn profile(&self) -> &'static Profile {
        profile()
    }

    fn both_ways(&self) -> bool {
        false
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.0.next();
        let receiver = named::Options::new().end(Ends::WithSender).max_len(far);
        let receiver = receiver.receiver(&*name).await?;
        let sender = named::Options::new().max_len(near).sender(&*name).await?;
        let sender = End::Apart { sender: Some(Box::pin(sender)), receiver: None };
        Ok((sender, End::Apart { sender: None, receiver: Some(Box::pin(receiver)) }))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.0.next();
        let receiver = named::Options::new().end(Ends::WithSender).receiver(&*name).await?;
        command.env(ONE_WAY, "1");
        let child = command.env(ENDPOINT, Endpoint::ShmNamed(name).to_string()).spawn()?;
        Ok((child, End::Apart { sender: None, receiver: Some(Box::pin(receiver)) }))
    }

    fn left(&self) -> Vec<String> {
        self.0.left()
    }
}

/// A listener for each connection.
pub(crate) struct Pairs(Names);

impl Pairs {
    pub(crate) fn new() -> Self {
        Self(Names::new())
    }
}

#[async_trait]
impl Subject for Pairs {
    fn profile(&self) -> &'static Profile {
        profile()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.0.next();
        let mut listener = named::Options::new().max_len(far).listen(&*name).await?;
        let near = named::Options::new().max_len(near).connect(&*name).await?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.0.next();
        let mut listener = named::listen(&*name).await?;
        let child = command.env(ENDPOINT, Endpoint::ShmNamed(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn left(&self) -> Vec<String> {
        self.0.left()
    }
}
