//! The end that messages come out of.

use std::{
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;

use super::{End, Options, Reader};
use crate::{Endpoint, Error, ErrorKind, Result, frame::Frames};

/// The one reader of a FIFO: a `Stream` of the messages of all who write.
///
/// With [`End::Never`], the default, a writer that is gone in the middle of a frame is one `Err`
/// ([`Truncated`](ErrorKind::Truncated)), and the stream goes on with the next. Whatever else goes
/// wrong ends it: behind bytes that are no frames there is no telling where the next one begins.
///
/// When it is dropped, the FIFO is removed if it was of our making, and whoever still writes gets
/// [`Closed`](ErrorKind::Closed).
///
/// # Examples
///
/// See the [module](super).
///
/// # Cancel safety
///
/// Receiving is cancel-safe: what has arrived stays here.
#[derive(Debug)]
pub struct Receiver {
    frames: Frames<Reader>,
    end: End,
    /// The stream has yielded an error that it does not go on behind.
    broken: bool,
}

impl Receiver {
    pub(super) fn open(options: &Options, path: &Path, endpoint: &Arc<Endpoint>) -> Result<Self> {
        let reader = Reader::open(options, path)?;
        let frames = Frames::new(reader).max_len(options.max_len).on(Arc::clone(endpoint));
        Ok(Self { frames, end: options.end, broken: false })
    }

    /// The endpoint that is received on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let receiver = framewire::fifo::receiver(&*path).await?;
    /// let endpoint = receiver.endpoint().map(ToString::to_string);
    /// assert_eq!(endpoint, Some(format!("fifo://{}", path.display())));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.frames.endpoint()
    }

    /// Waits for a message, then takes it and all that have arrived with it, 64 at most; cheaper
    /// than as many calls of `next`. Says how many: 0 is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::fifo;
    /// use futures::SinkExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let mut receiver = fifo::receiver(&*path).await?;
    /// let mut sender = fifo::sender(&*path).await?;
    /// sender.feed("one".into()).await?;
    /// sender.send("two".into()).await?;
    ///
    /// let mut messages = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut messages).await?, 2);
    /// assert_eq!(messages, ["one", "two"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them. Messages in front of a broken frame are returned first.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: messages are taken in the last step.
    pub async fn recv_many(&mut self, messages: &mut Vec<Bytes>) -> Result<usize> {
        loop {
            match self.frames.recv_many(messages).await {
                Ok(0) if self.waits_for_the_next() => {}
                Ok(count) => return Ok(count),
                Err(error) => return Err(self.met(error)),
            }
        }
    }

    /// Waits for a message and lends it to `see`: cheaper than `next` where the bytes need not
    /// outlive the call. `None` is the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::fifo;
    /// use futures::SinkExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("jobs");
    /// let mut receiver = fifo::receiver(&*path).await?;
    /// fifo::sender(&*path).await?.send("hello".into()).await?;
    /// assert_eq!(receiver.with_next(|body| body.len()).await?, Some(5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As `next` yields them.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: `see` is called in the last step, or not at all.
    pub async fn with_next<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let mut see = Some(see);
        loop {
            let lent = self.frames.with_next(|body| see.take().map(|see| see(body)));
            match lent.await {
                Ok(None) if self.waits_for_the_next() => {}
                Ok(seen) => return Ok(seen.flatten()),
                Err(error) => return Err(self.met(error)),
            }
        }
    }

    /// The bare bytes, and what had arrived of them but was not handed out: from here on they are
    /// yours to frame, with any codec.
    ///
    /// # Examples
    ///
    /// See [`Reader`].
    pub fn into_io(self) -> (Reader, Bytes) {
        let (mut reader, leftover) = self.frames.into_io();
        reader.tells_hang_ups = false;
        (reader, leftover)
    }

    /// Whether what ended was one writer's part of the stream.
    fn waits_for_the_next(&mut self) -> bool {
        let goes_on = self.end == End::Never && !self.broken;
        if goes_on {
            self.frames.go_on();
        }
        goes_on
    }

    #[cold]
    fn met(&mut self, error: Error) -> Error {
        if error.kind() != ErrorKind::Truncated || !self.waits_for_the_next() {
            self.broken = true;
        }
        error
    }
}

impl Stream for Receiver {
    type Item = Result<Bytes>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let receiver = self.get_mut();
        loop {
            match ready!(Pin::new(&mut receiver.frames).poll_next(cx)) {
                None if receiver.waits_for_the_next() => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(receiver.met(error)))),
                other => return Poll::Ready(other),
            }
        }
    }
}
