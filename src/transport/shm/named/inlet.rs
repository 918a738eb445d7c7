//! The end of a ring that messages come out of.

use std::{io, sync::Arc, thread};

use bytes::Bytes;

use super::{
    End, Options,
    inflow::{Inflow, Nothing, before_sleep},
    layout::{DATA_BELL, SPACE_BELL},
    lookout::Watchman,
    opening::Opened,
    outlet::is_lost,
    place::Place,
    role::{Attached, Hold},
};
use crate::{
    Error, ErrorKind, Result,
    message::TryRecv,
    shared::{Item, Reader, Region, cut_off},
    wait::{Direction, SharedBell, Stage},
};

/// The receiving end of a name: what can be received now.
///
/// # Examples
///
/// See [`named`](super).
#[derive(Debug)]
pub struct Inlet {
    flow: Inflow,
    end: End,
    place: Place,
    attached: Arc<Attached>,
    /// `None` once it was left.
    hold: Option<Hold>,
    /// The sender was gone without having closed when we last looked.
    bereft: bool,
}

impl Inlet {
    pub(super) fn new(opened: Opened, options: &Options) -> Result<(Self, SharedBell)> {
        let consumer = opened.consumer()?;
        // The claim is given up when this is done.
        let Opened { place, hold, .. } = opened;
        let attached = Arc::clone(hold.attached());
        let sleep = (attached.bell(0, DATA_BELL), Some(Watchman::beside(&hold)));
        let bell = SharedBell::new(Some(sleep), None, options.strategy)?;
        let reader = Reader::new(consumer, options.max_len);
        let flow = Inflow::new(reader, attached.bell(0, SPACE_BELL), bell.stage());
        let (end, hold) = (options.end, Some(hold));
        Ok((Self { flow, end, place, attached, hold, bereft: false }, bell))
    }

    #[inline]
    fn receive<R>(
        &mut self,
        take: impl FnMut(&mut Reader<Arc<Region>>) -> Result<Option<Item<R>>>,
    ) -> io::Result<Option<R>> {
        let Self { flow, end, hold, bereft, .. } = self;
        let received = flow.receive(take, |reader, stage| match hold {
            Some(hold) => meaning(*end, hold, bereft, reader, stage),
            None => Ok(Nothing::End),
        });
        match received {
            // Whoever sends from here on is not told that we left: it was never ours.
            Ok(None) => self.leave(true, false),
            Err(error) if !goes_on(&error) => {
                self.leave(true, error.kind() != io::ErrorKind::BrokenPipe);
                return Err(error);
            }
            _ => {}
        }
        received
    }

    fn leave(&mut self, dealt_with: bool, tells: bool) {
        if !self.flow.is_ended() {
            self.flow.end(dealt_with, tells);
        }
        // Only then can the next one come.
        if self.hold.take().is_some() {
            self.place.tidy(&self.attached);
        }
    }
}

/// What it means that nothing is there.
#[inline]
fn meaning(
    end: End,
    hold: &Hold,
    bereft: &mut bool,
    reader: &mut Reader<Arc<Region>>,
    stage: &Stage,
) -> io::Result<Nothing> {
    match reader.end()? {
        // What a sender began stays without an end; how it went is told next.
        Some(false) if reader.give_up() => return Err(cut_off().into()),
        Some(true) if end != End::Never => return Ok(Nothing::End),
        Some(false) if end == End::WithSender => return gone(),
        _ => {}
    }
    if stage.takes_news(Direction::Receive) || *bereft {
        *bereft = !hold.has_peer()?;
        // It can have published until its end, or closed.
        if *bereft && (reader.look_again()? || end != End::Never && reader.end()? == Some(true)) {
            return Ok(Nothing::LookAgain);
        }
        if *bereft && end == End::WithSender {
            return if reader.give_up() { Err(cut_off().into()) } else { gone() };
        }
        *bereft = false;
    }
    if stage.is_last(Direction::Receive) {
        is_lost(hold)?;
    }
    before_sleep(stage, || reader.arm_for_more())
}

#[cold]
fn gone() -> io::Result<Nothing> {
    Err(Error::new(ErrorKind::Closed, "the sender ended without closing").into())
}

/// Whether more can come behind this error, or it is none.
fn goes_on(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::UnexpectedEof)
}

impl TryRecv for Inlet {
    type Received = Bytes;

    #[inline]
    fn try_recv(&mut self) -> io::Result<Option<Bytes>> {
        self.receive(Reader::next)
    }

    #[inline]
    fn try_lend<R>(&mut self, see: impl FnOnce(&[u8]) -> R) -> io::Result<Option<R>> {
        let mut see = Some(see);
        let lent = self.receive(|reader| {
            // It is called once at most: with what is then returned.
            reader.lend(|body| see.take().map(|see| see(body)))
        })?;
        Ok(lent.flatten())
    }

    fn goes_on(&self, error: &Error) -> bool {
        matches!(error.kind(), ErrorKind::Truncated | ErrorKind::Lagged)
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        // To panic is to be killed: what was handed out last may not have been dealt with.
        let panics = thread::panicking();
        self.leave(!panics, !panics);
    }
}
