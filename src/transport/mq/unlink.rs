//! Who removes the name.

/// When an end removes the name of its queue.
///
/// The queue itself, and what is in it, stays for as long as somebody has it open. A process that
/// is killed removes nothing: [`remove`](super::remove) is for what it has left.
///
/// # Examples
///
/// ```
/// use framewire::mq::{self, Unlink};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let name = &format!("/framewire-doc-unlink-{}", std::process::id());
/// let options = mq::Options::new().capacity(4).max_len(64);
/// let receiver = options.clone().unlink(Unlink::OnDrop).receiver(name).await?;
/// let sender = options.sender(name).await?;
/// drop(receiver);
/// assert!(!mq::remove(name)?, "it is removed already");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unlink {
    /// Never: the queue outlives every process, and what nobody has received waits in it.
    #[default]
    Never,
    /// When this end is dropped, whoever has made the queue, if the name still stands for it. What
    /// is in the queue is lost with the last end that has it open.
    OnDrop,
}
