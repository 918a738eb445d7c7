//! Messages in memory of their own.

use std::{collections::VecDeque, io};

use bytes::Bytes;

use super::{Channel, deserted};
use crate::{Error, ErrorKind, shared::Sealed, sys, transport::shm::line::SEALED};

/// The announcements that the peer may not have seen: where in the ring each ends.
#[derive(Debug, Default)]
pub(super) struct Announced(VecDeque<u64>);

impl Channel {
    /// Sends a sealed message, all of it or nothing: first its descriptor, then what announces it,
    /// which there was room for before. `false`: too many descriptors are on their way, which no
    /// event tells the end of.
    pub(in super::super) fn send_sealed(&mut self, message: &Sealed) -> io::Result<bool> {
        self.is_open()?;
        self.await_taken()?;
        self.reserve(size_of::<u64>())?;
        match self.line.send(message.file()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Whoever has its wakes and messages in front looks at them when woken.
                self.no_room(|_| Ok(true))?;
                return Err(error);
            }
            Err(error) if sys::is_too_many_in_flight(&error) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(deserted()),
            Err(error) => return Err(error),
        }
        let len = message.as_ref().len() as u64;
        match self.writer.announce(len) {
            Ok(true) => {}
            // There was room just now, which nobody else takes.
            Ok(false) => return Err(io::Error::other("room that went again")),
            Err(broken) => return Err(self.break_off(broken.into())),
        }
        self.announced.0.push_back(self.writer.written());
        Ok(true)
    }

    /// Has fewer sealed messages on their way than may be.
    fn await_taken(&mut self) -> io::Result<()> {
        while self.announced.0.len() >= SEALED {
            let read = match self.writer.released() {
                Ok(read) => read,
                Err(broken) => return Err(self.break_off(broken.into())),
            };
            while self.announced.0.front().is_some_and(|end| *end <= read) {
                self.announced.0.pop_front();
            }
            if let Some(first) = self.announced.0.front().copied() {
                if self.announced.0.len() >= SEALED {
                    self.no_room(|writer| writer.arm_beyond(first))?;
                }
            }
        }
        Ok(())
    }

    /// The message of this length that was announced, and came over the socket.
    #[cold]
    pub(super) fn receive_sealed(&mut self, len: u64) -> io::Result<Bytes> {
        let received = self.line.sealed().and_then(|file| match file {
            Some(file) => Sealed::attach(&file, len),
            None => {
                Err(Error::new(ErrorKind::Malformed, "a sealed message that never came").into())
            }
        });
        let message = received.map_err(|error| {
            self.told = true;
            self.break_off(error)
        })?;
        self.line.went_on();
        // The peer may send no more before it hears of that.
        self.reader.took_sealed();
        if self.reader.takes_wake() {
            self.wake();
        }
        Ok(message)
    }
}
