//! Connecting, with patience where it helps.

use std::{io, time::Duration};

use tokio::time::Instant;

use super::{
    Channel, Options,
    layout::{LISTENER_BELL, TAKEN},
    place::{Found, Place},
    role::{Attached, CLIENT, Hold, SERVER},
};
use crate::{Error, ErrorKind, Result, runtime, shared::Memory, sync::Ordering, wait::SharedBell};

/// The first pause between two tries, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(25));

/// What became of a try.
enum Attempt {
    Connected(Hold),
    /// Nobody listens.
    Missing,
    /// Another client was first, and the listener has not seen to it.
    Taken,
}

/// Takes the pair of rings that a listener holds ready.
pub(super) async fn connect(options: &Options, place: &Place) -> Result<(Channel, SharedBell)> {
    runtime::here()?;
    // One that is too far away to be told is none.
    let until = Instant::now().checked_add(options.deadline);
    let mut pause = PAUSE.0;
    loop {
        let missing = match attempt(place)? {
            Attempt::Connected(hold) => {
                let channel = Channel::new(hold, options)?;
                announce(&channel.0);
                return Ok(channel);
            }
            Attempt::Missing if !options.wait_for_listener => {
                let error = Error::new(ErrorKind::NotFound, "nobody listens on that name");
                return Err(error.remedy("start the listener first"));
            }
            Attempt::Missing => "nobody listens on that name",
            Attempt::Taken => "the listener let nobody in",
        };
        if until.is_some_and(|until| Instant::now() >= until) {
            let cause = format!("{missing}, for all of {:?}", options.deadline);
            return Err(Error::new(ErrorKind::TimedOut, cause)
                .remedy("is it stuck, or late? then raise `named::Options::deadline`"));
        }
        runtime::sleep(pause)?.await;
        pause = (2 * pause).min(PAUSE.1);
    }
}

/// One try, which never blocks.
fn attempt(place: &Place) -> Result<Attempt> {
    let (file, layout) = match place.find()? {
        Found::Nothing => return Ok(Attempt::Missing),
        Found::File(file, Some(layout)) => (file, layout),
        Found::File(..) => {
            let cause = format!("{} is of another version of framewire", place.path().display());
            return Err(Error::new(ErrorKind::Unsupported, cause));
        }
    };
    let attached = Attached::new(file, layout)?;
    if is_taken(&attached) {
        // Who took it may have been killed before it rang.
        attached.bell(0, LISTENER_BELL).ring();
        return missed(&attached);
    }
    // A listener that was killed leaves its file.
    if !attached.has(SERVER)? {
        return missed(&attached);
    }
    match attached.take(CLIENT)? {
        // It went meanwhile; or another client was let in and has left meanwhile.
        Some(hold) if !hold.has_peer()? || is_taken(&attached) => missed(&attached),
        Some(hold) => Ok(Attempt::Connected(hold)),
        None => Ok(Attempt::Taken),
    }
}

/// What it means that nobody lets us in by this file.
fn missed(attached: &Attached) -> Result<Attempt> {
    // In this order: a listener leaves a file only when another, or none, has taken its place, and
    // from then on it says nothing of who listens.
    let missing = !attached.has(SERVER)? && attached.entry()?.links > 0;
    Ok(if missing { Attempt::Missing } else { Attempt::Taken })
}

/// Whether a client has taken the file.
pub(super) fn is_taken(attached: &Attached) -> bool {
    // Acquire: partner of the Release in `announce`.
    attached.ring(0).load(TAKEN, Ordering::Acquire) != 0
}

/// Tells the listener that we have taken its file.
fn announce(channel: &Channel) {
    let attached = channel.attached();
    // Release: partner of the Acquire in `is_taken`.
    attached.ring(0).store(TAKEN, 1, Ordering::Release);
    attached.bell(0, LISTENER_BELL).ring();
}

/// Whether a client has taken the file, as a call that may have to be made again.
pub(super) fn try_taken(attached: &Attached) -> io::Result<()> {
    if is_taken(attached) { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
}
