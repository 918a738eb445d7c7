//! Unix datagrams as the suite sees them.

use std::time::Duration;

use async_trait::async_trait;
use framewire::{Endpoint, Profile, Result, unix::datagram};
use futures::{SinkExt, StreamExt};
use tokio::process::{Child, Command};

use super::common::{Bare, End, SocketNames, Subject, role::ENDPOINT};

/// A name for each channel.
pub(crate) struct Datagrams {
    names: SocketNames,
    connected: bool,
}

impl Datagrams {
    /// A client, and a listener's connection.
    pub(crate) fn connections() -> Self {
        Self { names: SocketNames::paths(), connected: true }
    }

    /// A sender and a receiver.
    pub(crate) fn one_way() -> Self {
        Self { connected: false, ..Self::connections() }
    }

    pub(crate) fn abstract_names(self) -> Self {
        Self { names: SocketNames::abstract_names(), ..self }
    }
}

/// Waits for whoever does not read, however slow the machine.
fn patient(max_len: usize) -> datagram::Options {
    datagram::Options::new().max_len(max_len).stall(Duration::from_secs(300))
}

#[async_trait]
impl Subject for Datagrams {
    fn profile(&self) -> &'static Profile {
        Profile::of("datagram").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.names.next();
        if !self.connected {
            let receiver = patient(far).receiver(name.clone()).await?;
            let sender = patient(near).sender(name).await?;
            let far = End::Apart { sender: None, receiver: Some(Box::pin(receiver)) };
            return Ok((End::Apart { sender: Some(Box::pin(sender)), receiver: None }, far));
        }
        let mut listener = patient(far).listen(name.clone()).await?;
        let mut near = patient(near).connect(name).await?;
        // A connection is made by its first message.
        near.send("hello".into()).await?;
        let mut far = listener.next().await.expect("the runtime lives")?;
        assert_eq!(far.next().await.expect("it was sent")?, "hello");
        Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.names.next();
        command.env(ENDPOINT, Endpoint::Datagram(name.clone()).to_string());
        if !self.connected {
            let receiver = datagram::receiver(name).await?;
            let far = End::Apart { sender: None, receiver: Some(Box::pin(receiver)) };
            return Ok((command.spawn()?, far));
        }
        let mut listener = patient(self.max_len()).listen(name).await?;
        let child = command.spawn()?;
        let far = listener.next().await.expect("the runtime lives")?;
        Ok((child, End::Both(Box::pin(far))))
    }

    fn both_ways(&self) -> bool {
        self.connected
    }

    /// `/proc/sys/net/unix/max_dgram_qlen`; beside a listener there is a task that takes them out.
    fn fit(&self) -> u64 {
        if self.connected { 50 } else { 10 }
    }

    fn left(&self) -> Vec<String> {
        self.names.left()
    }
}
