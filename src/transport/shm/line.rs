//! The socket that two processes were introduced over, from then on.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::net::Shutdown;

use crate::{
    Error, ErrorKind,
    sys::{self, Arrived, ControlBuffer},
};

/// Sealed messages on their way to us, at most: each is a descriptor.
pub(super) const SEALED: usize = 16;
/// Wakes in a row that no message came with, nor room for one: no sound peer gets there.
const FLOOD: u32 = 10_000;

/// A packet of one byte says "look"; one with a descriptor brings a sealed message; the end is the
/// peer's. It may have left the socket to a child, so its process is watched as well.
#[derive(Debug)]
pub(super) struct Line {
    socket: Arc<OwnedFd>,
    process: Option<Arc<OwnedFd>>,
    control: ControlBuffer,
    sealed: VecDeque<OwnedFd>,
    wakes: u32,
    gone: bool,
}

impl Line {
    pub(super) fn new(socket: Arc<OwnedFd>, process: Option<Arc<OwnedFd>>) -> Self {
        let control = ControlBuffer::new(1);
        Self { socket, process, control, sealed: VecDeque::new(), wakes: 0, gone: false }
    }

    /// Whether the peer is gone, as far as was looked.
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Something went on: what wakes came before were not in vain.
    #[inline]
    pub(super) fn went_on(&mut self) {
        self.wakes = 0;
    }

    /// Looks what there is.
    pub(super) fn look(&mut self) -> io::Result<()> {
        while !self.gone {
            let mut bytes = [MaybeUninit::uninit(); 8];
            match sys::recv_with(self.socket.as_fd(), &mut bytes, &mut self.control) {
                Ok(arrived) if is_end(&arrived) => self.gone = true,
                Ok(arrived) => self.take(arrived)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The peer closed before it had received all; what it had sent is behind this.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Err(error) => return Err(error),
            }
        }
        self.gone |= self.process.as_ref().is_some_and(|process| sys::has_ended(process.as_fd()));
        Ok(())
    }

    fn take(&mut self, arrived: Arrived) -> io::Result<()> {
        let more_than_one = arrived.descriptors.len() + usize::from(arrived.descriptors_cut) > 1;
        if arrived.descriptors_cut && !more_than_one {
            let what = "a sealed message could not be taken over";
            return Err(Error::new(ErrorKind::Exhausted, what)
                .remedy("raise the limit of open files")
                .into());
        }
        self.wakes += 1;
        self.sealed.extend(arrived.descriptors);
        let what = match () {
            () if more_than_one => "more than one sealed message in a packet",
            () if self.wakes > FLOOD => "it wakes us again and again for nothing",
            () if self.sealed.len() > SEALED => "more sealed messages than it may send at a time",
            () => return Ok(()),
        };
        Err(Error::new(ErrorKind::Malformed, what)
            .remedy("the connection is closed; is the peer hostile?")
            .into())
    }

    /// The descriptor of the sealed message that was announced next.
    pub(super) fn sealed(&mut self) -> io::Result<Option<OwnedFd>> {
        if self.sealed.is_empty() {
            self.look()?;
        }
        Ok(self.sealed.pop_front())
    }

    /// Ends the connection for both, which is an event for all who wait for one.
    pub(super) fn end(&self) {
        // It fails where that has happened already.
        let _ = rustix::net::shutdown(&*self.socket, Shutdown::Both);
    }

    /// Sends the descriptor of a sealed message.
    pub(super) fn send(&self, sealed: BorrowedFd<'_>) -> io::Result<()> {
        sys::send_with(self.socket.as_fd(), &[IoSlice::new(&[1])], &[sealed]).map(drop)
    }
}

/// Whether it is the end, and no packet: one without bytes has its sender's credentials.
fn is_end(arrived: &Arrived) -> bool {
    arrived.len == 0
        && arrived.credentials.is_none()
        && arrived.descriptors.is_empty()
        && !arrived.descriptors_cut
}
