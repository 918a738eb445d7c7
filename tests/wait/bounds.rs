//! What keeps a test from hanging.

use std::{
    future::Future,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use framewire::wait::{Io, Strategy};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::timeout,
};

pub use crate::run::*;

pub const STRATEGIES: [Strategy; 3] =
    [Strategy::Park, Strategy::Adaptive, Strategy::Spin(Duration::from_micros(30))];

/// Fails, rather than hangs.
pub async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(HANG, future).await.unwrap_or_else(|_| panic!("{what}: not within {HANG:?}"))
}

/// A socket of ours, and the peer's as it is.
pub fn socket(strategy: Strategy) -> (Io, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Io::socket(ours.into()).unwrap().strategy(strategy), theirs)
}

/// A pipe: read end, write end.
pub fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe().unwrap()
}

/// Reads once, of up to as many bytes.
pub async fn read(io: &mut Io, most: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; most];
    let n = bounded("a read", io.read(&mut buf)).await?;
    buf.truncate(n);
    Ok(buf)
}

/// Polls a read once, with nobody to wake.
pub fn poll_read(io: &mut Io, cx: Option<&mut Context<'_>>) -> Poll<io::Result<usize>> {
    let mut buf = [0; 4096];
    let mut buf = ReadBuf::new(&mut buf);
    let mut nobody = Context::from_waker(Waker::noop());
    let polled = Pin::new(io).poll_read(cx.unwrap_or(&mut nobody), &mut buf);
    polled.map_ok(|()| buf.filled().len())
}

/// Polls a write once, with nobody to wake.
pub fn poll_write(io: &mut Io, bytes: &[u8]) -> Poll<io::Result<usize>> {
    Pin::new(io).poll_write(&mut Context::from_waker(Waker::noop()), bytes)
}
