//! The two queues of a pair, and their names.

use std::os::fd::OwnedFd;

use super::{
    Options, limits,
    name::Name,
    presence::{Part, Role},
};
use crate::{
    Error, ErrorKind, Result,
    sys::{self, Entry, QueueAccess, QueueSizes},
};

/// How often others may make and remove a name under our hands.
const ROUNDS: usize = 100;
/// Locks take a queue that is open both ways.
const BOTH_WAYS: QueueAccess = QueueAccess { receive: true, send: true, waits: false };
/// What keeps a name while there is no room for a pair.
const SMALLEST: QueueSizes = QueueSizes { capacity: 1, max_len: 1 };

/// The name that is listened on, and those of its queues.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) base: Name,
    pub(super) requests: Name,
    pub(super) replies: Name,
}

impl Names {
    pub(super) fn new(name: &str) -> Result<Self> {
        let of = |suffix| Name::new(&format!("{name}.{suffix}"));
        Ok(Self { base: Name::new(name)?, requests: of("requests")?, replies: of("replies")? })
    }

    /// What the queues are called.
    pub(super) fn of_queues(&self) -> [String; 2] {
        [&self.requests, &self.replies].map(|name| name.text().into_owned())
    }
}

/// A queue with its name, which the listener alone may take away from it.
#[derive(Debug)]
struct Named {
    name: Name,
    guard: Part,
}

impl Drop for Named {
    fn drop(&mut self) {
        // Unless another has removed it: then the name may be somebody else's by now.
        let removed = match self.guard.is_named() {
            Ok(true) => self.name.remove().map(drop),
            Ok(false) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = removed {
            tracing::warn!(%error, name = %self.name.shown(), "the name of a queue is left behind");
        }
    }
}

/// The names of a pair, which are removed when this is dropped.
#[derive(Debug)]
pub(super) struct Stand {
    // In this order: who finds the first has the second, or finds the first without a name.
    _requests: Named,
    _replies: Option<Named>,
}

/// The queues of a pair with the parts that the listener plays.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) requests: Part,
    pub(super) replies: Part,
}

impl Stand {
    /// Makes a pair, in the place of one that nobody listens at.
    pub(super) fn make(names: &Names, options: &Options) -> Result<(Self, Pair)> {
        let sizes = limits::sizes(options.capacity, options.max_len);
        let mode = options.mode;
        let (named, requests) = put(&names.requests, sizes, mode, Role::Receiver)?;
        let (other, replies) = put(&names.replies, sizes, mode, Role::Sender)?;
        Ok((Self { _requests: named, _replies: Some(other) }, Pair { requests, replies }))
    }

    /// Keeps the name, for others to find that it is listened on and that nobody is let in.
    pub(super) fn keep(names: &Names) -> Result<Self> {
        let (requests, _) = put(&names.requests, SMALLEST, 0o600, Role::Sender)?;
        Ok(Self { _requests: requests, _replies: None })
    }
}

/// Makes a queue, and takes a part there.
fn put(name: &Name, sizes: QueueSizes, mode: u32, role: Role) -> Result<(Named, Part)> {
    for _ in 0..ROUNDS {
        let made = sys::make_queue(name.as_c_str(), BOTH_WAYS, sizes, mode);
        if let Some(queue) = made.map_err(|cause| limits::explain(cause, sizes))? {
            let ours = Entry::of(&queue)?.identity;
            // Opened once more: it stays when the pair is somebody's and ends.
            let guard = match open(name)? {
                Some(guard) if Entry::of(&guard)?.identity == ours => guard,
                _ => continue,
            };
            let Some(guard) = Part::take(guard, Role::Listener)? else { return Err(in_use()) };
            // Until then it looked as if it was left by one that was killed.
            if !guard.is_named()? {
                continue;
            }
            let named = Named { name: name.clone(), guard };
            return match Part::take(queue, role)? {
                Some(part) => Ok((named, part)),
                None => Err(in_use()),
            };
        }
        clear(name)?;
    }
    Err(in_use())
}

/// Removes a queue whose listener was killed.
fn clear(name: &Name) -> Result<()> {
    let Some(stale) = open(name)? else { return Ok(()) };
    let (owner, ours) = (Entry::of(&stale)?.owner, sys::our_uid());
    if owner != ours {
        let cause = format!("{} belongs to user {owner}, and we are user {ours}", name.shown());
        return Err(Error::new(ErrorKind::Denied, cause).remedy("choose another name"));
    }
    let Some(stale) = Part::take(stale, Role::Listener)? else { return Err(in_use()) };
    tracing::debug!(name = %name.shown(), "a queue that nobody listens at is replaced");
    drop(Named { name: name.clone(), guard: stale });
    Ok(())
}

#[cold]
fn in_use() -> Error {
    Error::new(ErrorKind::InUse, "somebody listens on that name").remedy("stop it first")
}

/// Opens a queue of a pair; `None` where there is none.
pub(super) fn open(name: &Name) -> Result<Option<OwnedFd>> {
    Ok(sys::open_queue(name.as_c_str(), BOTH_WAYS)?)
}
