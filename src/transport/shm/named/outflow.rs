//! What goes into a ring.

use std::{io, sync::Arc};

use bytes::Bytes;

use crate::{
    Error, ErrorKind,
    shared::{Producer, Region, Writer},
    wait::{BellWord, Direction, Stage},
};

/// Messages into a ring, and a bell for whoever reads.
#[derive(Debug)]
pub(super) struct Outflow {
    writer: Writer<Arc<Region>>,
    bell: BellWord,
    stage: Arc<Stage>,
    max_len: usize,
    closed: bool,
}

impl Outflow {
    pub(super) fn new(
        producer: Producer<Arc<Region>>,
        bell: BellWord,
        stage: Arc<Stage>,
        max_len: usize,
    ) -> Self {
        Self { writer: Writer::new(producer), bell, stage, max_len, closed: false }
    }

    pub(super) fn max_len(&self) -> usize {
        self.max_len
    }

    /// Sends a message, or as much of it as there is room for; `is_over` is asked, where there is
    /// none, whether nobody will ever make any. It is told whether there may be news, and whether
    /// we are about to sleep.
    #[inline]
    pub(super) fn send(
        &mut self,
        message: &Bytes,
        mut is_over: impl FnMut(bool, bool) -> io::Result<bool>,
    ) -> io::Result<()> {
        if self.closed {
            return Err(closed());
        }
        loop {
            if self.writer.offer(message)? {
                if self.writer.takes_wake() {
                    self.bell.ring();
                }
                return Ok(());
            }
            // Nobody makes room by taking what they were not shown.
            self.show();
            let last = self.stage.is_last(Direction::Send);
            let news = self.stage.takes_news(Direction::Send);
            if is_over(news, last)? || self.writer.is_deserted() {
                // The next message, should there be one, is another.
                self.writer.give_up();
                return Err(deserted());
            }
            if !last || self.writer.arm(message.len())? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    /// Has whoever reads see all that was written.
    #[inline]
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        // Before it is shown: who leaves on having received it is no error.
        let in_vain = self.writer.is_within() && self.writer.is_deserted();
        self.show();
        if in_vain { Err(deserted()) } else { Ok(()) }
    }

    fn show(&mut self) {
        if self.writer.flush() {
            self.bell.ring();
        }
    }

    /// Nothing more comes. In order, if all that was accepted was flushed.
    pub(super) fn end(&mut self, in_order: bool) {
        if !std::mem::replace(&mut self.closed, true) {
            self.writer.end(in_order && !self.writer.is_within());
            self.bell.ring();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

fn closed() -> io::Error {
    Error::new(ErrorKind::Closed, "this end was closed").into()
}

pub(super) fn deserted() -> io::Error {
    Error::new(ErrorKind::Closed, "the receiver is gone").into()
}
