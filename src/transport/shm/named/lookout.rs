//! Hearing of the other one's death.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use super::role::{Attached, Hold, Role};
use crate::{
    runtime, sys,
    wait::{Direction, Fd, Lookout, Strategy},
};

/// How often it is looked whether somebody is there whose process cannot be watched.
const LOOK: Duration = Duration::from_secs(1);

/// Looks out for the end of whoever plays the other part: by its process, where there is such a
/// thing, and else by looking at its lock once a second.
///
/// That somebody came needs no looking out for: who comes rings.
#[derive(Debug)]
pub(super) struct Watchman {
    attached: Arc<Attached>,
    role: Role,
    /// Who was there when we last looked; `None` where it is still to be found out whether somebody
    /// is.
    holder: Option<(u64, u64)>,
    watch: Watch,
}

#[derive(Debug)]
enum Watch {
    Nobody,
    Process(Box<Fd>),
    Lock(Pin<Box<Sleep>>),
}

impl Watchman {
    /// For whoever is the other one to us, or will be.
    pub(super) fn beside(hold: &Hold) -> Box<dyn Lookout> {
        Box::new(Self::new(hold, Some((0, 0))))
    }

    /// For the other one, who has been there: that nobody is, is news.
    pub(super) fn opposite(hold: &Hold) -> Box<dyn Lookout> {
        Box::new(Self::new(hold, None))
    }

    fn new(hold: &Hold, holder: Option<(u64, u64)>) -> Self {
        let (attached, role) = (Arc::clone(hold.attached()), hold.role().other());
        Self { attached, role, holder, watch: Watch::Nobody }
    }

    /// Begins to watch this one; says whether it is gone already.
    fn watch(&mut self, (pid, began): (u64, u64)) -> io::Result<bool> {
        self.watch = Watch::Nobody;
        // Who has the lock has not said so yet, or does not any more, where it is nobody's number.
        let process = process(pid, began);
        // In this order: the process that is watched was there when it had the lock.
        if !self.attached.has(self.role)? {
            return Ok(true);
        }
        self.watch = match process {
            Some(process) => Watch::Process(Box::new(Fd::new(process)?.strategy(Strategy::Park))),
            None => Watch::Lock(runtime::sleep(LOOK)?),
        };
        Ok(false)
    }
}

/// The process of this number that began then.
fn process(pid: u64, began: u64) -> Option<OwnedFd> {
    let pid = u32::try_from(pid).ok()?;
    // Where no descriptor is left, there is still the lock to look at.
    let process = sys::watch_process(pid).ok().flatten()?;
    // From here on the number stays what it is. In another namespace it is somebody else's.
    (sys::began(pid) == Some(began)).then_some(process)
}

impl Lookout for Watchman {
    fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let holder = self.attached.holder(self.role);
        if self.holder != Some(holder) {
            self.holder = Some(holder);
            if self.watch(holder)? {
                return Poll::Ready(Ok(()));
            }
        }
        loop {
            match &mut self.watch {
                Watch::Nobody => return Poll::Pending,
                Watch::Process(process) => {
                    let ended = |process: BorrowedFd<'_>| match sys::has_ended(process) {
                        true => Ok(()),
                        false => Err(io::ErrorKind::WouldBlock.into()),
                    };
                    ready!(process.poll_fd(cx, Direction::Receive, ended))?;
                    // It may have left the lock to a child of its own.
                    self.watch = match self.attached.has(self.role)? {
                        true => Watch::Lock(runtime::sleep(LOOK)?),
                        false => Watch::Nobody,
                    };
                    return Poll::Ready(Ok(()));
                }
                Watch::Lock(pause) => {
                    ready!(pause.as_mut().poll(cx));
                    if !self.attached.has(self.role)? {
                        self.watch = Watch::Nobody;
                        return Poll::Ready(Ok(()));
                    }
                    pause.as_mut().reset(Instant::now() + LOOK);
                }
            }
        }
    }
}
