//! Unix sockets as the suite sees them.

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result, unix};
use futures::StreamExt;
use tokio::process::{Child, Command};

use super::common::{Bare, End, SocketNames, Subject, role::ENDPOINT};

/// A name for each channel.
pub(crate) struct Unix(SocketNames);

impl Unix {
    pub(crate) fn paths() -> Self {
        Self(SocketNames::paths())
    }

    pub(crate) fn abstract_names() -> Self {
        Self(SocketNames::abstract_names())
    }
}

#[async_trait]
impl Subject for Unix {
    fn profile(&self) -> &'static Profile {
        Profile::of("unix").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.0.next();
        let mut listener = unix::Options::new().max_len(far).listen(name.clone()).await?;
        let near = unix::Options::new().max_len(near).connect(name).await?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, max_len: usize) -> Result<(Bare, End)> {
        let name = self.0.next();
        let mut listener = unix::Options::new().max_len(max_len).listen(name.clone()).await?;
        let (near, _) = unix::connect(name).await?.into_io();
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((Box::new(near), End::Both(Box::pin(far))))
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.0.next();
        let mut listener = unix::listen(name.clone()).await?;
        let child = command.env(ENDPOINT, Endpoint::Unix(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn left(&self) -> Vec<String> {
        self.0.left()
    }
}
