//! Semaphores as the suite sees them, and names for them.

use std::{
    path::PathBuf,
    process,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result, semaphore};
use tokio::process::{Child, Command};

use super::common::{Bare, End, Subject};

/// A name that nobody else has, and that is removed when this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the numbers have to differ, and order nothing.
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        Self(format!("/framewire-test-{}-{n}", process::id()))
    }

    /// Where the C library keeps it.
    pub(crate) fn file(&self) -> PathBuf {
        let prefix = if cfg!(target_env = "musl") { "" } else { "sem." };
        format!("/dev/shm/{prefix}{}", &self.0[1..]).into()
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = semaphore::remove(&self.0);
    }
}

/// A semaphore for each channel, whose name goes with the suite.
#[derive(Default)]
pub(crate) struct Gates(Mutex<Vec<Name>>);

#[async_trait]
impl Subject for Gates {
    fn profile(&self) -> &'static Profile {
        Profile::of("semaphore").unwrap()
    }

    async fn open_with(&self, _: usize, _: usize) -> Result<(End, End)> {
        let name = Name::new();
        let endpoint = Endpoint::Semaphore(name.as_ref().into());
        self.0.lock().unwrap().push(name);
        Ok((endpoint.sender().await?.into(), endpoint.receiver().await?.into()))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, _: Command) -> Result<(Child, End)> {
        unreachable!("the roles of the suite send bodies")
    }
}
