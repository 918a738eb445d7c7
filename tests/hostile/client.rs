//! Who comes to a server: the honest, who want an answer, and the others, who write what they like.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};

use bytes::Bytes;
use framewire::{BoxDuplex, Endpoint, SocketName};
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::server::Server;
use crate::support::HANG;

/// One that sends whole frames and wants them back.
pub(super) struct Honest(BoxDuplex);

impl Honest {
    pub(super) async fn connect(server: &Server) -> Self {
        let connecting = timeout(HANG, server.endpoint().connect()).await;
        Self(connecting.expect("it connects").unwrap())
    }

    /// Calls, and has its answer.
    pub(super) async fn calls(&mut self, message: &str) {
        assert!(self.try_call(message).await, "the server closed an honest connection");
    }

    /// Calls; `false` where the server has closed.
    pub(super) async fn try_call(&mut self, message: &str) -> bool {
        // Small and large, so that an answer can come in pieces.
        for message in [Bytes::from(message.to_owned()), Bytes::from(message.repeat(20_000))] {
            if self.0.send(message.clone()).await.is_err() {
                return false;
            }
            match timeout(HANG, self.0.next()).await.expect("an answer") {
                Some(Ok(answer)) => assert!(answer == message, "not what was sent"),
                _ => return false,
            }
        }
        true
    }

    /// Sends a message, and is content.
    pub(super) async fn sends(&mut self, message: &'static str) {
        self.0.send(message.into()).await.unwrap();
    }

    /// What comes within so long.
    pub(super) async fn hears(&mut self, within: Duration) -> Option<Bytes> {
        let heard = timeout(within, self.0.next()).await.ok()?;
        Some(heard.expect("it is not closed").unwrap())
    }
}

/// One that writes bytes.
pub(super) enum Raw {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Raw {
    pub(super) fn connect(server: &Server) -> Self {
        match server.endpoint() {
            Endpoint::Unix(SocketName::Path(path)) => {
                let socket = UnixStream::connect(path).unwrap();
                socket.set_read_timeout(Some(HANG)).unwrap();
                Self::Unix(socket)
            }
            Endpoint::Tcp(address) => {
                let socket = TcpStream::connect(address.to_string()).unwrap();
                socket.set_read_timeout(Some(HANG)).unwrap();
                Self::Tcp(socket)
            }
            other => panic!("no raw client of {other}"),
        }
    }

    pub(super) fn writes(&mut self, bytes: &[u8]) -> &mut Self {
        match self {
            Self::Unix(socket) => socket.write_all(bytes).unwrap(),
            Self::Tcp(socket) => socket.write_all(bytes).unwrap(),
        }
        self
    }

    /// Ends its direction, as one does that dies in the middle of what it was writing.
    pub(super) fn ends(&mut self) -> &mut Self {
        match self {
            Self::Unix(socket) => socket.shutdown(Shutdown::Write).unwrap(),
            Self::Tcp(socket) => socket.shutdown(Shutdown::Write).unwrap(),
        }
        self
    }

    /// Closes so that the server is told of a reset: by leaving unread what it has sent.
    pub(super) fn resets(mut self) {
        self.writes(&[0, 0, 0, 1, b'x']);
        let mut first = [0];
        // The rest of the answer stays where it is.
        assert_eq!(self.read(&mut first).unwrap(), 1);
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.read(into),
            Self::Tcp(socket) => socket.read(into),
        }
    }

    pub(super) fn read_exact(&mut self, into: &mut [u8]) {
        match self {
            Self::Unix(socket) => socket.read_exact(into).unwrap(),
            Self::Tcp(socket) => socket.read_exact(into).unwrap(),
        }
    }

    /// Whether the server has closed: waits for it.
    pub(super) fn is_closed(&mut self) -> bool {
        let mut rest = [0; 4096];
        loop {
            match self.read(&mut rest) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }
}
