//! Opening a FIFO to write to it, once somebody reads it.

use std::{
    future::poll_fn,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    task::{Poll, ready},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Options, Writer,
    writers::{self, Permit},
};
use crate::{
    Error, ErrorKind, Result,
    backoff::Backoff,
    names::{FileKind, split},
    runtime,
    sys::{self, Entry},
    wait::{Direction, Fd, Strategy},
};

/// How often a receiver may go away, and another one come, under our hands.
const ROUNDS: usize = 100;
const UNREAD: &str = "nobody reads it";
/// How often a refusal is doubted, and how long after it there is another try: who waits as well
/// has the lock while it looks, a receiver is without its file when it is about to go, and what a
/// thread has just begun to start has copies of our descriptors for a moment.
const DOUBTS: u32 = 5;
const DOUBT: Duration = Duration::from_millis(10);

/// Opens the FIFO at this path as soon as somebody reads it.
pub(super) async fn open(options: &Options, path: &Path) -> Result<Writer> {
    runtime::here()?;
    let directory = match split(path)?.0 {
        Some(directory) => directory,
        None => Path::new("."),
    };
    // One that is too far away to be told is none.
    let until = options.deadline.and_then(|deadline| Instant::now().checked_add(deadline));
    let mut watch: Option<Watch> = None;
    let mut doubts = 0;
    loop {
        // First it is looked at and then it is tried, so that nothing happens in between.
        if let Some(watch) = &mut watch {
            watch.look_at(directory, path);
        }
        let missing = match attempt(options, directory, path)? {
            Attempt::Open(fd, permit) => {
                return Ok(Writer::new(fd, permit, options.exclusive, options.strategy)?);
            }
            Attempt::Wait(missing) => missing,
            Attempt::Refused(error) => {
                doubts += 1;
                match runtime::sleep(DOUBT) {
                    Ok(pause) if doubts <= DOUBTS => pause.await,
                    _ => return Err(error),
                }
                continue;
            }
        };
        doubts = 0;
        match &mut watch {
            None => watch = Some(Watch::new()),
            Some(watch) => {
                tracing::trace!(missing, "waiting");
                let changed = watch.changed(path, until, missing == UNREAD).await?;
                changed.ok_or_else(|| late(options.deadline, missing))?;
            }
        }
    }
}

fn late(deadline: Option<Duration>, missing: &str) -> Error {
    let waited = deadline.unwrap_or_default();
    Error::new(ErrorKind::TimedOut, format!("{missing}, for all of {waited:?}"))
        .remedy("start the receiver, or raise `fifo::Options::deadline` if it is late")
}

enum Attempt {
    Open(OwnedFd, Option<Permit>),
    /// What is missing.
    Wait(&'static str),
    /// Somebody is in the way, or was just then.
    Refused(Error),
}

/// One try, which never blocks. In this order, as [`writers`] says: the lock, the FIFO, and another
/// look whether both are of one receiver.
fn attempt(options: &Options, directory: &Path, path: &Path) -> Result<Attempt> {
    let owners = options.owners_or_usual();
    // What was opened in vain is kept until there is something better: that nobody has it open is
    // the end for a receiver that waits for it.
    let mut _last = None;
    for _ in 0..ROUNDS {
        let permit = match Permit::take(path, options.exclusive, &owners) {
            Err(error) if error.kind() == ErrorKind::InUse => return Ok(Attempt::Refused(error)),
            taken => taken?,
        };
        if let Some(permit) = &permit {
            if !permit.is_settled()? {
                return Ok(Attempt::Wait("the receiver has not seen the end of a killed sender"));
            }
        }
        let Some(entry) = Entry::at_path(path)? else {
            exists(directory)?;
            return Ok(Attempt::Wait("nothing has that name"));
        };
        check(&entry, path, &owners)?;
        let Some(fd) = sys::open_to_write(path)? else {
            return Ok(Attempt::Wait(UNREAD));
        };
        check(&Entry::of(&fd)?, path, &owners)?;
        if !Permit::is_current(permit.as_ref(), path)? {
            _last = Some(fd);
            continue;
        }
        if permit.is_none() && options.exclusive {
            let cause = format!("who reads {} has no way to let one in alone", path.display());
            let error = Error::new(ErrorKind::Denied, cause)
                .remedy("read it with `fifo::receiver`, or send without `exclusive`");
            return Ok(Attempt::Refused(error));
        }
        if (permit.is_none() || options.exclusive) && !lock(&fd, options.exclusive) {
            return Ok(Attempt::Refused(writers::refused(path, options.exclusive)));
        }
        if let Some(permit) = &permit {
            permit.begin()?;
        }
        return Ok(Attempt::Open(fd, permit));
    }
    Ok(Attempt::Wait("receivers come and go"))
}

/// Locks the FIFO itself: those who came when another program read it have no other lock, and may
/// still be there when a receiver has taken its place. Says whether others let us.
fn lock(fd: &OwnedFd, exclusive: bool) -> bool {
    let lock = if exclusive { sys::try_lock(fd) } else { sys::try_lock_shared(fd) };
    // Not every platform can lock a FIFO: there they are not held apart.
    lock.unwrap_or(true)
}

/// Refuses what is no FIFO, and one that a stranger reads from.
fn check(entry: &Entry, path: &Path, owners: &[u32]) -> Result<()> {
    let path = path.display();
    let (cause, remedy) = if entry.kind != FileKind::Fifo {
        (format!("{path} is {}, not a FIFO", entry.kind), "is the path right?")
    } else if !owners.contains(&entry.owner) {
        let cause = format!("{path} belongs to user {}, allowed: {owners:?}", entry.owner);
        (cause, "allow its user with `fifo::Options::owners`")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Denied, cause).remedy(remedy))
}

/// A directory that is missing is not waited for.
fn exists(directory: &Path) -> Result<()> {
    std::fs::metadata(directory).map(drop).map_err(|cause| {
        let shown = directory.display();
        let error = Error::from(cause).doing(format!("look at the directory {shown}"));
        error.remedy(format!("create the directory {shown} first"))
    })
}

/// Tells when it is worth trying again.
struct Watch {
    /// `None` where there is no such thing: then it is time that tells.
    events: Option<Fd>,
    backoff: Backoff,
}

impl Watch {
    fn new() -> Self {
        let events = sys::watch().and_then(Fd::new).map(|fd| fd.strategy(Strategy::Park));
        Self { events: events.ok(), backoff: Backoff::default() }
    }

    fn look_at(&mut self, directory: &Path, path: &Path) {
        let Some(events) = &self.events else { return };
        if let Err(error) = sys::look_at(events.as_fd(), directory, path, &writers::beside(path)) {
            tracing::debug!(%error, "no way to be told of a receiver; looking from time to time");
            self.events = None;
        }
    }

    /// Waits until something may have changed; `None` where it is too late.
    ///
    /// A FIFO that is `unread` is tried again after pauses as well: of a reader that waits in open(2)
    /// for a writer, as `cat` does, nothing else tells.
    async fn changed(
        &mut self,
        path: &Path,
        until: Option<Instant>,
        unread: bool,
    ) -> Result<Option<()>> {
        if until.is_some_and(|until| until <= Instant::now()) {
            // Something may happen all the time.
            return Ok(None);
        }
        let Self { events, backoff } = self;
        // With events, there being no timers is no reason not to wait.
        let timed = match events {
            Some(_) => unread && backoff.fail().is_ok(),
            None => backoff.fail().map(|_| true)?,
        };
        let beside = writers::beside(path);
        let names = [path, &beside].map(|path| path.file_name().unwrap_or_default());
        let changed = poll_fn(|cx| {
            if timed && backoff.poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let Some(events) = events else { return Poll::Pending };
            // What happens to others in that directory is not worth a try.
            loop {
                let told = |fd: BorrowedFd<'_>| sys::tells_of(fd, &names);
                if ready!(events.poll_fd(cx, Direction::Receive, told))? {
                    return Poll::Ready(Ok(()));
                }
            }
        });
        let Some(until) = until else { return Ok(Some(changed.await?)) };
        let left = until.saturating_duration_since(Instant::now());
        let done: Result<io::Result<()>, _> = runtime::timeout(left, changed)?.await;
        Ok(done.ok().transpose()?)
    }
}
