//! Shared memory as the suite sees it.

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result, shm};
use futures::StreamExt;
use tokio::process::{Child, Command};

use super::common::{Bare, End, SocketNames, Subject, role::ENDPOINT};

/// A name for each channel.
pub(crate) struct Shm(SocketNames);

impl Shm {
    pub(crate) fn paths() -> Self {
        Self(SocketNames::paths())
    }

    pub(crate) fn abstract_names() -> Self {
        Self(SocketNames::abstract_names())
    }
}

#[async_trait]
impl Subject for Shm {
    fn profile(&self) -> &'static Profile {
        Profile::of("shm").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.0.next();
        let mut listener = shm::Options::new().max_len(far).listen(name.clone()).await?;
        let options = shm::Options::new().max_len(near);
        let (near, far) = tokio::join!(options.connect(name), listener.next());
        let far = far.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near?)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.0.next();
        let mut listener = shm::listen(name.clone()).await?;
        let child = command.env(ENDPOINT, Endpoint::Shm(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn left(&self) -> Vec<String> {
        self.0.left()
    }
}
