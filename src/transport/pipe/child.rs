//! A process that was started with a pipe in each direction.

use std::process::ExitStatus;

use tokio::process;

use super::Connection;
use crate::{Error, Result};

/// A command that runs, and the connection to it.
///
/// The end of the messages and the end of the process are two things: the one is told by
/// [`connection`](Self::connection), the other by [`wait`](Self::wait). Dropping this closes the
/// pipes, which a command in order takes for its end; `Command::kill_on_drop` kills it as well.
///
/// # Examples
///
/// See [`spawn`](super::spawn).
#[derive(Debug)]
pub struct Child {
    /// Messages to and from the process.
    pub connection: Connection,
    /// The process, for what is beyond this type.
    pub process: process::Child,
}

impl Child {
    /// Its process id, until it was waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::pipe;
    /// use tokio::process::Command;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let child = pipe::Options::new().stdio(true).spawn(Command::new("cat"))?;
    /// assert!(child.id().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits for the process to end by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::pipe;
    /// use tokio::process::Command;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let mut child = pipe::spawn(Command::new("true"))?;
    /// assert!(child.wait().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What waitpid(2) answers.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        self.process.wait().await.map_err(|error| Error::from(error).doing("wait for a child"))
    }

    /// Kills the process and waits for its end.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::pipe;
    /// use tokio::process::Command;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let mut child = pipe::Options::new().stdio(true).spawn(Command::new("cat"))?;
    /// assert!(!child.kill().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What kill(2) and waitpid(2) answer.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: the signal is sent before anything is waited for.
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        // It can have ended, and been waited for, already.
        match self.process.start_kill() {
            Err(error) if error.kind() != std::io::ErrorKind::InvalidInput => {
                Err(Error::from(error).doing("kill a child"))
            }
            _ => self.wait().await,
        }
    }

    /// Ends our direction, drops what the process still sends for up to a second, and waits for
    /// the process to end.
    ///
    /// # Examples
    ///
    /// See [`spawn`](super::spawn).
    ///
    /// # Errors
    ///
    /// As sending and [`wait`](Self::wait); a process that is gone already is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it closes the pipes at once.
    pub async fn finish(self) -> Result<ExitStatus> {
        let Self { connection, mut process } = self;
        match connection.finish().await {
            Err(error) if error.kind() != crate::ErrorKind::Closed => return Err(error),
            _ => {}
        }
        process.wait().await.map_err(|error| Error::from(error).doing("wait for a child"))
    }
}
