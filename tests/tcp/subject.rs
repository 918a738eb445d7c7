//! TCP as the suite sees it.

use async_trait::async_trait;
use framewire::{Profile, Result, tcp};
use futures::StreamExt;
use tokio::process::{Child, Command};

use super::common::{Bare, End, Subject, role::ENDPOINT};

/// A port for each channel, at one loopback address.
pub(crate) struct Tcp(pub(crate) &'static str);

#[async_trait]
impl Subject for Tcp {
    fn profile(&self) -> &'static Profile {
        Profile::of("tcp").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let mut listener = tcp::Options::new().max_len(far).listen(self.0).await?;
        let near = tcp::Options::new().max_len(near);
        let near = near.connect(listener.local_addr().to_string()).await?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, max_len: usize) -> Result<(Bare, End)> {
        let mut listener = tcp::Options::new().max_len(max_len).listen(self.0).await?;
        let (near, _) = tcp::connect(listener.local_addr().to_string()).await?.into_io();
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((Box::new(near), End::Both(Box::pin(far))))
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let mut listener = tcp::listen(self.0).await?;
        let child = command.env(ENDPOINT, listener.endpoint().to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, End::Both(Box::pin(far))))
    }
}
