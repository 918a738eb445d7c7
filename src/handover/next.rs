//! Handing over.

use std::{
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    time::Duration,
};

use command_fds::CommandFdExt;
use tokio::process::{Child, Command};

use super::{
    Handle, Held,
    attempt::{Attempt, Going},
    systemd,
    variable::{Given, Left, Named, VARIABLE, is_name},
};
use crate::{
    Error, ErrorKind, Result, runtime,
    sys::Entry,
    wait::{Io, Strategy},
};

/// Hands listeners over to the next version of this program: a builder, and at its end
/// [`spawn`](Self::spawn).
///
/// # Examples
///
/// See the [module](super).
#[derive(Debug)]
#[must_use = "nothing is handed over before `spawn`"]
pub struct Handover {
    command: Command,
    listeners: Vec<(String, Handle)>,
    deadline: Duration,
}

impl Handover {
    /// By this command: the program, its arguments, its environment. It must not go into the
    /// background by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::handover::Handover;
    /// use tokio::process::Command;
    ///
    /// let handover = Handover::new(Command::new("/usr/local/bin/daemon"));
    /// ```
    pub fn new(command: impl Into<Command>) -> Self {
        let deadline = Duration::from_secs(30);
        Self { command: command.into(), listeners: Vec::new(), deadline }
    }

    /// Hands this listener over under this name: at most 255 bytes of ASCII without control
    /// characters and colons.
    ///
    /// # Examples
    ///
    /// See the [module](super).
    pub fn listener(mut self, name: impl Into<String>, listener: &Handle) -> Self {
        self.listeners.push((name.into(), listener.clone()));
        self
    }

    /// How long the next version may take until it is ready: 30 s.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use framewire::handover::Handover;
    /// use tokio::process::Command;
    ///
    /// let handover = Handover::new(Command::new("daemon")).deadline(Duration::from_secs(5));
    /// ```
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Starts the next version, and waits until it is ready; from then on the names are its own.
    /// Then stop accepting: drop the listeners, or let the server's shutdown begin, and serve those
    /// who have connected.
    ///
    /// The command inherits the sockets, and for each that has a path the lock on it and the
    /// directory; `FRAMEWIRE_SOCKETS` in its environment says which is which. A program without this
    /// crate reads from it `CONTROL:INODE NAME=SOCKET…`, where the sockets are separated by blanks
    /// and a `+` ends the number; writes `R` to the control descriptor when it is ready; and accepts
    /// once it has read `Y`, or the end.
    ///
    /// # Examples
    ///
    /// One that comes to nothing:
    ///
    /// ```
    /// use framewire::{ErrorKind, handover::Handover, unix};
    /// use tokio::process::Command;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("e.sock");
    /// let listener = unix::listen(&*path).await?;
    /// let handover = Handover::new(Command::new("false")).listener("echo", &listener.handle());
    /// let error = handover.spawn().await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Closed);
    /// assert!(error.to_string().contains("exit status: 1"), "{error}");
    /// assert!(unix::connect(&*path).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// After each of them all is as it was before, and the next version is no more:
    /// [`Closed`](ErrorKind::Closed) where it ended, or closed its control descriptor;
    /// [`TimedOut`](ErrorKind::TimedOut) where it was not ready by the deadline;
    /// [`NotFound`](ErrorKind::NotFound) where there is no such program, or a listener was dropped;
    /// [`InUse`](ErrorKind::InUse) where a listener was handed over already;
    /// [`Address`](ErrorKind::Address) where a name is none. And what fork(2) and execve(2) answer,
    /// and when there is no Tokio runtime here, or one without its I/O driver or timers.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it kills the next version, and all is as it was before.
    pub async fn spawn(self) -> Result<Child> {
        // It needs timers: better to know before anything is started.
        runtime::sleep(self.deadline).map(drop).map_err(|error| doing(error.into()))?;
        let deadline = self.deadline;
        self.start()?.finish(deadline).await.map_err(doing)
    }

    fn start(self) -> Result<Attempt> {
        let Self { mut command, listeners, .. } = self;
        if let Some((name, _)) = listeners.iter().find(|(name, _)| !is_name(name)) {
            let cause = format!("{name:?} is no socket's name");
            return Err(doing(Error::new(ErrorKind::Address, cause))
                .remedy("use at most 255 bytes of ASCII without colons"));
        }
        let mut going = Going::default();
        for (_, handle) in &listeners {
            going.add(handle.begin().map_err(doing)?);
        }
        let names = listeners.into_iter().map(|(name, _)| name);
        let (ours, theirs) = UnixStream::pair()?;
        let control = Io::socket(ours.into())?.strategy(Strategy::Park);
        let (left, fds) = left(theirs.into(), names.zip(going.listeners()))?;
        // What systemd has said is meant for this process alone.
        for variable in systemd::VARIABLES {
            command.env_remove(variable);
        }
        command.env(VARIABLE, left.write()).preserved_fds(fds).kill_on_drop(false);
        let process = runtime::with_io(|| command.spawn()).map_err(|error| {
            let program = command.as_std().get_program().to_string_lossy().into_owned();
            Error::from(error).doing(format!("spawn {program}"))
        })?;
        // It holds our copies of the child's descriptors: the control socket would never end.
        drop(command);
        tracing::debug!(pid = process.id(), "started the next version");
        Ok(Attempt::new(going, process, control))
    }
}

fn doing(error: Error) -> Error {
    error.doing("hand over to the next version")
}

/// What is left to the next version, and the descriptors for it to inherit.
fn left<'a>(
    control: OwnedFd,
    listeners: impl Iterator<Item = (String, &'a Arc<Held>)>,
) -> Result<(Left, Vec<OwnedFd>)> {
    let inode = Entry::of(&control)?.identity.inode;
    let mut left = Left { control: control.as_raw_fd(), inode, sockets: Vec::new() };
    let mut fds = vec![control];
    let mut leave = |fd: OwnedFd| {
        let number = fd.as_raw_fd();
        fds.push(fd);
        number
    };
    for (name, held) in listeners {
        // Copies, with numbers above 2.
        let socket: io::Result<_> = held.as_fd().try_clone_to_owned();
        let socket = leave(socket?);
        let path = match held.placed() {
            None => None,
            Some(placed) => {
                let estate = placed.estate()?;
                let (lock, directory) = (leave(estate.lock), leave(estate.directory));
                Some(Named { lock, directory, identity: estate.identity, path: estate.path })
            }
        };
        left.sockets.push((name, Given { socket, path }));
    }
    Ok((left, fds))
}
