//! Pairs of queues as the suite sees them, and their names.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result, mq};
use futures::StreamExt;
use tokio::process::{Child, Command};

use super::common::{Bare, End, Subject, role::ENDPOINT};

/// Queues that take few of the bytes that all queues of a user may take.
pub(crate) fn small() -> mq::Options {
    mq::Options::new().capacity(4).max_len(64)
}

/// How many names there are in this process, and whether one of them is to be the only one.
static NAMES: Mutex<(usize, bool)> = Mutex::new((0, false));
static CHANGED: Condvar = Condvar::new();

/// A name that nobody else has, and what is made under it removed with this.
pub(crate) struct Name(String);

impl Name {
    /// Waits while there is one that is alone.
    pub(crate) fn new() -> Self {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = CHANGED.wait_while(names, |names| names.1).unwrap();
        names.0 += 1;
        Self::make()
    }

    /// The same for who leaves no room in queues to others: waits until there is no other name.
    pub(crate) fn alone() -> Self {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = CHANGED.wait_while(names, |names| names.0 > 0).unwrap();
        *names = (1, true);
        Self::make()
    }

    fn make() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the numbers have to differ, and order nothing.
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        Self(format!("/framewire-test-pair-{}-{n}", std::process::id()))
    }

    fn queues(&self) -> [String; 3] {
        ["", ".requests", ".replies"].map(|suffix| format!("{}{suffix}", self.0))
    }

    /// What there is under this name; queues are removed by looking.
    pub(crate) fn left(&self) -> Vec<String> {
        let files = self.spilled().into_iter().map(|path| path.display().to_string());
        let files: Vec<_> = files.collect();
        self.queues().into_iter().filter(|name| mq::remove(name).unwrap()).chain(files).collect()
    }

    /// Files with bodies for its queues.
    pub(crate) fn spilled(&self) -> Vec<PathBuf> {
        let uid = rustix::process::geteuid().as_raw();
        let directory = Path::new("/dev/shm").join(format!("framewire-{uid}"));
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        let ours = self.queues().map(|name| name.replacen('/', ".", 1));
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let is_ours = |path: &PathBuf| {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            file.starts_with("spill.") && ours.iter().any(|name| file.ends_with(name))
        };
        paths.filter(is_ours).collect()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        for name in self.queues() {
            let _ = mq::remove(name);
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        *names = (names.0 - 1, false);
        CHANGED.notify_all();
    }
}

/// A listener for each connection.
pub(crate) struct Pairs {
    options: mq::Options,
    names: Mutex<Vec<Name>>,
}

/// How many messages lie in a queue: the suite's are large, and all queues together are limited.
const CAPACITY: usize = 4;

impl Pairs {
    pub(crate) fn new(options: mq::Options) -> Self {
        Self { options: options.capacity(CAPACITY), names: Mutex::default() }
    }

    fn name(&self) -> String {
        let name = Name::new();
        let copy = name.to_owned();
        self.names.lock().unwrap().push(name);
        copy
    }
}

/// Of connections between two ends of ours, which tell their end.
fn profile() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let mut profile = *Profile::of("mq").unwrap();
        profile.tells_end = true;
        profile
    })
}

#[async_trait]
impl Subject for Pairs {
    fn profile(&self) -> &'static Profile {
        profile()
    }

    async fn open_with(&self, _: usize, _: usize) -> Result<(End, End)> {
        let name = self.name();
        let mut listener = self.options.listen(&name).await?;
        let near = self.options.connect(&name).await?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.name();
        // The other process has no options: nothing goes in an envelope.
        let options = mq::Options::new().capacity(CAPACITY);
        let mut listener = options.listen(&name).await?;
        let child = command.env(ENDPOINT, Endpoint::Mq(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn left(&self) -> Vec<String> {
        self.names.lock().unwrap().iter().flat_map(Name::left).collect()
    }

    fn fit(&self) -> u64 {
        CAPACITY as u64
    }

    fn max_len(&self) -> usize {
        // What the envelope leaves, where there is one.
        match format!("{:?}", self.options) {
            options if options.contains("spill: Some") => 100_000,
            options if options.contains("packed: true") => 8192 - 4,
            _ => 8192,
        }
    }
}
