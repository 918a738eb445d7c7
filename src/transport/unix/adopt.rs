//! Sockets that were made elsewhere.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use super::{Connection, Listener, Options};
use crate::{
    Endpoint, Error, Result,
    handover::Inherited,
    sys::{self, Family, What},
};

impl Options {
    /// Takes over a socket that is listened on already: one that this process
    /// [inherited](crate::handover::Sockets), or a descriptor from anywhere else.
    ///
    /// It becomes `O_NONBLOCK`, for all who share the open file. From when the listener is first
    /// polled, those who connect see this process as their peer, and [`backlog`](Self::backlog)
    /// holds. Its name is not removed when the listener is dropped, unless the previous version of
    /// this program handed that over too; [`mode`](Self::mode) has no say here.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::fd::OwnedFd;
    /// use framewire::unix;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("e.sock");
    /// let socket: OwnedFd = std::os::unix::net::UnixListener::bind(&path)?.into();
    /// let listener = unix::Options::new().adopt_listener(socket)?;
    /// assert_eq!(listener.endpoint().to_string(), format!("unix://{}", path.display()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): it is something else, and the message says what.
    /// And when there is no Tokio runtime here.
    pub fn adopt_listener(&self, socket: impl Into<Inherited>) -> Result<Listener> {
        Listener::adopt(self, socket.into()).map_err(|error| error.doing("adopt a Unix listener"))
    }

    /// Takes over a socket that is connected already: what a service with `Accept=yes` is started
    /// with, systemd.socket(5), or a descriptor from anywhere else.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use framewire::unix;
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let (ours, theirs) = UnixStream::pair()?;
    /// let mut ours = unix::Options::new().adopt(ours.into())?;
    /// let mut theirs = unix::Options::new().adopt(theirs.into())?;
    /// ours.send("hello".into()).await?;
    /// assert_eq!(theirs.next().await.expect("ours is open")?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): it is something else, and the message says what.
    /// [`Denied`](crate::ErrorKind::Denied): the peer is not on our list. And when there is no Tokio
    /// runtime here.
    pub fn adopt(&self, socket: OwnedFd) -> Result<Connection> {
        let adopting = || {
            let inherited = Inherited::from(socket);
            inherited.expect(What::connection(Family::Unix))?;
            let name = sys::socket_name(inherited.socket.as_fd())?;
            let (socket, peer) = self.look(inherited.socket)?;
            let Some(name) = name else {
                self.allow.as_ref().map_or(Ok(()), |allow| allow.check(&peer))?;
                return self.frames(socket, peer);
            };
            let endpoint = Arc::new(Endpoint::Unix(name));
            self.check(&peer, &endpoint)?;
            Ok(self.frames(socket, peer)?.on(endpoint))
        };
        adopting().map_err(|error: Error| error.doing("adopt a Unix connection"))
    }
}
