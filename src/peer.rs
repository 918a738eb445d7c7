//! Who is at the other end.

use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
#[cfg(any(unix, feature = "tls"))]
use std::sync::Arc;

#[cfg(feature = "tls")]
use crate::tls::Certificate;

/// Who is at the other end of a connection, as the kernel tells it.
///
/// Over Unix sockets these are the credentials of whoever called connect(2), at that moment: they
/// survive an `exec` or a change of user, and the process may have ended since. A pid can have been
/// taken by another process by now; [`pidfd`](Self::pidfd) cannot.
///
/// # Examples
///
/// ```
/// use framewire::{Peer, unix};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let (ours, _theirs) = unix::pair()?;
/// let peer: &Peer = ours.peer();
/// assert!(peer.uid().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Peer {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) pid: Option<u32>,
    #[cfg(unix)]
    pub(crate) pidfd: Option<Arc<OwnedFd>>,
    pub(crate) addr: Option<SocketAddr>,
    #[cfg(feature = "tls")]
    pub(crate) certificates: Arc<[Certificate]>,
}

impl Peer {
    /// Its effective user id.
    ///
    /// # Examples
    ///
    /// See [`Peer`].
    ///
    /// # Platform
    ///
    /// Unix sockets, everywhere.
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Its effective group id.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// assert!(ours.peer().gid().is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Platform
    ///
    /// Unix sockets, everywhere.
    pub fn gid(&self) -> Option<u32> {
        self.gid
    }

    /// Its process id, for people to read: another process may have it by now.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(ours.peer().pid(), Some(std::process::id()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Platform
    ///
    /// Unix sockets: Linux and Android, macOS, FreeBSD from 13. `None` too for a peer in a process
    /// namespace that is not below ours.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// A descriptor of its process: it becomes readable when the process ends, and never comes to
    /// mean another.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, _theirs) = framewire::unix::pair()?;
    /// if let Some(process) = ours.peer().pidfd() {
    ///     println!("watching {process:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Platform
    ///
    /// Linux from 6.5 (`SO_PEERPIDFD`, unix(7)), where
    /// [`unix::Options::pidfd`](crate::unix::Options::pidfd) asks for it; `None` elsewhere, and for
    /// a process that had ended when the connection was made.
    #[cfg(unix)]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_deref().map(AsFd::as_fd)
    }

    /// Its network address.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::tcp;
    /// use futures::StreamExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let listener = tcp::listen("127.0.0.1:0").await?;
    /// let ours = tcp::connect(listener.local_addr().to_string()).await?;
    /// assert_eq!(ours.peer().addr(), Some(listener.local_addr()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The certificates that it showed over TLS, its own first, then those that vouch for it: they
    /// have been verified. Empty for a client that showed none.
    ///
    /// # Examples
    ///
    /// See [`tls::Options::require_client`](crate::tls::Options::require_client).
    #[cfg(feature = "tls")]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
}
