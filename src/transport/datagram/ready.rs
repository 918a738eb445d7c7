//! When a datagram socket is to be tried again.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Sleep;

use super::{arrival::Arrival, queue::Queue};
use crate::{
    runtime,
    wait::{Direction, Fd, Wait},
};

/// How long to wait for room in the queue of a peer that nothing tells of, first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

/// Whether a connected socket is told when its peer has room again.
const ROOM_IS_TOLD: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// The wait of a datagram socket, or of one peer's part of a socket that is shared.
///
/// # Examples
///
/// It is part of what the modules' verbs hand out:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::udp::{Ready, Target};
///
/// let sender: framewire::message::Messages<Target, Ready> =
///     framewire::udp::sender("127.0.0.1:7000").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Ready {
    fd: Fd,
    /// Where what is received comes from, if not from the descriptor.
    queue: Option<Arc<Queue<Arrival>>>,
    /// Whether a full queue at the other end becomes empty without an event: the kernel tells that
    /// to connected Unix sockets only.
    silent: bool,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Ready {
    /// The wait of a socket with an owner of its own.
    pub(super) fn own(fd: Fd) -> Self {
        Self { fd, queue: None, silent: !ROOM_IS_TOLD, pause: PAUSE.0, sleep: None }
    }

    /// The wait of a socket that others send on as well, and another receives from.
    pub(super) fn shared(fd: Fd, queue: Arc<Queue<Arrival>>, silent: bool) -> Self {
        let silent = silent || !ROOM_IS_TOLD;
        Self { fd, queue: Some(queue), silent, pause: PAUSE.0, sleep: None }
    }

    /// Waits for the descriptor, and looks again after a pause as well.
    fn poll_silent<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let sent = self.fd.poll_io(cx, Direction::Send, &mut op);
            let sent = match (sent, &mut self.sleep) {
                (Poll::Pending, None) => {
                    self.sleep = Some(runtime::sleep(self.pause)?);
                    continue;
                }
                (Poll::Pending, Some(sleep)) => {
                    ready!(sleep.as_mut().poll(cx));
                    // To the registration it is not ready before an event that may never be.
                    op()
                }
                (Poll::Ready(sent), _) => sent,
            };
            self.sleep = None;
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.pause = (2 * self.pause).min(PAUSE.1);
                }
                sent => {
                    self.pause = PAUSE.0;
                    return Poll::Ready(sent);
                }
            }
        }
    }
}

impl Wait for Ready {
    #[inline]
    fn poll_io<R>(
        &mut self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        match (direction, &self.queue) {
            (Direction::Receive, Some(queue)) => loop {
                match op() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if queue.wake_taker(cx) {
                            return Poll::Pending;
                        }
                    }
                    taken => return Poll::Ready(taken),
                }
            },
            (Direction::Send, _) if self.silent => self.poll_silent(cx, op),
            _ => self.fd.poll_io(cx, direction, op),
        }
    }
}
