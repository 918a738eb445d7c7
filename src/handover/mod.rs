//! Sockets from outside: what this process was started with, by name; and listeners that go on
//! from one version of a daemon to the next without a refused connection.
//!
//! [`Sockets::inherited`] takes over the sockets that a process was started with, by systemd
//! (sd_listen_fds(3), systemd.socket(5)) or by its previous version. Each has a name:
//! [`Sockets::listener`] makes a [`BoxListener`](crate::BoxListener) of one, [`Sockets::connection`]
//! a connection, and [`Sockets::take`] gives it out for [`unix`](crate::unix) or
//! [`tcp`](crate::tcp) options of your own.
//!
//! [`Handover`] starts the next version of a running daemon with the same listening sockets and the
//! names that belong to them. Both accept from one queue while it goes on:
//!
//! | this version | the next version |
//! |---|---|
//! | [`Handover::spawn`] starts the command | |
//! | accepts | takes the sockets over and gets ready; its listeners accept nobody yet |
//! | | [`Sockets::ready`] says so |
//! | lets go: the names are the next version's | |
//! | accepts until its listeners are dropped, then serves those whom it has accepted | accepts |
//!
//! Where the next version ends, or is not ready by the [deadline](Handover::deadline), it is killed
//! and this one goes on as if nothing had happened. Where this version is killed in between, the
//! next one has everything. Not for a moment is a name free: the lock on a socket's path
//! ([`names`](crate::names)) goes along with the socket.
//!
//! # Examples
//!
//! A daemon that can be started by hand, by systemd, or by its previous version, and starts the
//! next one when it is told to; `examples/upgrade.rs` is one that does so under load.
//!
//! ```no_run
//! use std::time::Duration;
//! use framewire::{Accepted, Result, handover::{Handover, Sockets}, serve::Server, unix};
//! use futures::StreamExt;
//! use tokio::{process::Command, signal::unix::{SignalKind, signal}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! // Before the program's file is replaced: afterwards its path has another name.
//! let program = std::env::current_exe()?;
//! let mut sockets = Sockets::inherited()?;
//! let listener = match sockets.take("echo") {
//!     Some(socket) => unix::Options::new().adopt_listener(socket)?,
//!     None => unix::listen("/run/app/echo.sock").await?,
//! };
//! let handle = listener.handle();
//! let mut upgrade = signal(SignalKind::user_defined2())?;
//! sockets.ready().await?;
//!
//! let upgraded = async {
//!     while upgrade.recv().await.is_some() {
//!         match Handover::new(Command::new(&program)).listener("echo", &handle).spawn().await {
//!             Ok(_) => break,
//!             Err(error) => eprintln!("still this version: {error}"),
//!         }
//!     }
//! };
//! // Who has connected is served to the end: a handler that looks at its `closing` would end early.
//! let echo = |client: unix::Connection, _| async {
//!     let (sink, stream) = client.split();
//!     stream.forward(sink).await
//! };
//! Server::new(listener).drain(Duration::from_secs(60)).run(echo, upgraded).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Platform
//!
//! Unix. Under systemd a service whose main process is to change tells so: `NotifyAccess=all` and
//! `MAINPID=`, sd_notify(3); the sockets themselves stay open in systemd whatever happens here.

mod attempt;
mod handle;
mod inherited;
mod next;
mod previous;
mod sockets;
mod systemd;
mod variable;

pub use handle::Handle;
pub(crate) use handle::Held;
pub use inherited::Inherited;
pub use next::Handover;
pub use sockets::Sockets;
