//! Anonymous pipes: to another task, or to a child process.
//!
//! * [`pair`] makes a [`Sender`] and a [`Receiver`];
//! * [`spawn`] starts a command and talks with it, over two descriptors that it inherits
//!   ([`inherited`] in the child), or over its standard input and output
//!   ([`Options::stdio`]; [`stdio`] in a child that is written with this crate).
//!
//! | | |
//! |---|---|
//! | framing | [four bytes of length](crate::frame) in front of each message |
//! | largest message | 8 MiB, or [`Options::max_len`] |
//! | sent means | in the pipe: it outlives the sender, not the receiver |
//! | capacity | what the system gives (64 KiB on Linux), grown to 256 KiB when it first fills up |
//! | who has an end | whoever was given it: all ends are close-on-exec |
//! | platform | Unix |
//!
//! See pipe(7).
//!
//! # Examples
//!
//! ```
//! use framewire::pipe;
//! use futures::{SinkExt, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> framewire::Result<()> {
//! let (mut sender, mut receiver) = pipe::pair()?;
//! sender.send("hello".into()).await?;
//! sender.close().await?;
//! assert_eq!(receiver.next().await.expect("it was sent")?, "hello");
//! assert!(receiver.next().await.is_none());
//! # Ok(())
//! # }
//! ```

mod child;
mod ends;
mod inherited;
mod options;

pub use child::Child;
pub use ends::{Reader, Writer};
pub use options::Options;

use tokio::{io::Join, process::Command};

use crate::{Result, frame::Frames};

/// The end that messages go into.
///
/// # Examples
///
/// See the [module](self).
pub type Sender = Frames<Writer>;

/// The end that messages come out of.
///
/// # Examples
///
/// See the [module](self).
pub type Receiver = Frames<Reader>;

/// Two pipes, one in each direction, with the same process at their other ends.
///
/// # Examples
///
/// See [`spawn`].
pub type Connection = Frames<Join<Reader, Writer>>;

/// Both ends of a pipe, with the default [`Options`].
///
/// # Examples
///
/// See the [module](self).
///
/// # Errors
///
/// As [`Options::pair`].
pub fn pair() -> Result<(Sender, Receiver)> {
    Options::new().pair()
}

/// Starts a command that inherits a pipe in each direction, with the default [`Options`].
///
/// # Examples
///
/// ```
/// use framewire::pipe;
/// use futures::{SinkExt, StreamExt};
/// use tokio::process::Command;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// // Frames go to `cat` and come back as they are.
/// let mut cat = pipe::Options::new().stdio(true).spawn(Command::new("cat"))?;
/// cat.connection.send("hello".into()).await?;
/// assert_eq!(cat.connection.next().await.expect("cat lives")?, "hello");
/// assert!(cat.finish().await?.success());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Options::spawn`].
pub fn spawn(command: impl Into<Command>) -> Result<Child> {
    Options::new().spawn(command)
}

/// In a child that [`spawn`] started: the connection to the parent, with the default [`Options`].
///
/// # Examples
///
/// ```
/// use framewire::{ErrorKind, pipe};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // This process was started by somebody else.
/// assert_eq!(pipe::inherited().unwrap_err().kind(), ErrorKind::NotFound);
/// # }
/// ```
///
/// # Errors
///
/// As [`Options::inherited`].
pub fn inherited() -> Result<Connection> {
    Options::new().inherited()
}

/// Our own standard input and output as a connection, with the default [`Options`].
///
/// # Examples
///
/// See [`Options::take_stdio`].
///
/// # Errors
///
/// As [`Options::take_stdio`].
pub fn stdio() -> Result<Connection> {
    Options::new().take_stdio()
}
