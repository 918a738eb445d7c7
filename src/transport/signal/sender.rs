//! Sending signals to one process.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures::Sink;

use super::{Options, Value, WhenFull, bodies::Bodies, number::Number};
use crate::{
    BoxSender, Endpoint, Error, ErrorKind, Result,
    backoff::Backoff,
    place::Place,
    sys::{self, SignalSender, SignalValue},
    turn::Turn,
};

/// The first pause where the queue is full, and the longest: each is twice the one before.
const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(16);
/// How long a process is taken to live after it was found to, and ours to be who it was: to ask
/// each time costs a tenth of what sending does.
const LIVES: Duration = Duration::from_millis(1);

/// Sends a signal to one process: a `Sink` of [`Value`].
///
/// The process is held by a descriptor of it (pidfd_open(2)): one that gets its number later is
/// never sent to.
///
/// # Examples
///
/// See [`sender`](super::sender).
///
/// # Cancel safety
///
/// `feed` and `flush` can be dropped and called again; a `send` that is dropped may have sent.
#[derive(Debug)]
pub struct Sender {
    process: Arc<OwnedFd>,
    number: Number,
    place: Place,
    when_full: WhenFull,
    wide: bool,
    /// Accepted when the queue was full.
    outbox: Option<Value>,
    backoff: Backoff,
    pause: Duration,
    full: u64,
    /// When both were asked last.
    seen: Option<Instant>,
    ours: SignalSender,
    turn: Turn,
}

impl Sender {
    pub(super) fn new(options: &Options, number: Number, process: Arc<OwnedFd>) -> Self {
        let mut place = Place::default();
        place.set(number.endpoint());
        Self {
            process,
            number,
            place,
            when_full: options.when_full,
            wide: options.wide,
            outbox: None,
            backoff: Backoff::default(),
            pause: FIRST,
            full: 0,
            seen: None,
            ours: SignalSender::ours(),
            turn: Turn::default(),
        }
    }

    /// How often the receiver's queue was found full: the signals that wait for all processes of
    /// its user are as many as its `RLIMIT_SIGPENDING`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let sender = framewire::signal::sender(format!("URG@{}", std::process::id())).await?;
    /// assert_eq!(sender.times_full(), 0);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    pub fn times_full(&self) -> u64 {
        self.full
    }

    /// The signal, and the process where it was opened by its number.
    ///
    /// # Examples
    ///
    /// See [`Receiver::endpoint`](super::Receiver::endpoint).
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.place.endpoint()
    }

    /// The same for messages: empty, or of 4 bytes, or with [`Options::wide`] of 8, as
    /// [`Value::from_body`] has them. Others are [`TooLarge`](ErrorKind::TooLarge), or
    /// [`Malformed`](ErrorKind::Malformed).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use futures::SinkExt;
    ///
    /// let sender = framewire::signal::sender(format!("URG@{}", std::process::id())).await?;
    /// let mut sender: framewire::BoxSender = sender.bytes();
    /// sender.send("\0\0\0\x07".into()).await?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn bytes(self) -> BoxSender {
        let len = if self.wide { 8 } else { 4 };
        Box::pin(Bodies::new(self, len))
    }

    /// Tells an error of our own side's making what was being done, and where.
    pub(super) fn refused(&self, error: Error) -> Error {
        self.place.refused("send", error)
    }

    /// One try: `None` where the queue is full.
    #[inline]
    fn try_send(&mut self, value: Value) -> Result<Option<()>> {
        let value = match value {
            // See `Value::Plain`.
            Value::Plain if self.number.queues() => Some(SignalValue::Int(0)),
            Value::Plain => None,
            Value::Int(int) => Some(SignalValue::Int(int)),
            Value::Word(word) => Some(SignalValue::Word(usize::try_from(word).map_err(|_| {
                let cause = format!("{word:#x} is larger than a word of this system");
                self.refused(Error::new(ErrorKind::TooLarge, cause))
            })?)),
        };
        if self.has_ended() {
            return Err(self.failed(io::Error::from_raw_os_error(libc::ESRCH)));
        }
        let value = value.map(|value| (self.ours, value));
        match sys::send_signal(self.process.as_fd(), self.number.raw, value) {
            Ok(()) => {
                self.pause = FIRST;
                Ok(Some(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.full += 1;
                Ok(None)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The kernel takes signals for a process that has ended, and that its parent has not waited
    /// for.
    fn has_ended(&mut self) -> bool {
        let now = Instant::now();
        if self.seen.is_some_and(|seen| now.duration_since(seen) < LIVES) {
            return false;
        }
        self.seen = Some(now);
        self.ours = SignalSender::ours();
        let ended = sys::has_ended(self.process.as_fd());
        if ended {
            self.seen = None;
        }
        ended
    }

    #[cold]
    fn failed(&self, error: io::Error) -> Error {
        let error = match error.raw_os_error() {
            Some(libc::ESRCH) => Error::new(ErrorKind::Closed, "the process has ended"),
            _ => error.into(),
        };
        self.place.failed("send", error)
    }

    /// Tries what is accepted again, after each pause.
    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while let Some(value) = self.outbox {
            ready!(self.backoff.poll(cx));
            match self.try_send(value) {
                Ok(Some(())) => self.outbox = None,
                Ok(None) => self.begin_pause()?,
                Err(error) => {
                    self.outbox = None;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn begin_pause(&mut self) -> Result<()> {
        let begun = self.backoff.pause(self.pause);
        self.pause = (self.pause * 2).min(LONGEST);
        match begun {
            Ok(_) => Ok(()),
            Err(error) => {
                self.outbox = None;
                Err(self.refused(error.into()))
            }
        }
    }
}

impl Sink<Value> for Sender {
    type Error = Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let sender = self.get_mut();
        ready!(sender.turn.poll(cx));
        sender.poll_outbox(cx)
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, value: Value) -> Result<()> {
        let sender = self.get_mut();
        if sender.outbox.is_some() {
            let error = Error::new(ErrorKind::Exhausted, "a signal is still waiting for room")
                .remedy("wait until `poll_ready` is ready");
            return Err(sender.refused(error));
        }
        sender.turn.passed();
        match (sender.try_send(value)?, sender.when_full) {
            (Some(()), _) => Ok(()),
            (None, WhenFull::Wait) => {
                sender.outbox = Some(value);
                sender.begin_pause()
            }
            (None, WhenFull::Fail) => {
                let cause = "as many signals wait for the receiver's user as may";
                let error = Error::new(ErrorKind::Exhausted, cause)
                    .remedy("raise RLIMIT_SIGPENDING of the receiver, or wait: `WhenFull::Wait`");
                Err(sender.refused(error))
            }
        }
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().poll_outbox(cx)
    }

    /// Sends what waits. There is nobody to tell that this was the last.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let _entered = self.place.closing();
        self.get_mut().poll_outbox(cx)
    }
}
