//! One end of a connection.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    HIGHEST, Options,
    calls::Parcel,
    outlet::too_high,
    packer::Packer,
    presence::{Part, Role},
    spill::Spill,
    unpacker::Unpacker,
    vacancy::Vacancy,
};
use crate::{
    Error, ErrorKind, Peer, Result,
    message::{TryRecv, TrySend},
    sys::{self, Entry},
    transport::inbox::Inbox,
    wait::{Direction, Stage, Watched},
};

/// A pair of queues: what can be received from one and sent to the other now.
///
/// # Examples
///
/// See [`listen`](super::listen).
#[derive(Debug)]
pub struct Channel {
    inward: Part,
    outward: Part,
    inbox: Inbox,
    unpacker: Option<Unpacker>,
    packer: Option<Packer>,
    /// The largest queue message that can be sent, in bytes.
    room: usize,
    /// Where bodies lie that nobody will read when both ends are gone.
    spills: Option<(Spill, Spill)>,
    /// Tells when to look at the peer's parts; `None` where it plays none, and its end is not told.
    stage: Option<Arc<Stage>>,
    /// The peer was found to send no more.
    silent: bool,
    /// The peer was found to receive no more.
    deserted: bool,
    closed: bool,
    peer: Peer,
    _vacancy: Option<Vacancy>,
}

/// What an end is made of.
pub(super) struct End {
    pub(super) inward: Part,
    pub(super) outward: Part,
    /// The queues' names, likewise.
    pub(super) names: [String; 2],
    /// Whether the peer is one of ours, which plays its parts.
    pub(super) tells: bool,
    pub(super) uid: Option<u32>,
    pub(super) vacancy: Option<Vacancy>,
}

impl Channel {
    pub(super) fn new(end: End, options: &Options) -> Result<(Self, Watched)> {
        let End { inward, outward, names, tells, uid, vacancy } = end;
        let wait = Watched::new(inward.queue(), outward.queue(), options.strategy, tells)?;
        let inbox = Inbox::new(sys::queue_sizes(inward.as_fd())?.0.max_len);
        let room = sys::queue_sizes(outward.as_fd())?.0.max_len;
        let unpacker = options.unpacker(inward.as_fd(), &names[0])?;
        let packer = options.packer(outward.as_fd(), &names[1])?;
        let inwards = options.spill_of(inward.as_fd(), &names[0])?;
        let outwards = options.spill_of(outward.as_fd(), &names[1])?;
        let channel = Self {
            inward,
            outward,
            inbox,
            unpacker,
            packer,
            room,
            spills: inwards.zip(outwards),
            stage: tells.then(|| wait.stage()),
            silent: false,
            deserted: false,
            closed: false,
            peer: Peer { uid, ..Peer::default() },
            _vacancy: vacancy,
        };
        Ok((channel, wait))
    }

    /// Who is at the other end, as far as the queues' owner and mode tell: a user.
    ///
    /// # Examples
    ///
    /// See [`Connection::peer`](crate::message::Messages::peer).
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether the end of the peer is told: it is one of ours.
    ///
    /// # Examples
    ///
    /// See [`listen`](super::listen).
    pub fn tells_end(&self) -> bool {
        self.stage.is_some()
    }

    /// Takes the first message and its priority; `None` is the end.
    #[inline]
    pub(super) fn take(&mut self) -> io::Result<Option<Parcel>> {
        let taken = self.take_now();
        match &taken {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return taken,
        }
        let Some(stage) = &self.stage else { return taken };
        if !self.silent {
            if !stage.takes_news(Direction::Receive) || self.inward.has(Role::Sender)? {
                return taken;
            }
            self.silent = true;
        }
        // It may have sent until its end.
        match self.take_now() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            taken => taken,
        }
    }

    #[inline]
    fn take_now(&mut self) -> io::Result<Option<Parcel>> {
        let Self { inward, inbox, unpacker, .. } = self;
        let mut receive = || {
            let queue = inward.as_fd();
            let priority = inbox.receive_by(|into| sys::queue_receive(queue, into))?;
            Ok(Some((inbox.take(), priority)))
        };
        match unpacker {
            None => receive(),
            Some(unpacker) => unpacker.next(receive),
        }
    }

    /// Sends a message with this priority.
    #[inline]
    pub(super) fn give(&mut self, body: &Bytes, priority: u32) -> io::Result<()> {
        if self.closed || self.deserted {
            return Err(self.gone());
        }
        if priority > HIGHEST {
            return Err(too_high(priority));
        }
        let queue = self.outward.queue();
        let sent = match &mut self.packer {
            None => sys::queue_send(queue.as_fd(), body, priority),
            Some(packer) => packer.accept(body, priority, |row, priority| {
                sys::queue_send(queue.as_fd(), row, priority)
            }),
        };
        self.unless_deserted(sent)
    }

    /// What it means that there is no room.
    #[inline]
    fn unless_deserted(&mut self, sent: io::Result<()>) -> io::Result<()> {
        match &sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return sent,
        }
        let news = self.stage.as_ref().is_some_and(|stage| stage.takes_news(Direction::Send));
        if !news || self.outward.has(Role::Receiver)? {
            return sent;
        }
        self.deserted = true;
        if let Some(packer) = &mut self.packer {
            packer.forget();
        }
        Err(self.gone())
    }

    #[cold]
    fn gone(&self) -> io::Error {
        let cause = if self.closed { "this end was closed" } else { "the peer receives no more" };
        Error::new(ErrorKind::Closed, cause).into()
    }
}

impl TryRecv for Channel {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        Ok(self.take()?.map(|(body, _)| body))
    }
}

impl TrySend for Channel {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        self.give(message, 0)
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        let Self { packer: Some(packer), outward, .. } = self else { return Ok(()) };
        let send = |row: &Bytes, priority| sys::queue_send(outward.as_fd(), row, priority);
        let sent = packer.flush(send);
        self.unless_deserted(sent)
    }

    fn try_close(&mut self) -> io::Result<()> {
        self.closed = true;
        self.outward.leave();
        Ok(())
    }

    #[inline]
    fn max_len(&self) -> usize {
        self.packer.as_ref().map_or(self.room, Packer::max_len)
    }
}

/// The queue that is received from.
impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inward.as_fd()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.inward.leave();
        self.outward.leave();
        let Some((inwards, outwards)) = &self.spills else { return };
        // Each end leaves before it looks: the one that looks last sees that both have left.
        if let Ok(false) = self.inward.has(Role::Sender) {
            inwards.sweep();
        }
        if let Ok(false) = self.outward.has(Role::Receiver) {
            outwards.sweep();
        }
    }
}

/// The user that a queue says is at its other end: ours, if no other can open it.
pub(super) fn only_user(queue: &Arc<OwnedFd>) -> io::Result<Option<u32>> {
    let entry = Entry::of(queue)?;
    Ok((entry.mode & 0o077 == 0).then_some(entry.owner))
}
