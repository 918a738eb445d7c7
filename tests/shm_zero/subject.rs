//! Connections that trust each other, as the suite sees them.

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result};
use futures::StreamExt;
use tokio::process::{Child, Command};

use super::{
    common::{Bare, End, SocketNames, Subject, role::ENDPOINT},
    trusting,
};

/// A path for each channel.
pub(crate) struct Trusting(SocketNames);

impl Trusting {
    pub(crate) fn new() -> Self {
        Self(SocketNames::paths())
    }
}

#[async_trait]
impl Subject for Trusting {
    fn profile(&self) -> &'static Profile {
        Profile::of("shm").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.0.next();
        let mut listener = trusting().max_len(far).listen(name.clone()).await?;
        let options = trusting().max_len(near);
        let (near, far) = tokio::join!(options.connect(name), listener.next());
        let far = far.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near?)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.0.next();
        let mut listener = trusting().listen(name.clone()).await?;
        let child = command.env(ENDPOINT, Endpoint::Shm(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn left(&self) -> Vec<String> {
        self.0.left()
    }
}
