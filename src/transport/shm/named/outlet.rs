//! The end of a ring that messages go into.

use std::{io, sync::Arc, thread};

use bytes::Bytes;

use super::{
    Options,
    layout::{DATA_BELL, SPACE_BELL},
    lookout::Watchman,
    opening::Opened,
    outflow::Outflow,
    place::Place,
    role::{Attached, Hold},
};
use crate::{Error, ErrorKind, Result, message::TrySend, wait::SharedBell};

/// The sending end of a name: what can be sent now.
///
/// # Examples
///
/// See [`named`](super).
#[derive(Debug)]
pub struct Outlet {
    flow: Outflow,
    place: Place,
    attached: Arc<Attached>,
    /// `None` once it was left.
    hold: Option<Hold>,
}

impl Outlet {
    pub(super) fn new(opened: Opened, options: &Options) -> Result<(Self, SharedBell)> {
        let producer = opened.producer()?;
        // The claim is given up when this is done.
        let Opened { place, hold, .. } = opened;
        let attached = Arc::clone(hold.attached());
        let sleep = (attached.bell(0, SPACE_BELL), Some(Watchman::beside(&hold)));
        let bell = SharedBell::new(None, Some(sleep), options.strategy)?;
        let data = attached.bell(0, DATA_BELL);
        let flow = Outflow::new(producer, data, bell.stage(), options.max_len);
        Ok((Self { flow, place, attached, hold: Some(hold) }, bell))
    }

    fn leave(&mut self, in_order: bool) {
        self.flow.end(in_order);
        // Only then can the next one come.
        if self.hold.take().is_some() {
            self.place.tidy(&self.attached);
        }
    }
}

impl TrySend for Outlet {
    type Outgoing = Bytes;

    #[inline]
    fn try_send(&mut self, message: &Bytes) -> io::Result<()> {
        let Self { flow, hold, .. } = self;
        let sent = flow.send(message, |_, last| match hold {
            Some(hold) if last => is_lost(hold),
            _ => Ok(false),
        });
        match sent {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.leave(false);
                Err(error)
            }
            sent => sent,
        }
    }

    #[inline]
    fn try_flush(&mut self) -> io::Result<()> {
        self.flow.flush()
    }

    fn try_close(&mut self) -> io::Result<()> {
        if !self.flow.is_closed() {
            self.flow.flush()?;
            self.leave(true);
        }
        Ok(())
    }

    #[inline]
    fn max_len(&self) -> usize {
        self.flow.max_len()
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        // To panic is to be killed.
        self.leave(!thread::panicking());
    }
}

/// Whether nobody has the other part, and nobody can come to it any more.
pub(super) fn is_lost(hold: &Hold) -> io::Result<bool> {
    if hold.attached().entry()?.links > 0 || hold.has_peer()? {
        return Ok(false);
    }
    let cause = "its name was removed or replaced: nobody can reach us";
    Err(Error::new(ErrorKind::Closed, cause).remedy("open it anew").into())
}
