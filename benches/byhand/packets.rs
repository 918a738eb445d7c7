//! For sockets whose every message is a call: recv(2) into a buffer, and send(2), in `AsyncFd`.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

use bytes::Bytes;
use futures::stream;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType,
    accept_with, bind, connect, listen, recv, recvfrom, send, shutdown, socket_with,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::descriptor::registered;
use crate::link::Link;
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Kind, Mechanism, Outcome, Trial};

/// A connected socket, or one that is only sent to.
#[derive(Debug)]
struct Packets {
    fd: AsyncFd<OwnedFd>,
    /// Room for a message and a byte, by which one that is too long shows.
    buffer: Box<[u8]>,
    mechanism: Mechanism,
}

impl Packets {
    fn new(fd: OwnedFd, interest: Interest, trial: &Trial) -> Result<Self, Fault> {
        let fd = registered(fd, interest)?;
        let buffer = vec![0; trial.bytes + 1].into_boxed_slice();
        Ok(Self { fd, buffer, mechanism: trial.mechanism })
    }

    /// The server's end: a socket that is only received from is not woken for sending.
    fn serving(fd: OwnedFd, trial: &Trial) -> Result<Self, Fault> {
        Self::new(fd, if answers(trial) { BOTH } else { Interest::READABLE }, trial)
    }

    /// The driver's end, likewise.
    fn driving(fd: OwnedFd, trial: &Trial) -> Result<Self, Fault> {
        Self::new(fd, if answers(trial) { BOTH } else { Interest::WRITABLE }, trial)
    }

    #[inline]
    async fn recv(&mut self) -> Result<usize, Fault> {
        let Self { fd, buffer, .. } = self;
        let received = fd.async_io(Interest::READABLE, |fd| {
            Ok(recv(fd, &mut buffer[..], RecvFlags::empty())?.1)
        });
        Ok(received.await?)
    }
}

const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// Whether messages go both ways.
fn answers(trial: &Trial) -> bool {
    matches!(trial.kind, Kind::RoundTrip | Kind::Hold)
}

#[inline]
async fn send_all(fd: &AsyncFd<OwnedFd>, message: &[u8]) -> Result<(), Fault> {
    let sent = fd.async_io(Interest::WRITABLE, |fd| Ok(send(fd, message, SendFlags::empty())?));
    sent.await?;
    Ok(())
}

impl Link for Packets {
    #[inline]
    async fn receive<R: Send>(
        &mut self,
        see: impl FnOnce(&[u8]) -> R + Send,
    ) -> Result<Option<R>, Fault> {
        let len = self.recv().await?;
        Ok((len > 0).then(|| see(&self.buffer[..len])))
    }

    #[inline]
    async fn echo(
        &mut self,
        see: impl FnOnce(&[u8]) -> Result<(), Fault> + Send,
    ) -> Result<bool, Fault> {
        let len = self.recv().await?;
        if len == 0 {
            return Ok(false);
        }
        see(&self.buffer[..len])?;
        send_all(&self.fd, &self.buffer[..len]).await?;
        Ok(true)
    }

    #[inline]
    async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        send_all(&self.fd, &message).await
    }

    #[inline]
    async fn feed(&mut self, message: Bytes) -> Result<(), Fault> {
        send_all(&self.fd, &message).await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Fault> {
        if self.mechanism.has_end() {
            shutdown(&self.fd, Shutdown::Write)?;
        }
        Ok(())
    }
}

/// The one that a server's socket has become.
async fn serve(trial: &Trial, fd: OwnedFd) -> Result<Outcome, Fault> {
    load::serve(trial, stream::iter([Packets::serving(fd, trial)])).await
}

async fn drive(trial: &Trial, fd: OwnedFd) -> Result<Outcome, Fault> {
    load::drive(trial, vec![Packets::driving(fd, trial)?]).await
}

fn seqpacket() -> Result<OwnedFd, Fault> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

pub(super) async fn serve_seqpacket(trial: &Trial) -> Result<Outcome, Fault> {
    let listener = seqpacket()?;
    bind(&listener, &SocketAddrUnix::new(trial.address.as_str())?)?;
    listen(&listener, 1)?;
    let listener = registered(listener, Interest::READABLE)?;
    announce(&trial.address)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let accept = listener.async_io(Interest::READABLE, |fd| Ok(accept_with(fd, flags)?));
    serve(trial, accept.await?).await
}

pub(super) async fn drive_seqpacket(trial: &Trial) -> Result<Outcome, Fault> {
    let socket = seqpacket()?;
    connect(&socket, &SocketAddrUnix::new(trial.address.as_str())?)?;
    drive(trial, socket).await
}

pub(super) async fn serve_datagram(trial: &Trial) -> Result<Outcome, Fault> {
    let socket = UnixDatagram::bind(&trial.address)?;
    socket.set_nonblocking(true)?;
    announce(&trial.address)?;
    let socket = registered(socket.into(), BOTH)?;
    if answers(trial) {
        socket.readable().await?.retain_ready();
        connect(&socket, &SocketAddrUnix::new(trial.beside("back"))?)?;
    }
    serve(trial, socket.into_inner()).await
}

pub(super) async fn drive_datagram(trial: &Trial) -> Result<Outcome, Fault> {
    let socket = UnixDatagram::bind(trial.beside("back"))?;
    socket.connect(&trial.address)?;
    socket.set_nonblocking(true)?;
    drive(trial, socket.into()).await
}

pub(super) async fn serve_udp(trial: &Trial) -> Result<Outcome, Fault> {
    let socket = UdpSocket::bind(&trial.address)?;
    socket.set_nonblocking(true)?;
    announce(&socket.local_addr()?.to_string())?;
    let socket = registered(socket.into(), BOTH)?;
    if answers(trial) {
        socket.readable().await?.retain_ready();
        let (_, _, client) = recvfrom(&socket, &mut [0], RecvFlags::PEEK)?;
        connect(&socket, &client.ok_or("a client without an address")?)?;
    }
    serve(trial, socket.into_inner()).await
}

pub(super) async fn drive_udp(trial: &Trial) -> Result<Outcome, Fault> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(&trial.address)?;
    socket.set_nonblocking(true)?;
    drive(trial, socket.into()).await
}
