//! The task that receives from a socket for all its peers.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::net::SocketAddrAny;
use tokio::{task::AbortHandle, time::Sleep};

use super::{
    Address,
    arrival::{Arrival, Intake},
    queue::{Queue, Refused, Taker},
};
use crate::{
    Peer,
    backoff::Backoff,
    runtime,
    wait::{Direction, Fd},
};

/// What one peer may have unreceived: so many messages, so many bytes.
const UNRECEIVED: (usize, usize) = (128, 256 * 1024);
/// How many peers wait to be accepted.
const UNACCEPTED: usize = 128;

/// What is done with a message that there is no room for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Overflow {
    /// It is dropped, and the receiver told how many were.
    Drop,
    /// It waits for so long at most, and all that come after it: the senders wait too.
    Wait(Duration),
}

/// What can be chosen about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many peers it has at once.
    pub(crate) peers: usize,
    /// After how long without a message a peer is taken to be gone.
    pub(crate) idle: Duration,
    pub(crate) overflow: Overflow,
}

impl Default for Limits {
    fn default() -> Self {
        Self { peers: 1024, idle: Duration::from_secs(60), overflow: Overflow::Drop }
    }
}

/// A peer that was heard of for the first time.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) address: Address,
    pub(super) peer: Peer,
    pub(super) taker: Taker<Arrival>,
    /// Keeps the task running.
    pub(super) running: Arc<Running>,
}

/// The task, which ends when nobody has this any more.
#[derive(Debug)]
pub(super) struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One peer.
#[derive(Debug)]
struct Slot {
    queue: Arc<Queue<Arrival>>,
    /// Something came since it was last looked at.
    heard: bool,
    /// How often nothing had come.
    quiet: u8,
}

#[derive(Debug)]
pub(super) struct Hub {
    ready: Fd,
    intake: Intake,
    limits: Limits,
    peers: HashMap<SocketAddrAny, Slot>,
    newcomers: Arc<Queue<Newcomer>>,
    /// Set once the task runs.
    running: Weak<Running>,
    /// What there was no room for, and until when it waits.
    held: Option<(SocketAddrAny, Arrival, Pin<Box<Sleep>>)>,
    /// When to look for peers that are gone; none while there are no peers.
    sweep: Option<Pin<Box<Sleep>>>,
    backoff: Backoff,
}

impl Hub {
    /// Starts the task on the runtime that is here.
    pub(super) fn start(
        ready: Fd,
        intake: Intake,
        limits: Limits,
    ) -> io::Result<(Arc<Running>, Taker<Newcomer>)> {
        let newcomers = Arc::new(Queue::new(UNACCEPTED, UNACCEPTED));
        let taker = Taker::new(&newcomers);
        let hub = Self {
            ready,
            intake,
            limits,
            peers: HashMap::new(),
            newcomers,
            running: Weak::new(),
            held: None,
            sweep: None,
            backoff: Backoff::default(),
        };
        let (tell, told) = tokio::sync::oneshot::channel();
        let task = tokio::runtime::Handle::try_current().map_err(io::Error::other)?.spawn(
            // The task hands out what keeps it running, and must not keep itself.
            async move {
                let mut hub = hub;
                if let Ok(running) = told.await {
                    hub.running = running;
                    hub.await;
                }
            },
        );
        let running = Arc::new(Running(task.abort_handle()));
        let _ = tell.send(Arc::downgrade(&running));
        Ok((running, taker))
    }

    /// Puts a message where it belongs, or holds it until it can be.
    fn route(&mut self, cx: &Context<'_>, from: SocketAddrAny, arrival: Arrival) {
        let refused = match self.offer(&from, arrival) {
            Ok(()) => return,
            Err(refused) => refused,
        };
        match self.limits.overflow {
            Overflow::Drop => self.missed(&from),
            Overflow::Wait(stall) => match runtime::sleep(stall) {
                Ok(stall) => {
                    self.held = Some((from, refused, stall));
                    self.wake_for_held(cx);
                }
                Err(_) => self.missed(&from),
            },
        }
    }

    /// Puts a message where it belongs; it comes back where there is no room.
    fn offer(&mut self, from: &SocketAddrAny, arrival: Arrival) -> Result<(), Arrival> {
        let mut arrival = arrival;
        if let Some(slot) = self.peers.get_mut(from) {
            slot.heard = true;
            let weight = arrival.body.len();
            match slot.queue.put(arrival, weight) {
                Ok(()) => return Ok(()),
                Err(Refused::Full(back)) => return Err(back),
                // Its connection was dropped: it makes another.
                Err(Refused::Closed(back)) => arrival = back,
            }
            self.peers.remove(from);
        }
        self.welcome(from, arrival)
    }

    /// Makes a connection of a peer that was not heard of before.
    fn welcome(&mut self, from: &SocketAddrAny, arrival: Arrival) -> Result<(), Arrival> {
        if self.peers.len() >= self.limits.peers {
            self.peers.retain(|_, slot| !slot.queue.is_closed());
        }
        let Some(running) = self.running.upgrade() else { return Ok(()) };
        if self.peers.len() >= self.limits.peers {
            let peers = self.limits.peers;
            tracing::warn!(peers, "dropped a new peer's message: there are too many peers");
            return Ok(());
        }
        let address = Address(from.clone());
        let peer = arrival.credentials.map_or_else(|| address.peer(), |known| known.peer());
        let queue = Arc::new(Queue::new(UNRECEIVED.0, UNRECEIVED.1));
        let newcomer = Newcomer { address, peer, taker: Taker::new(&queue), running };
        match self.newcomers.put(newcomer, 1) {
            Ok(()) => {}
            Err(Refused::Full(_)) => return Err(arrival),
            // Nobody listens any more; who is connected goes on.
            Err(Refused::Closed(_)) => return Ok(()),
        }
        let weight = arrival.body.len();
        let _ = queue.put(arrival, weight);
        self.peers.insert(from.clone(), Slot { queue, heard: true, quiet: 0 });
        Ok(())
    }

    /// A message is lost.
    fn missed(&mut self, from: &SocketAddrAny) {
        match self.peers.get(from) {
            Some(slot) => slot.queue.miss(),
            None => tracing::warn!("dropped a new peer's message: too many wait to be accepted"),
        }
    }

    /// Has the task woken when the held message may go on.
    fn wake_for_held(&self, cx: &Context<'_>) {
        let Some((from, ..)) = &self.held else { return };
        match self.peers.get(from) {
            Some(slot) => slot.queue.wake_putter(cx),
            None => self.newcomers.wake_putter(cx),
        }
    }

    /// Offers the held message again; ready when none is held any more.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // First the waker, then the look: room that is made in between wakes us.
        self.wake_for_held(cx);
        let Some((from, arrival, mut stall)) = self.held.take() else { return Poll::Ready(()) };
        let Err(arrival) = self.offer(&from, arrival) else { return Poll::Ready(()) };
        if stall.as_mut().poll(cx).is_pending() {
            self.held = Some((from, arrival, stall));
            return Poll::Pending;
        }
        // One that does not receive must not hold up the others for good.
        self.missed(&from);
        if let Some(slot) = self.peers.remove(&from) {
            tracing::warn!("ended a connection that did not receive: it held up the others");
            slot.queue.end();
        }
        Poll::Ready(())
    }

    /// Receives one message and routes it.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.backoff.poll(cx));
        let Self { ready, intake, .. } = self;
        let received = ready!(ready.poll_fd(cx, Direction::Receive, |fd| intake.receive(fd)));
        match received {
            Ok(packet) => {
                self.backoff.succeed();
                let arrival =
                    Arrival { body: self.intake.inbox.take(), credentials: packet.credentials };
                match packet.from {
                    Some(from) => self.route(cx, from, arrival),
                    None => tracing::debug!("dropped a message that cannot be answered to"),
                }
            }
            Err(error) if is_one_messages(&error) => {
                tracing::warn!(%error, "a message was lost");
            }
            Err(error) => {
                tracing::warn!(%error, "receiving failed; trying again");
                // Without timers there is nothing to wait with: the next wake-up tries again.
                let _ = self.backoff.fail();
            }
        }
        Poll::Ready(())
    }

    /// Ends what nothing has come from for long, and forgets what nobody takes from.
    fn poll_sweep(&mut self, cx: &mut Context<'_>) {
        loop {
            if self.peers.is_empty() {
                self.sweep = None;
                return;
            }
            let half = self.limits.idle / 2;
            let Some(sweep) = &mut self.sweep else {
                self.sweep = runtime::sleep(half).ok();
                if self.sweep.is_none() {
                    return;
                }
                continue;
            };
            if sweep.as_mut().poll(cx).is_pending() {
                return;
            }
            self.sweep = None;
            self.peers.retain(|_, slot| {
                slot.quiet = if slot.heard { 0 } else { slot.quiet + 1 };
                slot.heard = false;
                let gone = slot.quiet >= 2;
                if gone {
                    slot.queue.end();
                }
                !gone && !slot.queue.is_closed()
            });
        }
    }
}

impl Future for Hub {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while self.poll_held(cx).is_ready() && self.poll_receive(cx).is_ready() {}
        self.poll_sweep(cx);
        Poll::Pending
    }
}

impl Drop for Hub {
    /// The runtime is gone, or everybody is: whoever still waits is told.
    fn drop(&mut self) {
        for slot in self.peers.values() {
            slot.queue.end();
        }
        self.newcomers.end();
    }
}

/// Whether this is about one message, and the socket is as good as before.
fn is_one_messages(error: &io::Error) -> bool {
    use crate::ErrorKind::{Denied, Lagged, TooLarge};
    let ours = error.get_ref().and_then(|error| error.downcast_ref::<crate::Error>());
    let passing =
        matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset);
    passing || ours.is_some_and(|error| matches!(error.kind(), Denied | Lagged | TooLarge))
}
