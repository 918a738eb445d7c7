//! A next version that is on its way, and what becomes of it.

use std::{pin::pin, process::ExitStatus, sync::Arc, time::Duration};

use futures::future::{Either, select};
use tokio::{io::AsyncReadExt, process::Child};

use super::{
    Held,
    previous::{NOT_YOURS, READY, YOURS},
};
use crate::{Error, ErrorKind, Result, runtime, sys, wait::Io};

/// How long a process may take to end once it has closed its control socket, or was killed.
const END: Duration = Duration::from_secs(2);

/// Listeners that are being handed over; they stay where this is dropped.
#[derive(Debug, Default)]
pub(super) struct Going(Vec<Arc<Held>>);

impl Going {
    pub(super) fn add(&mut self, held: Arc<Held>) {
        self.0.push(held);
    }

    pub(super) fn listeners(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.0.iter()
    }

    /// Makes this process the owner of their names, or no longer.
    fn set_owner(&self, owner: bool) {
        for placed in self.0.iter().filter_map(|held| held.placed()) {
            placed.set_owner(owner);
        }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        for held in &self.0 {
            held.stay();
        }
    }
}

/// A next version that is not ready yet; killed where this is dropped.
#[derive(Debug)]
pub(super) struct Attempt {
    going: Going,
    /// `None` once it is the owner.
    process: Option<Child>,
    control: Io,
}

impl Attempt {
    pub(super) fn new(going: Going, process: Child, control: Io) -> Self {
        Self { going, process: Some(process), control }
    }

    /// Waits until it is ready and lets go, or sees to its end.
    pub(super) async fn finish(mut self, deadline: Duration) -> Result<Child> {
        let ready = runtime::timeout(deadline, self.is_ready())?.await;
        match ready {
            Ok(true) => {
                if let Some(process) = self.let_go() {
                    return Ok(process);
                }
            }
            Ok(false) => {}
            Err(_) => {
                self.kill().await;
                let cause = format!("it was not ready in {deadline:?}, and was killed");
                return Err(Error::new(ErrorKind::TimedOut, cause)
                    .remedy("does it call `Sockets::ready`? or raise `Handover::deadline`"));
            }
        }
        Err(self.told().await)
    }

    /// Whether it says so before it ends.
    async fn is_ready(&mut self) -> bool {
        let Some(process) = &mut self.process else { return false };
        // Who says so and ends at once is heard and found to have ended.
        let said = pin!(self.control.read_u8());
        match select(said, pin!(process.wait())).await {
            Either::Left((said, _)) => matches!(said, Ok(READY)),
            Either::Right(_) => false,
        }
    }

    /// From here on the names are its own: the process, unless it has ended.
    fn let_go(&mut self) -> Option<Child> {
        // Before the answer: it may remove them as soon as it has read that.
        self.going.set_owner(false);
        if self.answer(YOURS) {
            tracing::debug!("handed over");
            // These listeners are not to be handed over once more.
            self.going.0.clear();
            return self.process.take();
        }
        self.going.set_owner(true);
        None
    }

    /// How it ended, now that it has, or does as it has closed its control socket.
    async fn told(&mut self) -> Error {
        let ended = match &mut self.process {
            Some(process) => ended(process).await,
            None => None,
        };
        let cause = match ended {
            Some(status) => format!("it ended before it was ready: {status}"),
            None => {
                self.kill().await;
                "it let go of its control descriptor, or misused it, and was killed".into()
            }
        };
        Error::new(ErrorKind::Closed, cause).remedy("does it call `Sockets::ready`?")
    }

    async fn kill(&mut self) {
        self.refuse();
        if let Some(process) = &mut self.process {
            ended(process).await;
        }
    }

    /// Whoever has the other end and cannot be killed must not take our end for our death.
    fn refuse(&mut self) {
        self.answer(NOT_YOURS);
        if let Some(process) = &mut self.process {
            // It can have ended already.
            let _ = process.start_kill();
        }
    }

    /// Whether anybody is there to hear it.
    fn answer(&self, answer: u8) -> bool {
        self.control.fd().is_some_and(|fd| sys::send(fd, &[answer]).is_ok())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.refuse();
        }
    }
}

/// Waits for the end of a process, not for long.
async fn ended(process: &mut Child) -> Option<ExitStatus> {
    runtime::timeout(END, process.wait()).ok()?.await.ok()?.ok()
}
