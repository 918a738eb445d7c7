//! What a receiver tries again and again.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};

use super::{
    Slow,
    introduction::{KNOCK, Kind, TOO_SLOW, Welcome},
};
use crate::{
    Error, ErrorKind,
    message::TryRecv,
    shared::{
        Region,
        broadcast::{Found, Reader},
    },
    sys,
    wait::{Direction, Stage},
};

/// How many bytes of small messages share a buffer.
const SHARED: usize = 64 * 1024;
/// Knocks that are taken at a time, and so many in a row that nothing came with are too many.
const KNOCKS: usize = 64;
const FLOOD: u32 = 10_000;

/// The log, our page, and the socket that the sender holds for as long as it lives.
#[derive(Debug)]
pub(super) struct Receiving {
    reader: Reader<Region>,
    page: Region,
    socket: Arc<OwnedFd>,
    /// The sender's, which may have left the socket to a child.
    process: Option<Arc<OwnedFd>>,
    stage: Arc<Stage>,
    slow: Slow,
    buffer: BytesMut,
    lost: u64,
    knocks: u32,
    /// How the sender has left, once it has.
    gone: Option<Gone>,
}

/// How a sender has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// Its socket is closed, or its process has ended: what it says in its region is the last of it.
    Away,
    /// It has let go of us.
    DroppedUs,
}

impl Receiving {
    pub(super) fn new(
        (region, page): (Region, Region),
        welcome: Welcome,
        kind: Kind,
        (socket, process): (Arc<OwnedFd>, Option<Arc<OwnedFd>>),
        stage: Arc<Stage>,
    ) -> Self {
        Self {
            reader: Reader::new(region, welcome.begin, kind == Kind::Latest),
            page,
            socket,
            process,
            stage,
            slow: welcome.slow,
            buffer: BytesMut::new(),
            lost: 0,
            knocks: 0,
            gone: None,
        }
    }

    /// How many messages were overwritten before we read them.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes what is there; `WouldBlock` where nothing is.
    fn take(&mut self) -> io::Result<Option<()>> {
        match self.reader.next(&mut self.buffer)? {
            Found::Message => {
                self.knocks = 0;
                self.tell_where();
                Ok(Some(()))
            }
            Found::End => Ok(None),
            Found::Nothing => Err(io::ErrorKind::WouldBlock.into()),
            // Not to be waited for: who wakes us writes behind where we are.
            Found::Overtaken => Err(self.lagged(0)),
            Found::Lagged(lost) => Err(self.lagged(lost)),
        }
    }

    /// Says how far we are, where that is of interest.
    fn tell_where(&mut self) {
        match self.slow {
            Slow::Overwrite => {}
            Slow::Wait => {
                if self.reader.release(&self.page) {
                    self.knock();
                }
            }
            Slow::Disconnect => self.reader.show(&self.page),
        }
    }

    /// Wakes the sender.
    fn knock(&self) {
        // No room: it has knocks enough. Any other error: it is gone, which we find out.
        let _ = sys::send(self.socket.as_fd(), &[KNOCK]);
    }

    #[cold]
    fn lagged(&mut self, lost: u64) -> io::Error {
        self.lost = self.lost.saturating_add(lost);
        if self.slow == Slow::Disconnect {
            return Self::dropped();
        }
        let cause = format!("{lost} messages were overwritten before they were received");
        Error::new(ErrorKind::Lagged, cause)
            .remedy("receive faster, or raise `capacity` at the sender or have it wait")
            .into()
    }

    #[cold]
    fn dropped() -> io::Error {
        let cause = "the sender has let go of us: we were more than its ring behind";
        Error::new(ErrorKind::Closed, cause)
            .remedy("receive faster, or raise `capacity` at the sender")
            .into()
    }

    /// Looks what the sender says over the socket.
    fn listen(&mut self) -> io::Result<()> {
        while self.gone.is_none() {
            let mut bytes = [MaybeUninit::uninit(); KNOCKS];
            let mut control = sys::ControlBuffer::new(0);
            match sys::recv_with(self.socket.as_fd(), &mut bytes, &mut control) {
                Ok(arrived) if arrived.len == 0 => self.gone = Some(Gone::Away),
                // What it says is told by its length: there is nothing to be read.
                Ok(arrived) if arrived.len == TOO_SLOW.len() => self.gone = Some(Gone::DroppedUs),
                Ok(_) => self.knocks += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    self.gone = Some(Gone::Away);
                }
                Err(error) => return Err(error),
            }
            if self.knocks > FLOOD {
                let cause = "it wakes us again and again for nothing";
                return Err(Error::new(ErrorKind::Malformed, cause).into());
            }
        }
        if self.gone.is_none() && self.process.as_ref().is_some_and(|it| sys::has_ended(it.as_fd()))
        {
            self.gone = Some(Gone::Away);
        }
        Ok(())
    }

    /// Behind the last message of a sender that is gone.
    #[cold]
    fn left(&mut self, gone: Gone) -> io::Result<Option<()>> {
        match self.take() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(match gone {
                Gone::DroppedUs => Self::dropped(),
                Gone::Away => {
                    let cause = "the sender was killed, or has left without closing";
                    Error::new(ErrorKind::Closed, cause).remedy("start it again").into()
                }
            }),
            taken => taken,
        }
    }

    fn receive(&mut self) -> io::Result<Option<()>> {
        if let Some(gone) = self.gone {
            return self.left(gone);
        }
        match self.take() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.nothing(error),
            taken => taken,
        }
    }

    /// There was nothing: asks to be woken where we are about to sleep, and looks once more.
    fn nothing(&mut self, not_yet: io::Error) -> io::Result<Option<()>> {
        if self.stage.takes_news(Direction::Receive) {
            self.listen()?;
        }
        if let Some(gone) = self.gone {
            return self.left(gone);
        }
        if !self.stage.is_last(Direction::Receive) {
            return Err(not_yet);
        }
        if self.reader.wait(&self.page) && self.slow == Slow::Wait {
            self.knock();
        }
        self.take()
    }
}

impl TryRecv for Receiving {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        if self.buffer.capacity() < SHARED / 8 && !self.buffer.try_reclaim(SHARED) {
            self.buffer = BytesMut::with_capacity(SHARED);
        }
        Ok(self.receive()?.map(|()| self.buffer.split().freeze()))
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        Ok(self.receive()?.map(|()| see(&self.buffer)))
    }
}
