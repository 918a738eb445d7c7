//! A semaphore, as a program has it.

use std::{fmt, future::poll_fn, sync::Arc};

use super::{Permit, Unlink, gate::Gate, name::Name};
use crate::{
    Endpoint, Result,
    sys::{Identity, NamedSemaphore},
    wait::{Strategy, Ticket, WaitQueue},
};

/// A named semaphore that is open. Its clones are the same one, and have one line of tasks that
/// wait.
///
/// # Examples
///
/// See the [module](super).
#[derive(Clone)]
pub struct Semaphore(Arc<Inner>);

struct Inner {
    queue: WaitQueue<Gate>,
    name: Name,
    identity: Identity,
    unlink: Unlink,
}

impl Semaphore {
    pub(super) fn new(
        semaphore: NamedSemaphore,
        name: Name,
        identity: Identity,
        unlink: Unlink,
        strategy: Strategy,
    ) -> Self {
        let gate = Arc::new(Gate::new(semaphore, name.endpoint()));
        let queue = WaitQueue::new("framewire-sem", gate, strategy);
        Self(Arc::new(Inner { queue, name, identity, unlink }))
    }

    /// Waits for a permit and takes it.
    ///
    /// Tasks that wait on clones of one semaphore are served in the order in which they came. Who
    /// is first in another process, or by another [`open`](super::open), the kernel decides.
    ///
    /// # Examples
    ///
    /// With a deadline:
    ///
    /// ```
    /// use std::time::Duration;
    /// use framewire::semaphore;
    /// use tokio::time::timeout;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-acquire-{}", std::process::id());
    /// let gate = semaphore::open(&name)?;
    /// # semaphore::remove(&name)?;
    /// assert!(timeout(Duration::from_millis(10), gate.acquire()).await.is_err());
    ///
    /// gate.post()?;
    /// let permit = gate.acquire().await?;
    /// assert_eq!(gate.value()?, 0);
    /// drop(permit);
    /// assert_eq!(gate.value()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Exhausted`](crate::ErrorKind::Exhausted): there is no thread to wait with. Nothing else is
    /// known of.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: who gives up takes no permit. One that the kernel gives for 50 ms at most after
    /// the last task has given up goes back at once; for that moment others do not see it. Who comes
    /// again has a new place in the line.
    pub async fn acquire(&self) -> Result<Permit> {
        let mut ticket = self.ticket();
        let taken = poll_fn(|cx| ticket.poll_take(cx)).await;
        taken.map_err(|cause| self.gate().failed("acquire", cause.into()))?;
        Ok(self.permit())
    }

    /// Takes a permit if there is one, and no task waits for one on a clone of this.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-try-{}", std::process::id());
    /// let gate = semaphore::Options::new().initial(1).open(&name)?;
    /// # semaphore::remove(&name)?;
    /// let permit = gate.try_acquire()?;
    /// assert!(permit.is_some());
    /// assert!(gate.try_acquire()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn try_acquire(&self) -> Result<Option<Permit>> {
        let taken = self.0.queue.try_take();
        let taken = taken.map_err(|cause| self.gate().failed("acquire", cause.into()))?;
        Ok(taken.then(|| self.permit()))
    }

    /// Adds a permit; who has waited longest, as the kernel sees it, is woken. It never waits.
    ///
    /// # Examples
    ///
    /// See [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// [`Exhausted`](crate::ErrorKind::Exhausted): there are 2,147,483,647 permits already, the most
    /// there can be (SEM_VALUE_MAX).
    pub fn post(&self) -> Result<()> {
        self.gate().post()
    }

    /// Adds so many permits, one after the other.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-release-{}", std::process::id());
    /// let gate = semaphore::open(&name)?;
    /// # semaphore::remove(&name)?;
    /// gate.release(3)?;
    /// assert_eq!(gate.value()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Exhausted`](crate::ErrorKind::Exhausted): there would be more than 2,147,483,647; then none
    /// is added, unless others add some at the same moment: the error says how many were.
    pub fn release(&self, permits: u32) -> Result<()> {
        self.gate().release(permits)
    }

    /// How many permits there are now, for people to look at: it may be another number by the time
    /// it is read.
    ///
    /// # Examples
    ///
    /// See [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): somebody has written to the semaphore's file.
    pub fn value(&self) -> Result<u32> {
        self.gate().value()
    }

    /// The endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::semaphore;
    ///
    /// # fn main() -> framewire::Result<()> {
    /// # let name = format!("/framewire-doc-endpoint-{}", std::process::id());
    /// let gate = semaphore::open(&name)?;
    /// # semaphore::remove(&name)?;
    /// assert_eq!(gate.endpoint().to_string(), format!("semaphore://{name}"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn endpoint(&self) -> &Endpoint {
        self.gate().endpoint()
    }

    pub(super) fn ticket(&self) -> Ticket<Gate> {
        self.0.queue.ticket()
    }

    /// The permit that was just taken.
    #[inline]
    pub(super) fn permit(&self) -> Permit {
        Permit::new(self.gate())
    }

    #[inline]
    pub(super) fn gate(&self) -> &Arc<Gate> {
        self.0.queue.tokens()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.unlink == Unlink::Never {
            return;
        }
        if let Err(error) = self.name.remove_if(self.identity) {
            let endpoint = self.name.endpoint();
            tracing::warn!(%error, %endpoint, "the name of a semaphore is left behind");
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("endpoint", &self.endpoint().to_string())
            .field("queue", &self.0.queue)
            .finish()
    }
}
