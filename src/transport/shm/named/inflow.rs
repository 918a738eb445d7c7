//! What comes out of a ring.

use std::{io, sync::Arc};

use crate::{
    Error, ErrorKind, Result,
    shared::{Broken, Item, Reader, Region},
    wait::{BellWord, Direction, Stage},
};

/// Messages out of a ring, and a bell for whoever writes.
#[derive(Debug)]
pub(super) struct Inflow {
    reader: Reader<Arc<Region>>,
    bell: BellWord,
    stage: Arc<Stage>,
    ended: bool,
}

/// What it means that nothing is there.
pub(super) enum Nothing {
    /// It is the end.
    End,
    /// There may be something by now.
    LookAgain,
    /// There will be, perhaps.
    Wait,
}

impl Inflow {
    pub(super) fn new(reader: Reader<Arc<Region>>, bell: BellWord, stage: Arc<Stage>) -> Self {
        Self { reader, bell, stage, ended: false }
    }

    /// Takes what `take` takes; `meaning` is asked where there is nothing.
    #[inline]
    pub(super) fn receive<R>(
        &mut self,
        mut take: impl FnMut(&mut Reader<Arc<Region>>) -> Result<Option<Item<R>>>,
        mut meaning: impl FnMut(&mut Reader<Arc<Region>>, &Stage) -> io::Result<Nothing>,
    ) -> io::Result<Option<R>> {
        if self.ended {
            return Ok(None);
        }
        loop {
            let taken = take(&mut self.reader);
            self.make_room_known();
            match taken {
                Ok(Some(Item::Message(message))) => return Ok(Some(message)),
                Ok(Some(Item::Sealed(_))) => {
                    let cause = "a sealed message, which cannot come this way";
                    return Err(Error::new(ErrorKind::Malformed, cause).into());
                }
                Ok(None) if self.reader.gives_way() => {
                    self.stage.give_way(Direction::Receive);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(None) => {}
                Err(error) => return Err(error.into()),
            }
            let meaning = meaning(&mut self.reader, &self.stage);
            self.make_room_known();
            match meaning? {
                Nothing::End => return Ok(None),
                Nothing::LookAgain => {}
                Nothing::Wait => return Err(io::ErrorKind::WouldBlock.into()),
            }
        }
    }

    /// Receives nothing more. All that was handed out is dealt with, if `dealt_with` says so;
    /// whoever writes is told that nobody reads, if `tells` does.
    pub(super) fn end(&mut self, dealt_with: bool, tells: bool) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if dealt_with {
            self.reader.release();
        }
        if tells {
            self.reader.leave();
        }
        self.bell.ring();
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    #[inline]
    fn make_room_known(&mut self) {
        if self.reader.takes_wake() {
            self.bell.ring();
        }
    }
}

/// Before sleeping: asks to be woken, and says what it has come to.
pub(super) fn before_sleep(
    stage: &Stage,
    arm: impl FnOnce() -> Result<bool, Broken>,
) -> io::Result<Nothing> {
    if stage.is_last(Direction::Receive) && !arm()? {
        return Ok(Nothing::LookAgain);
    }
    Ok(Nothing::Wait)
}
