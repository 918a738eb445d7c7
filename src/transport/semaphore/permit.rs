//! A permit that is held.

use std::{fmt, sync::Arc};

use super::gate::Gate;

/// A permit: it is given back when this is dropped.
///
/// It may be dropped by any task or thread, and after the [`Semaphore`](super::Semaphore). Who is
/// killed, and who ends by [`exit`](std::process::exit) without dropping it, gives nothing back:
/// that permit is lost until somebody [posts](super::Semaphore::post) another.
///
/// # Examples
///
/// See the [module](super).
#[must_use = "a permit that is dropped is given back at once"]
pub struct Permit {
    /// `None` once it is forgotten.
    gate: Option<Arc<Gate>>,
}

impl Permit {
    pub(super) fn new(gate: &Arc<Gate>) -> Self {
        Self { gate: Some(Arc::clone(gate)) }
    }

    /// Keeps the permit from being given back: it is used up, or somebody else posts it.
    ///
    /// # Examples
    ///
    /// One process posts for each job, another takes:
    ///
    /// ```
    /// use framewire::semaphore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-forget-{}", std::process::id());
    /// let jobs = semaphore::open(&name)?;
    /// # semaphore::remove(&name)?;
    /// jobs.post()?;
    /// jobs.acquire().await?.forget();
    /// assert_eq!(jobs.value()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn forget(mut self) {
        self.gate = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = &self.gate {
            gate.give_back();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.gate.as_ref().map(|gate| gate.endpoint().to_string());
        f.debug_struct("Permit").field("endpoint", &endpoint).finish()
    }
}
