//! When a receiver ends.

/// When a receiver ends: a FIFO itself never does.
///
/// # Examples
///
/// ```
/// use framewire::fifo::{self, End};
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("jobs");
/// let once = fifo::Options::new().end(End::WithLastWriter);
/// let mut receiver = once.receiver(&*path).await?;
/// fifo::sender(&*path).await?.send("the only job".into()).await?;
/// assert_eq!(receiver.next().await.expect("it was sent")?, "the only job");
/// assert!(receiver.next().await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// Never: after the last writer it waits for the next. One that is gone in the middle of a
    /// frame is told as [`Truncated`](crate::ErrorKind::Truncated), and the stream goes on.
    #[default]
    Never,
    /// When the last of those who write has left. The FIFO is removed then, if it was of our
    /// making; who comes later finds nobody.
    WithLastWriter,
}
