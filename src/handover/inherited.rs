//! One socket from outside.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use tokio_util::sync::CancellationToken;

use crate::{Error, ErrorKind, Result, names::Placed, sys::What};

/// A socket from outside, for [`unix::Options::adopt_listener`](crate::unix::Options::adopt_listener)
/// and its like.
///
/// Any `OwnedFd` can be made one. One that the previous version of this program has handed over
/// brings its name with it: who drops it once [`Sockets::ready`](super::Sockets::ready) has been
/// called removes that name, and before that leaves it to the previous version.
///
/// # Examples
///
/// ```
/// use std::os::{fd::OwnedFd, unix::net::UnixListener};
/// use framewire::{handover::Inherited, unix};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("e.sock");
/// let socket = Inherited::from(OwnedFd::from(UnixListener::bind(path)?));
/// let listener = unix::Options::new().adopt_listener(socket)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Inherited {
    /// Its name, removed before the socket is closed.
    pub(crate) placed: Option<Placed>,
    pub(crate) socket: OwnedFd,
    /// Cancelled when the previous version has let go of it; `None` where there is none.
    pub(crate) opened: Option<CancellationToken>,
}

impl Inherited {
    /// The socket alone, for what this crate has no listener for, and the name that goes when that
    /// is dropped.
    ///
    /// Accept from it only when [`Sockets::ready`](super::Sockets::ready) has returned: the
    /// previous version may go on.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::handover::Sockets;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let mut sockets = Sockets::inherited()?;
    /// let web = sockets.take("web").map(|socket| socket.into_parts());
    /// sockets.ready().await?;
    /// if let Some((socket, _name)) = web {
    ///     let listener = std::net::TcpListener::from(socket);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_parts(self) -> (OwnedFd, Option<Placed>) {
        (self.socket, self.placed)
    }

    /// Refuses what is not this.
    pub(crate) fn expect(&self, wanted: What) -> Result<()> {
        let found = What::is(self.socket.as_fd())?;
        if found == wanted {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Malformed, format!("it is {found}, not {wanted}"))
            .remedy("is it the right name, or the right module?"))
    }
}

impl From<OwnedFd> for Inherited {
    fn from(socket: OwnedFd) -> Self {
        Self { placed: None, socket, opened: None }
    }
}

impl AsFd for Inherited {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
