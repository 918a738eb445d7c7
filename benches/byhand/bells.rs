//! What parking costs at the least: a word of shared memory each way, and an eventfd in `AsyncFd`
//! that is written for every message and never read.
//!
//! Readiness is told at the edge, which every write makes anew, so that reading the count would be
//! a call for nothing.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use command_fds::{CommandFdExt, FdMapping};
use futures::stream;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::write;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::descriptor::{inherited, registered};
use crate::link::Link;
use crate::page::{self, Page};
use crate::process::{Reaped, Server};
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};
use crate::{load, side};

/// The descriptors on which the child finds the memory, the eventfd that wakes it, and the one that
/// wakes its parent.
const MEMORY: i32 = 3;
const THERE: i32 = 4;
const BACK: i32 = 5;
/// A word of no message: nothing was sent, and nothing will be.
const NONE: u64 = u64::MAX;
const OVER: u64 = u64::MAX - 1;

/// One side of the pair.
#[derive(Debug)]
struct Bell {
    page: Page,
    /// Which word is written, and which is read.
    lines: [usize; 2],
    hears: AsyncFd<OwnedFd>,
    rings: OwnedFd,
    last: u64,
}

impl Bell {
    fn new(page: Page, lines: [usize; 2], hears: OwnedFd, rings: OwnedFd) -> Result<Self, Fault> {
        let hears = registered(hears, Interest::READABLE)?;
        Ok(Self { page, lines, hears, rings, last: NONE })
    }

    /// Waits for a word other than the last one.
    #[inline]
    async fn word(&mut self) -> Result<u64, Fault> {
        loop {
            // Acquire pairs with the Release store in `say`.
            let word = self.page.line(self.lines[1]).load(Ordering::Acquire);
            if word != self.last {
                self.last = word;
                return Ok(word);
            }
            self.hears.readable().await?.clear_ready();
        }
    }

    #[inline]
    fn say(&mut self, word: u64) -> Result<(), Fault> {
        // Release pairs with the Acquire load in `word`.
        self.page.line(self.lines[0]).store(word, Ordering::Release);
        write(&self.rings, &1_u64.to_ne_bytes())?;
        Ok(())
    }
}

/// Messages are eight bytes long, of which the word is what there is.
impl Link for Bell {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        let word = self.word().await?;
        Ok((word != OVER).then(|| see(&word.to_le_bytes())))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let word = self.word().await?;
        if word == OVER {
            return Ok(false);
        }
        see(&word.to_le_bytes())?;
        self.say(word)?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        let word = message.as_ref().try_into().map_err(|_| "a word is eight bytes")?;
        self.say(u64::from_le_bytes(word))
    }

    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        self.send(message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        self.say(OVER)
    }
}

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let page = Page::map(inherited(MEMORY)?)?;
    let bell = Bell::new(page, [1, 0], inherited(THERE)?, inherited(BACK)?)?;
    announce("")?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(bell)])).await
}

/// A spawned child with the driver's side.
#[derive(Debug)]
pub(crate) struct Bells {
    child: Reaped,
    bell: Bell,
}

impl Bells {
    /// Starts the child with the memory and both eventfds.
    pub(crate) fn spawn(mut command: Command) -> Result<Self, Fault> {
        let memory = page::memory()?;
        let page = Page::map(&memory)?;
        page.line(0).store(NONE, Ordering::Relaxed);
        page.line(1).store(NONE, Ordering::Relaxed);
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let (there, back) = (eventfd(0, flags)?, eventfd(0, flags)?);
        command.fd_mappings(vec![
            FdMapping { parent_fd: memory, child_fd: MEMORY },
            FdMapping { parent_fd: there.as_fd().try_clone_to_owned()?, child_fd: THERE },
            FdMapping { parent_fd: back.as_fd().try_clone_to_owned()?, child_fd: BACK },
        ])?;
        let child = side::spawn(command)?;
        Ok(Self { child, bell: Bell::new(page, [0, 1], back, there)? })
    }

    /// Drives the child.
    pub(crate) async fn drive(self, trial: &Trial) -> Result<(Outcome, Server), Fault> {
        Ok((load::drive(trial, vec![self.bell]).await?, Server::Std(self.child)))
    }
}
