//! Coming into a part of the ring that a name stands for.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    layout::{DATA_BELL, Layout, SPACE_BELL},
    place::{Found, Place},
    role::{Attached, Hold, Role, is_played},
};
use crate::{
    Error, ErrorKind, Result,
    names::Claim,
    runtime,
    shared::{Consumer, Producer, Region},
};

/// For how long a refusal is doubted: who comes or goes has the claim for a moment, and what a
/// thread has just begun to start has copies of our descriptors as long.
const DOUBT: Duration = Duration::from_millis(250);
/// The first pause between two tries, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(25));

/// A part that we have come into.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) place: Place,
    pub(super) hold: Hold,
    pub(super) ring: Arc<Region>,
    /// Nobody else comes or goes before this is dropped.
    _claim: Claim,
}

/// Takes a part in the ring of this name, which is made where there is none.
pub(super) async fn open(place: Place, role: Role, capacity: usize) -> Result<Opened> {
    runtime::here()?;
    let until = Instant::now() + DOUBT;
    let mut pause = PAUSE.0;
    loop {
        match attempt(&place, role, capacity) {
            Ok((hold, claim)) => {
                let ring = Arc::clone(hold.attached().ring(0));
                return Ok(Opened { place, hold, ring, _claim: claim });
            }
            Err(error) if error.kind() != ErrorKind::InUse || Instant::now() >= until => {
                return Err(error);
            }
            Err(_) => runtime::sleep(pause)?.await,
        }
        pause = (2 * pause).min(PAUSE.1);
    }
}

/// One try, which never blocks.
fn attempt(place: &Place, role: Role, capacity: usize) -> Result<(Hold, Claim)> {
    let claim = place.claim()?;
    match place.find()? {
        Found::File(file, Some(layout)) => {
            if let Some(hold) = attach(place, file, layout, role)? {
                return Ok((hold, claim));
            }
        }
        Found::File(file, None) if is_played(file.as_fd())? => {
            let cause = format!("another version of framewire uses {}", place.path().display());
            return Err(Error::new(ErrorKind::InUse, cause).remedy("stop it first"));
        }
        Found::File(..) | Found::Nothing => {}
    }
    make(place, claim, role, capacity)
}

/// Comes after whoever was there; `None` where nothing of theirs is left.
fn attach(place: &Place, file: OwnedFd, layout: Layout, role: Role) -> Result<Option<Hold>> {
    let attached = Attached::new(file, layout)?;
    let Some(hold) = attached.take(role)? else {
        let (who, (pid, _)) = (role.verb(), attached.holder(role));
        let path = place.path().display();
        let cause = format!("process {pid} {who} {path} already");
        return Err(
            Error::new(ErrorKind::InUse, cause).remedy("stop it first, or use another name")
        );
    };
    let ring = attached.ring(0);
    if !hold.has_peer()? && ring.is_drained() {
        return Ok(None);
    }
    Ok(Some(hold))
}

/// A fresh ring in the place of what is there, which nobody uses.
fn make(place: &Place, claim: Claim, role: Role, capacity: usize) -> Result<(Hold, Claim)> {
    let draft = claim.draft()?;
    let (file, layout) = place.make(&draft, capacity)?;
    let hold = Attached::new(file, layout)?.take(role)?.ok_or_else(|| claimed(place))?;
    let (claim, put) = draft.put();
    put?;
    Ok((hold, claim))
}

/// There is no such error for a file that nobody knows.
fn claimed(place: &Place) -> Error {
    Error::new(ErrorKind::InUse, format!("somebody else has {}", place.path().display()))
}

impl Opened {
    /// The writing end. Whoever reads is told that somebody is there.
    pub(super) fn producer(&self) -> Result<Producer<Arc<Region>>> {
        let ring = || Arc::clone(&self.ring);
        if !self.hold.has_peer()? {
            // That the last reader had left was for the writer before us to know.
            Consumer::resume(ring(), ring()).map_err(|broken| self.broken(broken.into()))?;
        }
        let producer = Producer::resume(ring(), ring());
        let producer = producer.map_err(|broken| self.broken(broken.into()))?;
        // One that was killed may have published without ringing.
        self.hold.attached().bell(0, DATA_BELL).ring();
        Ok(producer)
    }

    /// The reading end. Whoever writes is told that somebody is there.
    pub(super) fn consumer(&self) -> Result<Consumer<Arc<Region>>> {
        let ring = || Arc::clone(&self.ring);
        let consumer = Consumer::resume(ring(), ring());
        let consumer = consumer.map_err(|broken| self.broken(broken.into()))?;
        // One that was killed may have made room without ringing.
        self.hold.attached().bell(0, SPACE_BELL).ring();
        Ok(consumer)
    }

    fn broken(&self, error: Error) -> Error {
        error.remedy(format!("remove {} and what is left in it", self.place.path().display()))
    }
}
