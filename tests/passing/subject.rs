//! Connections with descriptors in their messages, as the suite sees them: messages without any.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::Bytes;
use framewire::{
    Endpoint, Error, Profile, Result,
    unix::{self, Detailed, Outgoing, Received},
};
use futures::{Sink, Stream, StreamExt};
use tokio::process::{Child, Command};

use super::common::{Bare, End, SocketNames, Subject, role::ENDPOINT};

/// A path for each channel.
pub(crate) struct Passing(SocketNames);

impl Passing {
    pub(crate) fn new() -> Self {
        Self(SocketNames::paths())
    }
}

#[async_trait]
impl Subject for Passing {
    fn profile(&self) -> &'static Profile {
        Profile::of("unix").unwrap()
    }

    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)> {
        let name = self.0.next();
        let mut listener = unix::Options::new().max_len(far).listen(name.clone()).await?;
        let near = unix::Options::new().max_len(near).connect(name).await?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((Plain::end(near)?, Plain::end(far)?))
    }

    async fn bare(&self, max_len: usize) -> Result<(Bare, End)> {
        let name = self.0.next();
        let mut listener = unix::Options::new().max_len(max_len).listen(name.clone()).await?;
        let (near, _) = unix::connect(name).await?.into_io();
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((Box::new(near), Plain::end(far)?))
    }

    async fn process(&self, mut command: Command) -> Result<(Child, End)> {
        let name = self.0.next();
        let mut listener = unix::listen(name.clone()).await?;
        let child = command.env(ENDPOINT, Endpoint::Unix(name).to_string()).spawn()?;
        let far = listener.next().await.expect("a listener never ends")?;
        Ok((child, Plain::end(far)?))
    }

    fn left(&self) -> Vec<String> {
        self.0.left()
    }
}

/// Messages without descriptors.
struct Plain(Detailed);

impl Plain {
    fn end(connection: unix::Connection) -> Result<End> {
        Ok(End::Both(Box::pin(Self(connection.detailed()?))))
    }
}

impl Stream for Plain {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = |received: Received| received.exactly().map(|(body, [])| body);
        self.0.poll_next_unpin(cx).map(|next| next.map(|received| received.and_then(body)))
    }
}

impl Sink<Bytes> for Plain {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, body: Bytes) -> Result<()> {
        Pin::new(&mut self.0).start_send(Outgoing::from(body))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}
