//! When a receiver ends.

/// When a receiver ends.
///
/// # Examples
///
/// ```
/// use framewire::{ErrorKind, shm::named::{self, End}};
/// use futures::{SinkExt, StreamExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = format!("doc-end-{}", std::process::id());
/// let all = named::Options::new().end(End::Never);
/// let mut receiver = all.receiver(&*name).await?;
/// for message in ["from one", "from the next"] {
///     let mut sender = named::sender(&*name).await?;
///     sender.send(message.into()).await?;
///     sender.close().await?;
///     assert_eq!(receiver.next().await.expect("it was sent")?, message);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// When the sender has closed, by [`close`](futures::SinkExt::close) or by being dropped with
    /// nothing that was not flushed, and no other has come by then. After one that was killed it
    /// waits for the next.
    #[default]
    WithClose,
    /// When the sender has closed; and where it has ended without, with an error
    /// ([`Closed`](crate::ErrorKind::Closed)) behind all that it had sent.
    WithSender,
    /// Never: after each sender it waits for the next.
    Never,
}
