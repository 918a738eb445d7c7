//! The task that receives from a socket for all its peers.

use std::{
    collections::HashMap,
    io,
    os::fd::BorrowedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use rustix::net::SocketAddrAny;
use tokio::time::Sleep;

use super::{
    Address,
    arrival::{Arrival, Intake, OVERRUN, STRANGERS},
    queue::{Queue, Refused, Taker},
    room::Room,
};
use crate::{
    Peer,
    backoff::Backoff,
    runtime,
    sys::Credentials,
    transport::running,
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
}

/// Who sent a message: an address alone may be another process's by now, or of another's making.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Who {
    address: SocketAddrAny,
    credentials: Option<Credentials>,
}

/// One peer.
#[derive(Debug)]
struct Slot {
    queue: Arc<Queue<Arrival>>,
    room: Room,
    /// Something came since it was last looked at.
    heard: bool,
    /// How often nothing had come.
    quiet: u8,
}

/// What keeps it running.
pub(super) type Running = running::Running<Hub>;

#[derive(Debug)]
pub(super) struct Hub {
    ready: Fd,
    intake: Intake,
    limits: Limits,
    peers: HashMap<Who, Slot>,
    newcomers: Arc<Queue<Newcomer>>,
    /// A newcomer has waited in vain to be accepted, and none was since.
    unattended: bool,
    /// In this poll it was looked who is gone.
    purged: bool,
    /// What there was no room for, and until when it waits.
    held: Option<(Who, Arrival, Pin<Box<Sleep>>)>,
    /// When to look for peers that are gone; none while there are no peers.
    sweep: Option<Pin<Box<Sleep>>>,
    backoff: Backoff,
}

impl Hub {
    /// Starts the task on the runtime that is here.
    pub(super) fn start(
        mut ready: Fd,
        intake: Intake,
        limits: Limits,
    ) -> io::Result<(Arc<Running>, Taker<Newcomer>)> {
        // What the runtime lacks is told here, and not to a task that nobody hears of.
        ready.register_to_receive()?;
        drop(runtime::sleep(Duration::ZERO)?);
        let newcomers = Arc::new(Queue::new(UNACCEPTED, UNACCEPTED));
        let taker = Taker::new(&newcomers);
        let hub = Self {
            ready,
            intake,
            limits,
            peers: HashMap::new(),
            newcomers,
            unattended: false,
            purged: false,
            held: None,
            sweep: None,
            backoff: Backoff::default(),
        };
        Ok((Arc::new(Running::start(hub)?), taker))
    }

    /// Puts what is in the inbox where it belongs, or holds it until it can be.
    fn route(&mut self, cx: &Context<'_>, from: Who) {
        let Err(refused) = self.offer(&from, None) else { return };
        // Where nobody accepts, one wait is enough to know it.
        let in_vain = self.unattended && !self.peers.contains_key(&from);
        if let (Overflow::Wait(stall), false) = (self.limits.overflow, in_vain) {
            if let Ok(stall) = runtime::sleep(stall) {
                self.held = Some((from, refused, stall));
                self.wake_for_held(cx);
                return;
            }
        }
        self.missed(&from);
    }

    /// Puts the held message where it belongs, or what is in the inbox; it comes back where there is
    /// no room.
    fn offer(&mut self, from: &Who, held: Option<Arrival>) -> Result<(), Arrival> {
        let Self { peers, intake, .. } = self;
        let arrival = |body| Arrival { body, credentials: from.credentials };
        let Some(slot) = peers.get_mut(from) else {
            let first = || arrival(intake.inbox.detach(Bytes::copy_from_slice));
            let first = held.unwrap_or_else(first);
            return self.welcome(from, first);
        };
        slot.heard = true;
        let room = &mut slot.room;
        let next = held.unwrap_or_else(|| arrival(intake.inbox.detach(|body| room.copy(body))));
        let weight = next.body.len();
        match slot.queue.put(next, weight) {
            Ok(()) => Ok(()),
            Err(Refused::Full(back)) => Err(back),
            // Its connection was dropped: it makes another.
            Err(Refused::Closed(back)) => {
                self.peers.remove(from);
                self.welcome(from, back)
            }
        }
    }

    /// Makes a connection of a peer that was not heard of before.
    fn welcome(&mut self, from: &Who, arrival: Arrival) -> Result<(), Arrival> {
        if self.peers.len() >= self.limits.peers && !self.purged {
            // Once a poll, lest each message of a flood cost a look at every peer.
            self.purged = true;
            self.peers.retain(|_, slot| !slot.queue.is_closed());
        }
        if self.peers.len() >= self.limits.peers {
            self.intake.losses.note("there are too many peers", 1);
            return Ok(());
        }
        let address = Address(from.address.clone());
        let peer = from.credentials.map_or_else(|| address.peer(), Credentials::peer);
        let queue = Arc::new(Queue::new(UNRECEIVED.0, UNRECEIVED.1));
        let newcomer = Newcomer { address, peer, taker: Taker::new(&queue) };
        match self.newcomers.put(newcomer, 1) {
            Ok(()) => self.unattended = false,
            Err(Refused::Full(_)) => return Err(arrival),
            // Nobody listens any more; who is connected goes on.
            Err(Refused::Closed(_)) => return Ok(()),
        }
        let weight = arrival.body.len();
        let _ = queue.put(arrival, weight);
        let slot = Slot { queue, room: Room::default(), heard: true, quiet: 0 };
        self.peers.insert(from.clone(), slot);
        Ok(())
    }

    /// A message is lost.
    fn missed(&mut self, from: &Who) {
        match self.peers.get(from) {
            Some(slot) => slot.queue.miss(),
            None => self.intake.losses.note("too many peers wait to be accepted", 1),
        }
    }

    /// Has the task woken when the held message may go on, wherever it then goes: its connection
    /// may be dropped, and it has to be accepted again.
    fn wake_for_held(&self, cx: &Context<'_>) {
        let Some((from, ..)) = &self.held else { return };
        self.newcomers.wake_putter(cx);
        if let Some(slot) = self.peers.get(from) {
            slot.queue.wake_putter(cx);
        }
    }

    /// Offers the held message again; ready when none is held any more.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // First the waker, then the look: room that is made in between wakes us.
        self.wake_for_held(cx);
        let Some((from, arrival, mut stall)) = self.held.take() else { return Poll::Ready(()) };
        let Err(arrival) = self.offer(&from, Some(arrival)) else { return Poll::Ready(()) };
        if stall.as_mut().poll(cx).is_pending() {
            self.held = Some((from, arrival, stall));
            return Poll::Pending;
        }
        // One that does not receive must not hold up the others for good.
        self.missed(&from);
        match self.peers.remove(&from) {
            Some(slot) => {
                tracing::warn!("ended a connection that did not receive: it held up the others");
                slot.queue.end();
            }
            None => self.unattended = true,
        }
        Poll::Ready(())
    }

    /// Receives one message and routes it; `woke` tells that it is not the first of this poll.
    fn poll_receive(&mut self, cx: &mut Context<'_>, woke: bool) -> Poll<()> {
        ready!(self.backoff.poll(cx));
        let Self { ready, intake, .. } = self;
        let receive = |fd: BorrowedFd<'_>| intake.receive_and_count(fd);
        let received = ready!(ready.poll_fd_after(cx, Direction::Receive, woke, receive));
        match received {
            Ok((packet, missed)) => {
                self.backoff.succeed();
                if missed > 0 {
                    self.intake.losses.note(OVERRUN, missed);
                }
                let credentials = packet.credentials;
                match packet.from {
                    Some(address) => self.route(cx, Who { address, credentials }),
                    None => {
                        self.intake.losses.note("their sender has no name to be answered to", 1)
                    }
                }
            }
            Err(error) => match of_one_message(&error) {
                Some(why) => self.intake.losses.note(why, 1),
                None => {
                    tracing::warn!(%error, "receiving failed; trying again");
                    // There are timers: it was tried out.
                    let _ = self.backoff.fail();
                }
            },
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
                if slot.quiet > 0 {
                    slot.room.give_back();
                }
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
        self.purged = false;
        let mut woke = false;
        loop {
            // Whose messages wait behind a held one is not silent: nobody is forgotten meanwhile.
            ready!(self.poll_held(cx));
            if self.poll_receive(cx, woke).is_pending() {
                self.poll_sweep(cx);
                return Poll::Pending;
            }
            woke = true;
        }
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

/// What was wrong with one message, where the socket is as good as before.
fn of_one_message(error: &io::Error) -> Option<&'static str> {
    use crate::ErrorKind::{Closed, Denied, TooLarge};
    let ours = error.get_ref()?.downcast_ref::<crate::Error>()?;
    match ours.kind() {
        Closed => Some("nobody was where an answer went"),
        Denied => Some(STRANGERS),
        TooLarge => Some("they were larger than `max_len`"),
        _ => None,
    }
}
