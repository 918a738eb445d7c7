//! What the harness drives: messages there and back, whatever carries them.

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};

use crate::trial::Fault;

/// One end of a channel, of either subject.
///
/// Our connections and tokio's framed types are ones as they are, through `next` and `send`. What
/// is received is shown and not handed out, so that a baseline that hands nothing out needs not
/// pretend to.
pub(crate) trait Link: Send + 'static {
    /// Waits for a message and shows it to `see`. `None` is the end, and so is an empty message.
    fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> impl Future<Output = Result<Option<R>, Fault>> + Send;

    /// Waits for a message, shows it to `see`, and sends it back if that is content with it.
    /// `false` is the end.
    fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Sends a message and flushes it.
    fn send(&mut self, message: Bytes) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Sends a message some time until the next flush.
    fn feed(&mut self, message: Bytes) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Sends, some time until the next flush, a message of `len` bytes that `write` writes where it
    /// will be read.
    fn place(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut [u8]) + Send,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = (len, write);
        async { Err("this link has no room to write in".into()) }
    }

    fn flush(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Flushes, and ends this direction.
    fn close(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;
}

impl<L, M, E> Link for L
where
    L: Stream<Item = Result<M, E>> + Sink<Bytes, Error = E> + Unpin + Send + 'static,
    M: AsRef<[u8]> + Into<Bytes> + Send,
    E: Into<Fault> + Send,
{
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        match self.next().await {
            Some(Ok(message)) if !message.as_ref().is_empty() => Ok(Some(see(message.as_ref()))),
            Some(Ok(_)) | None => Ok(None),
            Some(Err(error)) => Err(error.into()),
        }
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let message = match self.next().await {
            Some(Ok(message)) if !message.as_ref().is_empty() => message,
            Some(Ok(_)) | None => return Ok(false),
            Some(Err(error)) => return Err(error.into()),
        };
        see(message.as_ref())?;
        SinkExt::send(self, message.into()).await.map_err(Into::into)?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        SinkExt::send(self, message).await.map_err(Into::into)
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        SinkExt::feed(self, message).await.map_err(Into::into)
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        SinkExt::flush(self).await.map_err(Into::into)
    }

    async fn close(&mut self) -> Result<(), Fault> {
        SinkExt::close(self).await.map_err(Into::into)
    }
}
