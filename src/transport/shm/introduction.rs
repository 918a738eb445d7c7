//! How two processes come to have each other's memory.
//!
//! Over a Unix socket that keeps boundaries each sends one [`Hello`], with its memory and its bell
//! beside it. Who connects goes first: a listener makes nothing for a peer before it has seen all
//! that the peer has for it. There is no third packet: a listener that has answered has seen that
//! all is well, and who connects and cannot use the answer closes the socket, which is the end of
//! the connection as it is at any later time.

use std::{
    future::poll_fn,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use rustix::net::SocketType;

use super::{
    hello::{self, Answer, Hello, malformed},
    offer,
    options::Options,
};
use crate::{
    Error, ErrorKind, Peer, Result, runtime,
    shared::Region,
    sys::{self, Arrived, ControlBuffer},
    wait::{Direction, Fd, Strategy},
};

/// How long until a hello is sent again that finds too many descriptors on their way already.
const AGAIN: Duration = Duration::from_millis(10);

/// What two processes that were introduced have of each other.
#[derive(Debug)]
pub(super) struct Introduced {
    /// Ours to write, theirs to read.
    pub(super) ours: Arc<Region>,
    pub(super) theirs: Arc<Region>,
    /// The file of `theirs`, where the peer is trusted.
    pub(super) memory: Option<OwnedFd>,
    /// What wakes us, and what wakes the peer: eventfds, non-blocking when they were looked at. A
    /// peer can have its own block later, so one of another user is woken over the socket.
    pub(super) bell: OwnedFd,
    pub(super) theirs_bell: OwnedFd,
    /// Its end is the peer's.
    pub(super) socket: OwnedFd,
    pub(super) peer: Peer,
    /// The largest message that the peer takes.
    pub(super) takes: usize,
}

/// A connected socket over which nothing was said yet.
#[derive(Debug)]
pub(super) struct Introduction {
    socket: Fd,
    peer: Peer,
    options: Options,
}

/// What we have for the peer.
#[derive(Debug)]
pub(super) struct Ours {
    region: Region,
    memory: OwnedFd,
    bell: OwnedFd,
}

/// What the peer had for us.
struct Theirs {
    region: Region,
    memory: Option<OwnedFd>,
    bell: OwnedFd,
    takes: usize,
}

impl Introduction {
    pub(super) fn new(socket: OwnedFd, peer: Peer, options: &Options) -> Result<Self> {
        // It tells a message without bytes from the end; an accepted one may come from a listener
        // that was not made here.
        sys::carry_credentials(socket.as_fd())?;
        let socket = Fd::new(socket)?.strategy(Strategy::Park);
        Ok(Self { socket, peer, options: options.clone() })
    }

    /// As who has connected.
    pub(super) async fn call(mut self, ours: Ours) -> Result<Introduced> {
        self.send(&ours).await?;
        let arrived = self.receive().await?;
        let theirs = Theirs::of(arrived, &self.options, Some(&ours))?;
        self.over(ours, theirs)
    }

    /// As who has accepted.
    pub(super) async fn answer(mut self) -> Result<Introduced> {
        let arrived = self.receive().await?;
        let met = Theirs::of(arrived, &self.options, None)
            .and_then(|theirs| Ok((Ours::make(&self.options)?, theirs)));
        let (ours, theirs) = met.inspect_err(|error| self.refuse(error))?;
        self.send(&ours).await?;
        self.over(ours, theirs)
    }

    fn over(self, ours: Ours, theirs: Theirs) -> Result<Introduced> {
        Ok(Introduced {
            ours: Arc::new(ours.region),
            theirs: Arc::new(theirs.region),
            memory: theirs.memory,
            bell: ours.bell,
            theirs_bell: theirs.bell,
            socket: self.socket.into_inner()?,
            peer: self.peer,
            takes: theirs.takes,
        })
    }

    async fn send(&mut self, ours: &Ours) -> Result<()> {
        let hello = self.options.hello(Answer::Yes);
        // There is room in a socket that nothing was said over, and a listener with many others to
        // hear does not wait for long: it is told before this runtime has others go first.
        match ours.send(self.socket.share().as_fd(), &hello) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if sys::is_too_many_in_flight(&error) => {}
            sent => return sent.map_err(gone),
        }
        loop {
            let sent =
                poll_fn(|cx| self.socket.poll_fd(cx, Direction::Send, |fd| ours.send(fd, &hello)));
            match sent.await {
                // No event tells when that is over.
                Err(error) if sys::is_too_many_in_flight(&error) => runtime::sleep(AGAIN)?.await,
                sent => return sent.map_err(gone),
            }
        }
    }

    async fn receive(&mut self) -> Result<(BytesMut, Arrived)> {
        poll_fn(|cx| self.socket.poll_fd(cx, Direction::Receive, receive)).await.map_err(gone)
    }

    /// Tells the peer that there will be no answer, if that can be told without waiting.
    fn refuse(&self, error: &Error) {
        let too_large = error.kind() == ErrorKind::Denied;
        let hello = self.options.hello(if too_large { Answer::TooLarge } else { Answer::No });
        // It finds the end, at least.
        let _ = sys::send(self.socket.share().as_fd(), &hello.encode());
    }
}

/// Fails where an introduction takes longer than what is left of its deadline.
pub(super) fn within<I: Future<Output = Result<Introduced>>>(
    left: Duration,
    deadline: Duration,
    introduction: I,
) -> Result<impl Future<Output = Result<Introduced>> + use<I>> {
    let introduced = runtime::timeout(left, introduction)?;
    Ok(async move {
        introduced.await.unwrap_or_else(|_| {
            let cause = format!("the peer has not introduced itself in {deadline:?}");
            Err(Error::new(ErrorKind::TimedOut, cause).remedy("is it stopped, or overloaded?"))
        })
    })
}

/// Two ends in one process, introduced to each other at once.
pub(super) fn pair(options: &Options) -> Result<(Introduced, Introduced)> {
    let (a, b) = sys::packet_pair(SocketType::SEQPACKET)?;
    let end = |socket| {
        let (socket, peer) = options.look(socket)?;
        Introduction::new(socket, peer, options)
    };
    let (a, b) = (end(a)?, end(b)?);
    let (ours, theirs) = (Ours::make(options)?, Ours::make(options)?);
    let hello = options.hello(Answer::Yes);
    let introduce = |from: &Introduction, ours: &Ours, to: &Introduction| {
        ours.send(from.socket.share().as_fd(), &hello)?;
        Theirs::of(receive(to.socket.share().as_fd())?, options, None)
    };
    let b_has = introduce(&a, &ours, &b)?;
    let a_has = introduce(&b, &theirs, &a)?;
    Ok((a.over(ours, a_has)?, b.over(theirs, b_has)?))
}

impl Ours {
    pub(super) fn make(options: &Options) -> Result<Self> {
        let making = || {
            let (region, memory) = Region::create(options.capacity)?;
            Ok(Self { region, memory, bell: sys::eventfd()? })
        };
        making().map_err(|error: io::Error| Error::from(error).doing("make the memory of"))
    }

    /// It goes whole or not at all.
    fn send(&self, socket: BorrowedFd<'_>, hello: &Hello) -> io::Result<()> {
        let given = [self.memory.as_fd(), self.bell.as_fd()];
        let hello = hello.encode();
        sys::send_with(socket, &[io::IoSlice::new(&hello)], &given).map(drop)
    }
}

impl Theirs {
    /// Looks at all that came before anything of it is used. It may be what the peer has of `ours`.
    fn of(
        (bytes, arrived): (BytesMut, Arrived),
        options: &Options,
        ours: Option<&Ours>,
    ) -> Result<Self> {
        if bytes.is_empty() && arrived.credentials.is_none() {
            return Err(Error::new(ErrorKind::Closed, "the peer closed before it was introduced")
                .remedy("its own error says why"));
        }
        if arrived.cut {
            // A longer one of another version is none of this one's.
            let unknown = malformed(format!("a hello of more than {} bytes", hello::LEN));
            return Err(Hello::decode(&bytes).err().unwrap_or(unknown));
        }
        let hello = Hello::decode(&bytes)?;
        match hello.answer {
            Answer::Yes => {}
            Answer::TooLarge => {
                let (ours, most) = (options.capacity, hello.max_capacity);
                let cause = format!("our ring has {ours} bytes, the peer reads {most} at most");
                return Err(Error::new(ErrorKind::Denied, cause)
                    .remedy("lower `shm::Options::capacity` here, or raise `max_capacity` there"));
            }
            Answer::No => {
                return Err(Error::new(ErrorKind::Denied, "the peer refused to be introduced")
                    .remedy("its log says why"));
            }
        }
        let capacity = hello.ring(options.max_capacity)?;
        let (memory, bell) = offer::both(arrived)?;
        if let Some(ours) = ours {
            offer::is_not(memory.as_fd(), ours.memory.as_fd())?;
        }
        Ok(Self {
            bell: offer::bell(bell)?,
            region: offer::memory(memory.as_fd(), capacity)?,
            memory: options.trust.map(|_| memory),
            takes: usize::try_from(hello.max_len).unwrap_or(usize::MAX),
        })
    }
}

/// The one packet that is to come, or the end.
fn receive(socket: BorrowedFd<'_>) -> io::Result<(BytesMut, Arrived)> {
    let mut bytes = BytesMut::with_capacity(hello::LEN);
    let mut control = ControlBuffer::new(offer::ROOM);
    let arrived = match sys::recv_packet_with(socket, &mut bytes, &mut control) {
        // The peer closed before it had received all; what it had sent by then is behind this.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            sys::recv_packet_with(socket, &mut bytes, &mut control)
        }
        received => received,
    };
    arrived.map(|arrived| (bytes, arrived))
}

fn gone(error: io::Error) -> Error {
    let error = Error::from(error);
    match error.kind() {
        ErrorKind::Closed => error.remedy("the peer's own error says why"),
        _ => error,
    }
}
