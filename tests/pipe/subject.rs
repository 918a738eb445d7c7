//! Pipes as the suite sees them.

use async_trait::async_trait;
use framewire::{Profile, Result, pipe};
use tokio::process::{Child, Command};

use super::common::{Bare, End, Subject};

/// Two pairs a channel, one in each direction; to processes, what they inherit.
pub(crate) struct Pipes;

#[async_trait]
impl Subject for Pipes {
    fn profile(&self) -> &'static Profile {
        Profile::of("pipe").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let (near_sender, far_receiver) = pipe::pair()?;
        let (far_sender, near_receiver) = pipe::pair()?;
        let end = |sender: pipe::Sender, receiver: pipe::Receiver, max_len| End::Apart {
            sender: Some(Box::pin(sender.max_len(max_len))),
            receiver: Some(Box::pin(receiver.max_len(max_len))),
        };
        Ok((end(near_sender, near_receiver, near), end(far_sender, far_receiver, far)))
    }

    async fn bare(&self, max_len: usize) -> Result<(Bare, End)> {
        let (sender, receiver) = pipe::Options::new().max_len(max_len).pair()?;
        let (writer, _) = sender.into_io();
        Ok((Box::new(writer), End::Apart { sender: None, receiver: Some(Box::pin(receiver)) }))
    }

    async fn process(&self, command: Command) -> Result<(Child, End)> {
        let pipe::Child { connection, process } = pipe::spawn(command)?;
        Ok((process, End::Both(Box::pin(connection))))
    }
}
