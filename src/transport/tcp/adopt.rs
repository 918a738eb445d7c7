//! Sockets that were made elsewhere.

use std::{
    io, net,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use tokio::net::{TcpListener, TcpStream};

use super::{Connection, Listener, Options};
use crate::{
    Endpoint, Error, HostPort, Result,
    handover::Inherited,
    runtime,
    sys::{self, Family, What},
    transport::accept::Backlog,
};

impl Options {
    /// Takes over a socket that is listened on already: one that this process
    /// [inherited](crate::handover::Sockets), or a descriptor from anywhere else.
    ///
    /// It becomes `O_NONBLOCK`, for all who share the open file. Whoever bound it has chosen the
    /// address and the length of its queue: [`exposed`](Self::exposed) and
    /// [`backlog`](Self::backlog) have no say here.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{net::TcpListener, os::fd::OwnedFd};
    /// use framewire::tcp;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let socket: OwnedFd = TcpListener::bind("127.0.0.1:0")?.into();
    /// let listener = tcp::Options::new().adopt_listener(socket)?;
    /// let client = tcp::connect(listener.local_addr().to_string()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): it is something else, and the message says what.
    /// And when there is no Tokio runtime here.
    ///
    /// # Platform
    ///
    /// Unix.
    pub fn adopt_listener(&self, socket: impl Into<Inherited>) -> Result<Listener> {
        let adopting = |inherited: Inherited| {
            inherited.expect(What::listener(Family::Internet))?;
            let Inherited { socket, opened, .. } = inherited;
            let listener = net::TcpListener::from(socket);
            let endpoint = Arc::new(Endpoint::Tcp(HostPort::from(listener.local_addr()?)));
            // Whoever shares the open file sees it too: systemd.socket(5) advises to expect it.
            sys::set_nonblocking(listener.as_fd())?;
            let listener = runtime::with_io(|| TcpListener::from_std(listener))?;
            Listener::new(listener, Backlog::after(opened), self.clone(), &endpoint)
        };
        adopting(socket.into()).map_err(|error: Error| error.doing("adopt a TCP listener"))
    }

    /// Takes over a socket that is connected already: what a service with `Accept=yes` is started
    /// with, systemd.socket(5), or a descriptor from anywhere else.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use framewire::tcp;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let _client = TcpStream::connect(listener.local_addr()?)?;
    /// let (socket, client) = listener.accept()?;
    /// let connection = tcp::Options::new().adopt(socket.into())?;
    /// assert_eq!(connection.peer().addr(), Some(client));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::ErrorKind::Malformed): it is something else, and the message says what.
    /// And when there is no Tokio runtime here.
    ///
    /// # Platform
    ///
    /// Unix.
    pub fn adopt(&self, socket: OwnedFd) -> Result<Connection> {
        let adopting = || {
            let inherited = Inherited::from(socket);
            inherited.expect(What::connection(Family::Internet))?;
            let stream = net::TcpStream::from(inherited.socket);
            let endpoint = Arc::new(Endpoint::Tcp(HostPort::from(stream.local_addr()?)));
            sys::set_nonblocking(stream.as_fd())?;
            let stream: io::Result<_> = runtime::with_io(|| TcpStream::from_std(stream));
            self.connection(stream?, &endpoint)
        };
        adopting().map_err(|error: Error| error.doing("adopt a TCP connection"))
    }
}
