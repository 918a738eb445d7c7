//! Opening a queue, or making it.

use std::os::fd::{AsFd, OwnedFd};

use super::{Options, limits, name::Name};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry, Identity, QueueAccess, QueueSizes},
};

/// How often others may make and remove the name under our hands.
const ROUNDS: usize = 100;

/// A queue that is open, and once more to be blocked on where that was asked for.
#[derive(Debug)]
pub(super) struct Opened {
    /// Never blocks.
    pub(super) fd: OwnedFd,
    pub(super) blocking: Option<OwnedFd>,
    pub(super) access: QueueAccess,
    pub(super) sizes: QueueSizes,
    pub(super) identity: Identity,
}

/// Opens the queue of this name, which is made where there is none and the options say so.
pub(super) fn open(
    options: &Options,
    name: &Name,
    access: QueueAccess,
    blocking: bool,
) -> Result<Opened> {
    for _ in 0..ROUNDS {
        let Some((fd, made)) = open_or_make(options, name, access)? else { continue };
        let identity = Entry::of(&fd)?.identity;
        let sizes = match made {
            Some(sizes) => sizes,
            None => check(options, name, &fd)?,
        };
        let blocking = if blocking {
            // O_NONBLOCK is of the opening, not of the descriptor: it takes a second one.
            let again = sys::open_queue(name.as_c_str(), QueueAccess { waits: true, ..access })?;
            match again {
                Some(again) if Entry::of(&again)?.identity == identity => Some(again),
                _ => continue,
            }
        } else {
            None
        };
        tracing::debug!(endpoint = %name.endpoint(), ?sizes, made = made.is_some(), "opened");
        return Ok(Opened { fd, blocking, access, sizes, identity });
    }
    Err(Error::new(ErrorKind::InUse, "others make and remove the name all the time")
        .remedy("try again"))
}

/// `None` where somebody was faster. With the sizes of one that was made.
fn open_or_make(
    options: &Options,
    name: &Name,
    access: QueueAccess,
) -> Result<Option<(OwnedFd, Option<QueueSizes>)>> {
    if let Some(queue) = sys::open_queue(name.as_c_str(), access)? {
        return Ok(Some((queue, None)));
    }
    if !options.create {
        return Err(Error::new(ErrorKind::NotFound, "there is no queue of this name").remedy(
            "start the process that makes it, or make it here: `mq::Options::create(true)`",
        ));
    }
    let sizes = limits::sizes(options.capacity, options.max_len);
    let made = sys::make_queue(name.as_c_str(), access, sizes, options.mode);
    let made = made.map_err(|cause| limits::explain(cause, sizes))?;
    Ok(made.map(|queue| (queue, Some(sizes))))
}

/// Refuses a queue that is not as was asked for.
pub(super) fn check(options: &Options, name: &Name, queue: &OwnedFd) -> Result<QueueSizes> {
    let entry = Entry::of(queue)?;
    let owners = options.owners_or_usual();
    let denied =
        |cause: String, remedy: String| Err(Error::new(ErrorKind::Denied, cause).remedy(remedy));
    if !owners.contains(&entry.owner) {
        let cause = format!("it belongs to user {}, allowed: {owners:?}", entry.owner);
        return denied(cause, "allow its user with `mq::Options::owners`".into());
    }
    let (mode, asked) = (entry.mode & 0o777, options.mode & 0o777);
    if mode & !asked != 0 {
        let cause = format!("it is open to more (mode {mode:04o}) than {asked:04o}");
        let purge = name.shown();
        return denied(
            cause,
            format!("allow that with `mq::Options::mode`, or remove it: `mq::remove({purge})`"),
        );
    }
    let (sizes, _) = sys::queue_sizes(queue.as_fd())?;
    let wanted = QueueSizes {
        capacity: options.capacity.unwrap_or(sizes.capacity),
        max_len: options.max_len.unwrap_or(sizes.max_len),
    };
    if sizes == wanted {
        return Ok(sizes);
    }
    let cause = format!(
        "the queue that is there holds {} messages of {} bytes, asked for were {} of {}",
        sizes.capacity, sizes.max_len, wanted.capacity, wanted.max_len
    );
    Err(Error::new(ErrorKind::Malformed, cause).remedy(format!(
        "ask for its sizes or for none; or, if an earlier run has left it, remove it and what is \
         in it: `mq::remove({})`",
        name.shown()
    )))
}
