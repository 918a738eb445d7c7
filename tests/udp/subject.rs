//! UDP as the suite sees it.

use async_trait::async_trait;
use framewire::{Profile, Result, udp};
use futures::{SinkExt, StreamExt};
use tokio::process::{Child, Command};

use super::{
    address,
    common::{Bare, End, Subject, role::ENDPOINT},
};

/// A port for each channel, at one loopback address.
pub(crate) enum Udp {
    /// A client, and a listener's connection.
    Connections(&'static str),
    /// A sender and a receiver.
    OneWay(&'static str),
}

#[async_trait]
impl Subject for Udp {
    fn profile(&self) -> &'static Profile {
        Profile::of("udp").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let (near, far) = (udp::Options::new().max_len(near), udp::Options::new().max_len(far));
        match self {
            Self::OneWay(host) => {
                let receiver = far.receiver(*host).await?;
                let sender = near.sender(address(receiver.endpoint())).await?;
                let far = End::Apart { sender: None, receiver: Some(Box::pin(receiver)) };
                Ok((End::Apart { sender: Some(Box::pin(sender)), receiver: None }, far))
            }
            Self::Connections(host) => {
                let mut listener = far.listen(*host).await?;
                let mut near = near.connect(address(Some(listener.endpoint()))).await?;
                // A connection is made by its first message.
                near.send("hello".into()).await?;
                let mut far = listener.next().await.expect("the runtime lives")?;
                assert_eq!(far.next().await.expect("it was sent")?, "hello");
                Ok((End::Both(Box::pin(near)), End::Both(Box::pin(far))))
            }
        }
    }

    async fn bare(&self, _: usize) -> Result<(Bare, End)> {
        unreachable!("it is no byte stream")
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        match self {
            Self::OneWay(host) => {
                let receiver = udp::receiver(*host).await?;
                let endpoint = receiver.endpoint().expect("it has one").to_string();
                let child = command.env(ENDPOINT, endpoint).spawn()?;
                Ok((child, End::Apart { sender: None, receiver: Some(Box::pin(receiver)) }))
            }
            Self::Connections(host) => {
                let mut listener = udp::listen(*host).await?;
                let child = command.env(ENDPOINT, listener.endpoint().to_string()).spawn()?;
                let far = listener.next().await.expect("the runtime lives")?;
                Ok((child, End::Both(Box::pin(far))))
            }
        }
    }
}
