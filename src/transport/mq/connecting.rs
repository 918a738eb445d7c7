//! Connecting, with patience where it helps.

use std::{os::fd::AsFd, time::Duration};

use tokio::time::Instant;

use super::{
    Options, opening,
    pair::{self, Names, Pair},
    presence::{self, Part, Role},
};
use crate::{
    Error, ErrorKind, Result, runtime,
    sys::{self, Entry},
};

/// The first pause between two tries, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(25));
/// A listener has no names while it makes a new pair.
const GRACE: Duration = Duration::from_millis(250);

/// What became of a try.
enum Attempt {
    Connected(Pair),
    /// Nobody listens.
    Missing,
    /// Another client was first, or there is no room for one more pair.
    Taken,
}

/// Takes the pair that a listener holds ready: the client's parts of it.
pub(super) async fn connect(options: &Options, names: &Names) -> Result<Pair> {
    runtime::here()?;
    let begun = Instant::now();
    // One that is too far away to be told is none.
    let until = begun.checked_add(options.deadline);
    let mut seen = None;
    let mut pause = PAUSE.0;
    loop {
        let now = Instant::now();
        let missing = match attempt(options, names)? {
            Attempt::Connected(pair) => return Ok(pair),
            Attempt::Missing => {
                if !options.wait_for_listener && now - seen.unwrap_or(begun) >= GRACE {
                    let error = Error::new(ErrorKind::NotFound, "nobody listens on that name");
                    return Err(error.remedy("start the listener first"));
                }
                "nobody listens on that name"
            }
            Attempt::Taken => {
                seen = Some(now);
                "the listener let nobody in"
            }
        };
        if until.is_some_and(|until| now >= until) {
            let cause = format!("{missing}, for all of {:?}", options.deadline);
            return Err(Error::new(ErrorKind::TimedOut, cause).remedy(
                "is it stuck, late, or has no room for more queues? or raise \
                 `mq::Options::deadline`",
            ));
        }
        runtime::sleep(pause)?.await;
        pause = (2 * pause).min(PAUSE.1);
    }
}

/// One try, which never blocks.
fn attempt(options: &Options, names: &Names) -> Result<Attempt> {
    let Some(requests) = pair::open(&names.requests)? else { return Ok(Attempt::Missing) };
    // One that was killed leaves its names.
    if !presence::has(requests.as_fd(), Role::Listener)? {
        return Ok(Attempt::Missing);
    }
    // What is left of a pair, or stands for one.
    if !presence::has(requests.as_fd(), Role::Receiver)? {
        return Ok(Attempt::Taken);
    }
    opening::check(options, &names.requests, &requests)?;
    let Some(requests) = Part::take(requests, Role::Sender)? else { return Ok(Attempt::Taken) };
    let Some(replies) = pair::open(&names.replies)? else { return Ok(Attempt::Taken) };
    opening::check(options, &names.replies, &replies)?;
    let Some(replies) = Part::take(replies, Role::Receiver)? else { return Ok(Attempt::Taken) };
    // Another has sent and gone, and the listener has not looked yet: it is the other's pair.
    if sys::queue_sizes(requests.as_fd())?.1 > 0 {
        return Ok(Attempt::Taken);
    }
    // A listener takes this name away before it makes another queue for the other one: the two
    // belong together. One that has seen somebody else's knock may let us in as well; then we leave.
    if !requests.is_named()? || !requests.has(Role::Receiver)? {
        return Ok(Attempt::Taken);
    }
    requests.knock()?;
    tracing::debug!(owner = Entry::of(requests.queue())?.owner, "connected");
    Ok(Attempt::Connected(Pair { requests, replies }))
}
