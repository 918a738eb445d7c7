//! One end of a connection.

mod room;
mod sealed;

use std::{io, sync::Arc};

use bytes::Bytes;

use self::sealed::Announced;
use super::{Options, bell::Bell, introduction::Introduced, line::Line};
use crate::{
    Error, ErrorKind, Peer, Result,
    message::{TryRecv, TrySend},
    shared::{Broken, Consumer, Item, Leases, Producer, Reader, Region, Writer},
    sys::{self, Ringer},
    wait::{Direction, Doorbell, Stage},
};

/// Memory that is shared with one peer: what can be received from it and sent to it now.
///
/// # Examples
///
/// See [`shm`](super).
#[derive(Debug)]
pub struct Channel {
    reader: Reader<Arc<Region>>,
    writer: Writer<Arc<Region>>,
    line: Line,
    announced: Announced,
    bell: Arc<Bell>,
    stage: Arc<Stage>,
    peer: Peer,
    max_len: usize,
    /// Nothing is received or sent any more: the peer broke the rules.
    broken: bool,
    /// Who receives knows that.
    told: bool,
    /// We have said that nothing more comes.
    closed: bool,
    /// Who sends knows that nobody receives.
    deserted: bool,
}

/// What a try that found nothing comes to.
enum Nothing {
    End,
    LookAgain,
}

impl Channel {
    /// What two processes have that were introduced, and what waits for it.
    pub(super) fn open(introduced: Introduced, options: &Options) -> Result<(Self, Doorbell)> {
        let Introduced { ours, theirs, memory, bell, theirs_bell, socket, peer, takes } =
            introduced;
        let (socket, process) = (Arc::new(socket), peer.pidfd.clone());
        let doorbell = Doorbell::new(bell, [Arc::clone(&socket)], options.unix.strategy)?
            .and_the_end_of(process.clone());
        // An eventfd that its owner has filled and made blocking would hold us up: who is of
        // another user is woken over the socket.
        let is_ours = peer.uid() == Some(sys::our_uid());
        let theirs_bell = Arc::new(match is_ours {
            true => Bell::Event(Ringer::of(theirs_bell)),
            false => Bell::Packet(Arc::clone(&socket)),
        });
        let leases = options.trust.zip(memory).map(|(trust, memory)| {
            let bell = Arc::clone(&theirs_bell);
            let (ours, theirs) = (Arc::clone(&ours), Arc::clone(&theirs));
            Leases::new(trust, memory, ours, theirs, Arc::new(move || bell.ring()))
        });
        let consumer = Consumer::new(Arc::clone(&ours), Arc::clone(&theirs));
        let channel = Self {
            reader: Reader::new(consumer, options.max_len_or_default())
                .trusting(options.trust)
                .leasing(leases),
            writer: Writer::new(Producer::new(ours, theirs)),
            line: Line::new(socket, process),
            announced: Announced::default(),
            bell: theirs_bell,
            stage: doorbell.stage(),
            peer,
            max_len: options.max_len_or_default().min(takes),
            broken: false,
            told: false,
            closed: false,
            deserted: false,
        };
        Ok((channel, doorbell))
    }

    /// Who is at the other end.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::shm::pair()?;
    /// assert!(ours.get_ref().peer().uid().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Receives what `take` takes.
    #[inline]
    fn receive<R>(
        &mut self,
        mut take: impl FnMut(&mut Reader<Arc<Region>>) -> Result<Option<Item<R>>>,
    ) -> io::Result<Option<Item<R>>> {
        if self.broken {
            return self.broken_off();
        }
        loop {
            let taken = take(&mut self.reader);
            if self.reader.takes_wake() {
                self.wake();
            }
            let error = match taken {
                Ok(Some(item)) => {
                    self.line.went_on();
                    return Ok(Some(item));
                }
                Ok(None) if self.reader.gives_way() => {
                    self.line.went_on();
                    self.stage.give_way(Direction::Receive);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(None) => match self.nothing() {
                    Ok(Nothing::LookAgain) => continue,
                    Ok(Nothing::End) => return Ok(None),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                    Err(error) => error,
                },
                Err(error) => error.into(),
            };
            self.told = true;
            return Err(self.break_off(error));
        }
    }

    /// Nothing more comes. Who receives is told once that this is no end in order, even where who
    /// sends has found out.
    #[cold]
    fn broken_off<R>(&mut self) -> io::Result<Option<R>> {
        if std::mem::replace(&mut self.told, true) { Ok(None) } else { Err(broke_off()) }
    }

    /// Nothing is there: is that the end, or is it time to sleep?
    #[inline]
    fn nothing(&mut self) -> io::Result<Nothing> {
        if self.reader.went_on() {
            self.line.went_on();
        }
        match self.reader.end()? {
            Some(true) => return Ok(Nothing::End),
            Some(false) => return Err(gave_up()),
            None => {}
        }
        if self.line.is_gone() {
            // It can have published until its end.
            return if self.reader.look_again()? { Ok(Nothing::LookAgain) } else { Err(died()) };
        }
        if self.stage.takes_news(Direction::Receive) {
            self.line.look()?;
            return Ok(Nothing::LookAgain);
        }
        if self.stage.is_last(Direction::Receive) {
            let sleep = self.reader.arm()?;
            if self.reader.takes_wake() {
                self.wake();
            }
            if !sleep {
                return Ok(Nothing::LookAgain);
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// There is no room, which the writer can be told to ask for: `Ok` where there may be by now.
    #[cold]
    fn no_room(
        &mut self,
        arm: impl FnOnce(&mut Writer<Arc<Region>>) -> Result<bool, Broken>,
    ) -> io::Result<()> {
        // Nobody makes room by taking what they were not shown.
        self.flush();
        if self.stage.takes_news(Direction::Send) {
            self.look()?;
        }
        if self.line.is_gone() || self.writer.is_deserted() {
            return Err(self.desert());
        }
        if self.stage.is_last(Direction::Send) {
            match arm(&mut self.writer) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(broken) => return Err(self.break_off(broken.into())),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Looks whether the peer is there, and what else it has sent.
    #[cold]
    pub(super) fn look(&mut self) -> io::Result<()> {
        self.line.look().map_err(|error| self.break_off(error))
    }

    /// Who sends is told that nobody receives. Nothing is sent any more, whatever the peer says
    /// later: the message that was begun has no end, and another is none.
    #[cold]
    fn desert(&mut self) -> io::Error {
        self.deserted = true;
        deserted()
    }

    #[inline]
    fn flush(&mut self) {
        if self.writer.flush() {
            self.wake();
        }
    }

    fn wake(&self) {
        self.bell.ring();
    }

    /// Ends both directions, after what the peer has no excuse for.
    #[cold]
    fn break_off(&mut self, error: io::Error) -> io::Error {
        self.broken = true;
        self.writer.end(false);
        self.reader.leave();
        self.wake();
        // Another task of ours may be parked in the other direction.
        self.line.end();
        error
    }

    #[inline]
    fn is_open(&self) -> io::Result<()> {
        if self.broken || self.closed || self.deserted { Err(self.shut()) } else { Ok(()) }
    }

    #[cold]
    fn shut(&self) -> io::Error {
        if self.broken || self.deserted {
            return deserted();
        }
        Error::new(ErrorKind::Closed, "this end was closed").into()
    }
}

fn gave_up() -> io::Error {
    Error::new(ErrorKind::Closed, "the peer went without sending all that it had accepted").into()
}

fn died() -> io::Error {
    Error::new(ErrorKind::Closed, "the peer ended without closing").into()
}

fn broke_off() -> io::Error {
    Error::new(ErrorKind::Closed, "the connection was broken off, as was told to who sends").into()
}

fn deserted() -> io::Error {
    Error::new(ErrorKind::Closed, "the peer receives no more").into()
}

impl TryRecv for Channel {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        match self.receive(Reader::next)? {
            Some(Item::Message(message)) => Ok(Some(message)),
            Some(Item::Sealed(len)) => self.receive_sealed(len).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        let mut see = Some(see);
        let lent = self.receive(|reader| {
            // It is called once at most: with what is then returned.
            reader.lend(|body| see.take().map(|see| see(body)))
        })?;
        match lent {
            Some(Item::Message(seen)) => Ok(seen),
            Some(Item::Sealed(len)) => {
                let message = self.receive_sealed(len)?;
                Ok(see.take().map(|see| see(&message)))
            }
            None => Ok(None),
        }
    }
}

impl TrySend for Channel {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        self.is_open()?;
        loop {
            let before = self.writer.written();
            match self.writer.offer(message) {
                Ok(true) => {
                    self.line.went_on();
                    if self.writer.takes_wake() {
                        self.wake();
                    }
                    return Ok(());
                }
                Ok(false) => {
                    if self.writer.written() > before {
                        self.line.went_on();
                    }
                    self.no_room(|writer| writer.arm(message.len()))?;
                }
                Err(broken) => return Err(self.break_off(broken.into())),
            }
        }
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        if self.broken {
            return Err(self.shut());
        }
        // Asked first: whoever goes when it has received what is shown now has received it.
        if self.writer.is_within() && (self.line.is_gone() || self.writer.is_deserted()) {
            return Err(self.desert());
        }
        self.flush();
        Ok(())
    }

    fn try_close(&mut self) -> io::Result<()> {
        if !self.closed && !self.broken {
            self.flush();
            self.writer.end(true);
            self.closed = true;
            self.wake();
        }
        Ok(())
    }

    fn max_len(&self) -> usize {
        self.max_len
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if !self.broken {
            if !self.closed {
                // What was accepted and not flushed is lost, and the peer is told so.
                self.writer.end(!self.writer.is_within());
            }
            self.reader.leave();
            self.wake();
        }
    }
}
