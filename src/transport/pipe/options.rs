//! What can be chosen about pipes.

use std::{
    os::fd::{AsRawFd, OwnedFd},
    process::Stdio,
};

use command_fds::CommandFdExt;
use tokio::process::Command;

use super::{
    Child, Connection, Reader, Receiver, Sender, Writer,
    ends::io,
    inherited::{VARIABLE, take_inherited},
};
use crate::{
    Error, Result,
    frame::{Frames, MAX_LEN},
    runtime, sys,
    wait::Strategy,
};

/// Options of pairs, children and what a child inherits.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (sender, receiver) = framewire::pipe::Options::new().max_len(64 << 20).pair()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    max_len: usize,
    strategy: Strategy,
    stdio: bool,
}

impl Options {
    /// The defaults, each named at the method that changes it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self { max_len: MAX_LEN, strategy: Strategy::default(), stdio: false }
    }

    /// The largest message that is sent and accepted, in bytes: 8 MiB.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// How both ends wait: [`Strategy::Adaptive`].
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::{pipe, wait::Strategy};
    ///
    /// let options = pipe::Options::new().strategy(Strategy::Park);
    /// ```
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Whether a command that is spawned is talked with over its standard input and output
    /// instead of two more descriptors: no.
    ///
    /// # Examples
    ///
    /// See [`spawn`](super::spawn).
    pub fn stdio(mut self, stdio: bool) -> Self {
        self.stdio = stdio;
        self
    }

    /// Both ends of a pipe.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    ///
    /// # Errors
    ///
    /// What pipe(2) answers, and when there is no Tokio runtime here.
    pub fn pair(&self) -> Result<(Sender, Receiver)> {
        let (read_end, write_end) = sys::pipe()?;
        let writer = Writer::new(io(write_end)?.strategy(self.strategy));
        let reader = Reader::new(io(read_end)?.strategy(self.strategy));
        Ok((Frames::new(writer).max_len(self.max_len), Frames::new(reader).max_len(self.max_len)))
    }

    /// Starts a command with a pipe in each direction.
    ///
    /// The child gets blocking descriptors. Without [`stdio`](Self::stdio), their numbers are in
    /// its environment as `FRAMEWIRE_PIPE=READ,WRITE`: [`inherited`](super::inherited) reads that,
    /// and so can a program in any language. All other ends are close-on-exec and our copies of
    /// the child's are closed, so that the stream ends when the child does, whoever else it
    /// started.
    ///
    /// # Examples
    ///
    /// See [`spawn`](super::spawn).
    ///
    /// # Errors
    ///
    /// What pipe(2), fork(2) and execve(2) answer: [`NotFound`](crate::ErrorKind::NotFound) where there
    /// is no such program. And when there is no Tokio runtime here, or one without its I/O driver.
    pub fn spawn(&self, command: impl Into<Command>) -> Result<Child> {
        let mut command = command.into();
        let (child_reads, our_write) = sys::pipe()?;
        let (our_read, child_writes) = sys::pipe()?;
        let connection = self.connection(our_read, our_write)?;
        if self.stdio {
            command.stdin(Stdio::from(child_reads)).stdout(Stdio::from(child_writes));
        } else {
            let numbers = format!("{},{}", child_reads.as_raw_fd(), child_writes.as_raw_fd());
            command.env(VARIABLE, numbers).preserved_fds(vec![child_reads, child_writes]);
        }
        let process = runtime::with_io(|| command.spawn()).map_err(|error| {
            let program = command.as_std().get_program().to_string_lossy().into_owned();
            Error::from(error).doing(format!("spawn {program}"))
        })?;
        // The command holds our copies of the child's ends: the stream would never end.
        drop(command);
        tracing::debug!(pid = process.id(), "spawned");
        Ok(Child { connection, process })
    }

    /// In a child that [`spawn`](Self::spawn) started: the connection to the parent.
    ///
    /// # Examples
    ///
    /// See [`inherited`](super::inherited).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound): nobody has left a pipe here, or it was taken already.
    /// [`Malformed`](crate::ErrorKind::Malformed): the variable does not name two pipe ends.
    pub fn inherited(&self) -> Result<Connection> {
        let (read_end, write_end) = take_inherited()?;
        self.connection(read_end, write_end)
    }

    /// Our own standard input and output as a connection.
    ///
    /// They are taken over: afterwards descriptor 0 is `/dev/null` and 1 is what 2 is, so that a
    /// stray `println!` goes to standard error and not between the frames.
    ///
    /// # Examples
    ///
    /// A program that echoes what its parent sends:
    ///
    /// ```no_run
    /// use framewire::pipe;
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (sink, stream) = pipe::Options::new().take_stdio()?.split();
    /// stream.forward(sink).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported): one of the two is neither a pipe nor a socket.
    ///
    /// # Platform
    ///
    /// On Linux the pipes are opened anew, and whoever shares them never sees them non-blocking;
    /// elsewhere they become non-blocking for all who share them.
    pub fn take_stdio(&self) -> Result<Connection> {
        let taken = sys::take_stdio().map_err(Error::from);
        let (read_end, write_end) = taken.map_err(|error| {
            error.doing("take standard input and output").remedy("start it with two pipes")
        })?;
        self.connection(read_end, write_end)
    }

    fn connection(&self, read_end: OwnedFd, write_end: OwnedFd) -> Result<Connection> {
        let reader = Reader::new(io(read_end)?.strategy(self.strategy));
        let writer = Writer::new(io(write_end)?.strategy(self.strategy));
        Ok(Frames::new(tokio::io::join(reader, writer)).max_len(self.max_len))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
