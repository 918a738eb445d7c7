//! Who removes the name of an object that outlives processes.

/// When the name of a queue or semaphore is removed.
///
/// The object itself, and what is in it, stays for as long as somebody has it open. A process that
/// is killed removes nothing: the module's `remove` is for what it has left.
///
/// # Examples
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::mq::{self, Unlink};
///
/// # let name = &format!("/framewire-doc-unlink-{}", std::process::id());
/// let options = mq::Options::new().capacity(4).max_len(64);
/// let receiver = options.clone().unlink(Unlink::OnDrop).receiver(name).await?;
/// let sender = options.sender(name).await?;
/// drop(receiver);
/// assert!(!mq::remove(name)?, "it is removed already");
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
///
/// And of a semaphore, with its last clone:
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # fn main() -> framewire::Result<()> {
/// use framewire::semaphore::{self, Unlink};
///
/// # let name = format!("/framewire-doc-unlink-{}", std::process::id());
/// let gate = semaphore::Options::new().unlink(Unlink::OnDrop).open(&name)?;
/// drop(gate);
/// assert!(!semaphore::remove(&name)?, "it is removed already");
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
///
/// # Platform
///
/// Linux has what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unlink {
    /// Never: the object outlives every process, and keeps what is in it.
    #[default]
    Never,
    /// When what was opened with this is dropped, whoever has made the object, if the name still
    /// stands for it. Of a queue that is the one end, of a semaphore the last clone. What is in the
    /// object is lost with the last who has it open.
    OnDrop,
}
