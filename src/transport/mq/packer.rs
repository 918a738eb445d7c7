//! Messages into queue messages.

use std::io;

use bytes::{Bytes, BytesMut};

use super::{
    envelope::{LONGEST, PREFIX, REFERENCE, Token, put, put_reference},
    spill::Spill,
};
use crate::{Error, ErrorKind, Result};

/// Puts messages into the envelope: many into one queue message where it gathers, and those that
/// do not fit into files.
#[derive(Debug)]
pub(super) struct Packer {
    /// The queue message that is being made.
    row: BytesMut,
    /// What all in it are sent with.
    priority: u32,
    /// One that waits for room, and its priority.
    ready: Option<(Bytes, u32)>,
    /// The largest queue message, in bytes.
    room: usize,
    gathers: bool,
    spill: Option<Spill>,
    /// Files that are named in the one and in the other, and nowhere else yet.
    unsent: [Vec<Token>; 2],
}

impl Packer {
    /// For queue messages of up to `room` bytes.
    ///
    /// # Errors
    ///
    /// `Unsupported` where that is too little for an envelope.
    pub(super) fn new(room: usize, gathers: bool, spill: Option<Spill>) -> Result<Self> {
        let least = if spill.is_some() { REFERENCE } else { PREFIX };
        if room < least {
            let cause = format!("messages of {room} bytes, and an envelope of {least}");
            return Err(Error::new(ErrorKind::Unsupported, cause)
                .remedy("make the queue with larger ones: `mq::Options::max_len`"));
        }
        let row = BytesMut::with_capacity(room);
        Ok(Self { row, priority: 0, ready: None, room, gathers, spill, unsent: Default::default() })
    }

    /// The largest message that can be sent, in bytes.
    #[inline]
    pub(super) fn max_len(&self) -> usize {
        let fits = self.room - PREFIX;
        self.spill.as_ref().map_or(fits, |spill| spill.max_len().max(fits)).min(LONGEST)
    }

    /// Accepts a message, or answers `WouldBlock` as `send` does. `send` takes a queue message.
    #[inline]
    pub(super) fn accept(
        &mut self,
        body: &[u8],
        priority: u32,
        mut send: impl FnMut(&Bytes, u32) -> io::Result<()>,
    ) -> io::Result<()> {
        let fits = body.len() <= self.room - PREFIX;
        let len = if fits { PREFIX + body.len() } else { REFERENCE };
        let joins = self.gathers && self.joins(priority) && self.row.len() + len <= self.room;
        // What waits for room is behind nothing that comes later.
        if !(joins || self.row.is_empty() && self.ready.is_none()) {
            self.flush(&mut send)?;
        }
        if fits {
            put(&mut self.row, body);
        } else {
            self.put_aside(body)?;
        }
        self.priority = priority;
        if self.gathers {
            return Ok(());
        }
        match self.flush(send) {
            // It is ours by now, and goes with the next flush.
            Err(error) if is_not_yet(&error) => Ok(()),
            done => done,
        }
    }

    /// Sends what was gathered.
    #[inline]
    pub(super) fn flush(
        &mut self,
        mut send: impl FnMut(&Bytes, u32) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            if self.ready.is_none() {
                if self.row.is_empty() {
                    return Ok(());
                }
                self.unsent.swap(0, 1);
                self.ready = Some((self.row.split().freeze(), self.priority));
            }
            let Some((row, priority)) = &self.ready else { return Ok(()) };
            match send(row, *priority) {
                Ok(()) => {
                    self.ready = None;
                    self.unsent[1].clear();
                    // Where nobody else has a hold on it, this is the same memory again.
                    self.row.reserve(self.room);
                }
                Err(error) if is_not_yet(&error) => return Err(error),
                Err(error) => {
                    self.forget();
                    return Err(error);
                }
            }
        }
    }

    /// Whether one of this priority can go with those that are there.
    #[inline]
    fn joins(&self, priority: u32) -> bool {
        self.row.is_empty() || self.priority == priority
    }

    /// Puts a body into a file, and its name into the queue message.
    #[cold]
    fn put_aside(&mut self, body: &[u8]) -> io::Result<()> {
        let Some(spill) = self.spill.as_ref().filter(|spill| body.len() <= spill.max_len()) else {
            let cause = format!("message of {} bytes, limit {}", body.len(), self.max_len());
            return Err(Error::new(ErrorKind::TooLarge, cause).into());
        };
        let token = spill.write(body)?;
        self.unsent[0].push(token);
        put_reference(&mut self.row, body.len(), token);
        Ok(())
    }

    /// The files that are named in the queue message that waits for room: whoever may send it yet
    /// has to see to them.
    pub(super) fn hand_over(&mut self) -> Option<(Spill, Vec<Token>)> {
        Some((self.spill.clone()?, std::mem::take(&mut self.unsent[1])))
    }

    /// Drops what was gathered.
    pub(super) fn forget(&mut self) {
        self.row.clear();
        self.ready = None;
        let unsent = self.unsent.iter_mut().flat_map(|files| files.drain(..));
        if let Some(spill) = &self.spill {
            unsent.for_each(|token| spill.remove(token));
        }
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        self.forget();
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    #[test]
    fn a_row_is_sent_when_the_next_does_not_fit_or_is_of_another_priority() {
        let mut packer = Packer::new(16, true, None).unwrap();
        let mut sent = Vec::new();
        let mut accept = |body: &[u8], priority| {
            packer.accept(body, priority, |row, priority| {
                sent.push((row.len(), priority));
                Ok(())
            })
        };
        accept(b"four", 1).unwrap();
        accept(b"five", 1).unwrap();
        accept(b"", 1).unwrap();
        accept(b"x", 2).unwrap();
        packer
            .flush(|row, priority| {
                sent.push((row.len(), priority));
                Ok(())
            })
            .unwrap();
        assert_eq!(sent, [(16, 1), (4, 1), (5, 2)]);
        assert_eq!(packer.max_len(), 12);
    }

    #[test]
    fn what_does_not_fit_beside_what_waits_is_not_accepted() {
        let mut packer = Packer::new(16, true, None).unwrap();
        packer.accept(b"twelve bytes", 0, |_, _| full()).unwrap();
        let refused = packer.accept(b"", 0, |_, _| full()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        let mut sent = Vec::new();
        packer
            .flush(|row, _| {
                sent.push(row.len());
                Ok(())
            })
            .unwrap();
        assert_eq!(sent, [16]);
        packer.flush(|_, _| full()).unwrap();
    }

    #[test]
    fn one_by_one_each_goes_at_once() {
        let mut packer = Packer::new(16, false, None).unwrap();
        let mut sent = 0;
        for _ in 0..3 {
            let count = |_: &Bytes, _| {
                sent += 1;
                Ok(())
            };
            packer.accept(b"a", 0, count).unwrap();
        }
        assert_eq!(sent, 3);
        // There is room for one more than in the queue.
        packer.accept(b"a", 0, |_, _| full()).unwrap();
        packer.accept(b"b", 0, |_, _| full()).unwrap_err();
    }

    #[test]
    fn too_little_room_is_an_error() {
        assert_eq!(Packer::new(3, true, None).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(Packer::new(4, true, None).unwrap().max_len(), 0);
    }
}
