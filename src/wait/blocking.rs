//! The blocking adapter: a call that can only block, waited for like a descriptor.

use std::{
    fmt,
    future::poll_fn,
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    Call, Strategy,
    bell::Bell,
    worker::{self, Shared},
};

/// A call that can only block, made on a thread of its own and waited for with a [`Strategy`].
///
/// For what has no descriptor to watch: a semaphore, a futex, a queue where it is not pollable.
///
/// The thread is a plain one, never one of Tokio's blocking pool, so that no runtime waits for it
/// when it shuts down. It calls only while somebody waits: an adapter that nobody polls consumes
/// nothing, and its thread sleeps without waking up. A wait that has begun costs 20 wake-ups a
/// second, the one exception to "idle costs nothing", unless the call has an
/// [interrupter](Call::interrupter).
///
/// At most 1,024 such threads exist in a process at a time.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use framewire::wait::{Blocking, Turn};
/// use std::{io, sync::mpsc::{self, RecvTimeoutError}};
///
/// let (sender, receiver) = mpsc::channel();
/// let mut numbers = Blocking::new("numbers", move |turn: &Turn| {
///     match receiver.recv_timeout(turn.slice()) {
///         Ok(number) => Ok(Some(number)),
///         Err(RecvTimeoutError::Timeout) => Ok(None),
///         Err(gone) => Err(io::Error::other(gone)),
///     }
/// })?;
///
/// sender.send(7).map_err(io::Error::other)?;
/// assert_eq!(numbers.next().await?, 7);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping it never blocks. The call that is going on is ended at once by its interrupter,
/// without one after 50 ms at most; then a result that nobody took is
/// [given back](Call::give_back), and the thread ends. [`close`](Self::close) waits for that.
///
/// # Platform
///
/// All. On Unix it holds an eventfd(2) or a pipe, and one more descriptor for its thread.
pub struct Blocking<C: Call> {
    bell: Bell,
    handle: Handle<C::Output>,
}

/// The last of it ends the thread.
struct Handle<T>(Arc<Shared<T>>);

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A wait that is going on: it is over when this is dropped.
struct Waiting<'a, T>(&'a Shared<T>);

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        self.0.withdraw();
    }
}

impl<C: Call> Blocking<C> {
    /// Starts a thread of this name that is ready to make this call.
    ///
    /// Linux shows the first 15 bytes of a thread's name.
    ///
    /// # Examples
    ///
    /// See [`Blocking`].
    ///
    /// # Errors
    ///
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded) when no further thread is to be had, in
    /// this process or on this system; [`InvalidInput`](io::ErrorKind::InvalidInput) for a name
    /// with a NUL byte; when there is no Tokio runtime here to wait on, or no descriptor left.
    pub fn new(name: &str, call: C) -> io::Result<Self> {
        let (bell, ringer) = Bell::new()?;
        Ok(Self { bell, handle: Handle(worker::start(name, call, ringer)?) })
    }

    /// Waits with this strategy.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::{Blocking, Strategy, Turn};
    ///
    /// let call = |turn: &Turn| {
    ///     std::thread::sleep(turn.slice());
    ///     Ok(Some("good morning"))
    /// };
    /// let mut alarm = Blocking::new("alarm", call)?.strategy(Strategy::Park);
    /// assert_eq!(alarm.next().await?, "good morning");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self { bell: self.bell.strategy(strategy), ..self }
    }

    /// Waits for the next result.
    ///
    /// # Examples
    ///
    /// See [`Blocking`].
    ///
    /// # Errors
    ///
    /// As for [`poll_next`](Self::poll_next).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when this is dropped: the call that is going on is ended, at once by its
    /// interrupter or after 50 ms at most, and a result that it brings nevertheless stays for the
    /// next wait or is [given back](Call::KEEPS).
    pub async fn next(&mut self) -> io::Result<C::Output> {
        let waiting = Waiting(&self.handle.0);
        poll_fn(|cx| poll(&mut self.bell, waiting.0, cx)).await
    }

    /// Polls for the next result.
    ///
    /// One task: the waker of the latest poll is the one that is woken. From a poll that answers
    /// [`Pending`](Poll::Pending) on, somebody waits: until a result is taken, or until
    /// [`cancel`](Self::cancel).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::{Blocking, Turn};
    /// use std::future::poll_fn;
    ///
    /// let mut answers = Blocking::new("answers", |_: &Turn| Ok(Some(42)))?;
    /// assert_eq!(poll_fn(|cx| answers.poll_next(cx)).await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the call answers: the next wait calls again. That it has panicked: then every wait
    /// is an error. That the runtime is shut down, or has no I/O driver (Unix).
    ///
    /// # Cancel safety
    ///
    /// Who just stops polling still waits, and takes a result from others when one comes; it
    /// stays for the next poll. [`cancel`](Self::cancel) says that nobody waits any more;
    /// [`next`](Self::next) does so when it is dropped.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<C::Output>> {
        poll(&mut self.bell, &self.handle.0, cx)
    }

    /// Nobody waits any more: what dropping [`next`](Self::next) does, for who polls.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::{Blocking, Turn};
    /// use std::{future::poll_fn, task::Poll, thread::sleep};
    ///
    /// let mut never = Blocking::new("never", |turn: &Turn| {
    ///     sleep(turn.slice());
    ///     Ok(None::<()>)
    /// })?;
    /// let polled = poll_fn(|cx| Poll::Ready(never.poll_next(cx).is_pending())).await;
    /// assert!(polled);
    /// never.cancel();
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&mut self) {
        self.handle.0.withdraw();
    }

    /// Ends the thread and waits until it has given back what nobody took and dropped the call.
    ///
    /// Dropping does the same without waiting for it; a process that ends right afterwards takes
    /// the thread, and an untaken result, with it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use framewire::wait::{Blocking, Turn};
    ///
    /// let mut answers = Blocking::new("answers", |_: &Turn| Ok(Some(42)))?;
    /// answers.next().await?;
    /// answers.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// That the runtime is shut down, or has no I/O driver (Unix).
    ///
    /// # Cancel safety
    ///
    /// Dropping this is dropping the adapter.
    pub async fn close(mut self) -> io::Result<()> {
        let shared = &self.handle.0;
        shared.close();
        poll_fn(|cx| self.bell.poll(cx, || shared.ended())).await
    }
}

/// Waits, and takes the result when there is one.
fn poll<T>(bell: &mut Bell, shared: &Shared<T>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
    // Before the bell is asked, which may answer "not rung" without trying: whoever is pending
    // has said that it waits.
    shared.want();
    Poll::Ready(match ready!(bell.poll(cx, || shared.take())) {
        Ok(result) => result,
        Err(error) => {
            // Not an answer of the call's, and nobody will be woken for one.
            shared.withdraw();
            Err(error)
        }
    })
}

impl<C: Call> fmt::Debug for Blocking<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").field("bell", &self.bell).finish_non_exhaustive()
    }
}
