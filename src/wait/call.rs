//! What a blocking wait consists of.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a call that nobody can end may block at a time.
pub(super) const SLICE: Duration = Duration::from_millis(50);
/// "As long as it takes" for a call that can be ended; it fits the time-out of any system call.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A call that can only block, for [`Blocking`](super::Blocking) to make.
///
/// Any `FnMut(&Turn) -> io::Result<Option<T>> + Send + 'static` is one that gives nothing back and
/// cannot be interrupted.
///
/// # Examples
///
/// A semaphore of this process, whose permits others wait for as well, so that one which nobody
/// took any more goes back:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use framewire::wait::{Blocking, Call, Turn};
/// use std::{io, sync::{Arc, Condvar, Mutex, PoisonError}};
///
/// #[derive(Clone, Default)]
/// struct Semaphore(Arc<(Mutex<u32>, Condvar)>);
///
/// impl Semaphore {
///     fn post(&self) {
///         *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
///         self.0.1.notify_one();
///     }
/// }
///
/// impl Call for Semaphore {
///     type Output = ();
///     const KEEPS: bool = false;
///
///     fn call(&mut self, turn: &Turn) -> io::Result<Option<()>> {
///         let permits = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let (mut permits, _) = self
///             .0.1
///             .wait_timeout_while(permits, turn.slice(), |permits| {
///                 *permits == 0 && turn.is_wanted()
///             })
///             .unwrap_or_else(PoisonError::into_inner);
///         if *permits == 0 {
///             return Ok(None);
///         }
///         *permits -= 1;
///         Ok(Some(()))
///     }
///
///     fn give_back(&mut self, (): ()) {
///         self.post();
///     }
///
///     fn interrupter(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
///         let semaphore = self.clone();
///         Some(Box::new(move || {
///             // Under the lock: a call that has just seen that it is wanted sleeps by now.
///             let _permits = semaphore.0.0.lock();
///             semaphore.0.1.notify_all();
///         }))
///     }
/// }
///
/// let semaphore = Semaphore::default();
/// let mut permits = Blocking::new("permits", semaphore.clone())?;
/// semaphore.post();
/// permits.next().await?;
/// # Ok(())
/// # }
/// ```
pub trait Call: Send + 'static {
    /// What a call brings.
    type Output: Send + 'static;

    /// What becomes of a result that comes when nobody waits any more. `true`: it stays for the
    /// next wait, as a message has to that was next in line. `false`: it is given back at once,
    /// as a permit has to be that others wait for. An error stays in either case.
    ///
    /// # Examples
    ///
    /// See [`Call`].
    const KEEPS: bool = true;

    /// Blocks until there is a result, or until `turn` is over: then `Ok(None)`.
    ///
    /// It may return `Ok(None)` sooner, but not at once again and again, since it is called again
    /// for as long as somebody waits. Returning later than the slice delays nobody but the end of
    /// the thread and the next wait.
    ///
    /// # Examples
    ///
    /// See [`Call`].
    ///
    /// # Errors
    ///
    /// They are handed to who waits, and the next wait calls again;
    /// [`Interrupted`](io::ErrorKind::Interrupted) is the same as `Ok(None)`.
    ///
    /// # Panics
    ///
    /// A panic is an error for who waits and ends the thread.
    fn call(&mut self, turn: &Turn) -> io::Result<Option<Self::Output>>;

    /// Gives a result back that nobody took: posts the permit again, puts the message back.
    ///
    /// Called on the thread, when the last handle is gone and, unless the call
    /// [keeps](Self::KEEPS) its results, when the wait was cancelled.
    ///
    /// # Examples
    ///
    /// See [`Call`].
    fn give_back(&mut self, output: Self::Output) {
        drop(output);
    }

    /// What ends a call that is going on, if anything does: a changed control word and a wake of
    /// who waits for it, a signal for the thread. It is asked for once, before the first call.
    ///
    /// With one, a call's [slice](Turn::slice) is a day, and a wait that takes long costs nothing;
    /// without, it is 50 ms, and 20 wake-ups a second. An interrupter that can come too early to
    /// be noticed, as a signal can that arrives just before the thread blocks, is no reason for a
    /// long slice: let [`call`](Self::call) cut it short.
    ///
    /// It is called on the thread of who gives up waiting, and must neither block nor panic. The
    /// call that it ends cannot return to the adapter meanwhile: the thread is there to be
    /// signalled.
    ///
    /// # Examples
    ///
    /// See [`Call`].
    fn interrupter(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        None
    }
}

impl<F, T> Call for F
where
    F: FnMut(&Turn) -> io::Result<Option<T>> + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn call(&mut self, turn: &Turn) -> io::Result<Option<T>> {
        self(turn)
    }
}

/// How long a call may block, and whether it still has a reason to.
///
/// # Examples
///
/// See [`Call`].
#[derive(Debug)]
pub struct Turn {
    slice: Duration,
    wanted: Arc<AtomicBool>,
}

impl Turn {
    pub(super) fn new(interruptible: bool, wanted: Arc<AtomicBool>) -> Self {
        Self { slice: if interruptible { DAY } else { SLICE }, wanted }
    }

    /// How long the call may block: 50 ms, or a day if it has an interrupter.
    ///
    /// # Examples
    ///
    /// See [`Call`].
    #[must_use]
    pub fn slice(&self) -> Duration {
        self.slice
    }

    /// Whether somebody still waits.
    ///
    /// A call with an interrupter that leaves a mark, such as a control word, first reads the
    /// mark, then asks this, and then blocks for as long as the mark is the one it has read: an
    /// interrupter that came before is seen here, one that comes after finds the mark being
    /// waited on. The mark is changed under a lock that the call holds while it looks, or with
    /// `Release` and read with `Acquire`.
    ///
    /// # Examples
    ///
    /// See [`Call`].
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        // Acquire: partner of the Release in `Shared::withdraw` and `Shared::close`. Those run
        // before the interrupter, whose mark has orderings of its own.
        self.wanted.load(Ordering::Acquire)
    }
}
