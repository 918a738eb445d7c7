//! Tokio's pipes to a child, each in its half of `LengthDelimitedCodec`.

use std::os::fd::OwnedFd;
use std::process::Command;

use command_fds::{CommandFdExt, FdMapping};
use futures::stream;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::halves::Halves;
use crate::load;
use crate::process::{Reaped, Server};
use crate::side::announce;
use crate::trial::{Fault, Outcome, Trial};

/// The descriptors on which a child finds its two pipes.
const READ: i32 = 3;
const WRITE: i32 = 4;

/// A pipe each way as one link.
type Link = Halves<
    FramedRead<pipe::Receiver, LengthDelimitedCodec>,
    FramedWrite<pipe::Sender, LengthDelimitedCodec>,
>;

pub(super) fn framed(receiver: pipe::Receiver, sender: pipe::Sender) -> Link {
    Halves::new(
        FramedRead::new(receiver, LengthDelimitedCodec::new()),
        FramedWrite::new(sender, LengthDelimitedCodec::new()),
    )
}

pub(super) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let open = pipe::OpenOptions::new();
    let receiver = open.open_receiver(format!("/proc/self/fd/{READ}"))?;
    let sender = open.open_sender(format!("/proc/self/fd/{WRITE}"))?;
    announce("")?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(framed(receiver, sender))])).await
}

/// A spawned child with the driver's ends of its pipes.
#[derive(Debug)]
pub(crate) struct Pipes {
    child: Reaped,
    link: Link,
}

impl Pipes {
    /// Starts the child with one pipe each way.
    pub(crate) fn spawn(mut command: Command) -> Result<Self, Fault> {
        let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
        let (theirs, ours): (OwnedFd, OwnedFd) = pipe_with(flags)?;
        let (back, answers): (OwnedFd, OwnedFd) = pipe_with(flags)?;
        command.fd_mappings(vec![
            FdMapping { parent_fd: theirs, child_fd: READ },
            FdMapping { parent_fd: answers, child_fd: WRITE },
        ])?;
        let child = Reaped(command.spawn()?);
        let link = framed(pipe::Receiver::from_owned_fd(back)?, pipe::Sender::from_owned_fd(ours)?);
        Ok(Self { child, link })
    }

    /// Drives the child over its pipes.
    pub(crate) async fn drive(self, trial: &Trial) -> Result<(Outcome, Server), Fault> {
        Ok((load::drive(trial, vec![self.link]).await?, Server::Std(self.child)))
    }
}
