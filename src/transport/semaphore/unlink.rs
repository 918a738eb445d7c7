//! Who removes the name.

/// When a semaphore's name is removed.
///
/// The semaphore itself, and its permits, stay for as long as somebody has it open. A process that
/// is killed removes nothing: [`remove`](super::remove) is for what it has left.
///
/// # Examples
///
/// ```
/// use framewire::semaphore::{self, Unlink};
///
/// # fn main() -> framewire::Result<()> {
/// # let name = format!("/framewire-doc-unlink-{}", std::process::id());
/// let gate = semaphore::Options::new().unlink(Unlink::OnDrop).open(&name)?;
/// drop(gate);
/// assert!(!semaphore::remove(&name)?, "it is removed already");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unlink {
    /// Never: the semaphore and its permits outlive every process.
    #[default]
    Never,
    /// When the last clone is dropped, whoever has made the semaphore, if the name still stands
    /// for it. Permits that are held keep the semaphore, and not its name.
    OnDrop,
}
