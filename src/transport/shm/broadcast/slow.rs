//! Receivers that are slow, and receivers that come late.

/// What becomes of a receiver that is slower than its sender.
///
/// # Examples
///
/// ```
/// use framewire::shm::broadcast::{self, Slow};
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("prices");
/// let patient = broadcast::Options::new().slow(Slow::Wait);
/// let mut sender = patient.sender(&*path).await?;
/// let mut receiver = broadcast::receiver(&*path).await?;
/// let send = async {
///     for _ in 0..10_000 {
///         sender.feed(vec![7; 1000].into()).await?;
///     }
///     sender.close().await
/// };
/// let (sent, received) = tokio::join!(send, (&mut receiver).count());
/// sent?;
/// assert_eq!(received, 10_000);
/// assert_eq!(receiver.lost(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Slow {
    /// It is overtaken, which it is told as [`Lagged`](crate::ErrorKind::Lagged), and goes on with
    /// the newest message. Nobody can hold the sender up.
    #[default]
    Overwrite,
    /// The sender waits for the slowest, for as long as it lives: no message is lost, and a receiver
    /// that is stopped, or that is not polled, stops everybody.
    Wait,
    /// It is told, and is no receiver any more: its stream ends with
    /// [`Closed`](crate::ErrorKind::Closed). Nobody loses a message without being told so.
    Disconnect,
}

/// Where a receiver begins that was not there from the beginning.
///
/// # Examples
///
/// ```
/// use framewire::shm::broadcast::{self, Start};
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("prices");
/// let mut sender = broadcast::sender(&*path).await?;
/// for message in ["one", "two"] {
///     sender.send(message.into()).await?;
/// }
/// let from = |start| broadcast::Options::new().start(start);
/// let mut newest = broadcast::receiver(&*path).await?;
/// let mut oldest = from(Start::Oldest).receiver(&*path).await?;
/// let mut next = from(Start::Next).receiver(&*path).await?;
/// sender.send("three".into()).await?;
/// assert_eq!(newest.next().await.expect("it is there")?, "two");
/// assert_eq!(oldest.next().await.expect("it is there")?, "one");
/// assert_eq!(next.next().await.expect("it was sent")?, "three");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Start {
    /// With the newest message that was sent by then, if there is one.
    #[default]
    Newest,
    /// With the oldest that is still there.
    Oldest,
    /// With the next that is sent.
    Next,
}
