//! The bytes of a connection, and the descriptors beside them.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Limit, arrivals::Arrivals, departures::Departures};
use crate::{
    Error, Peer,
    sys::{self, ControlBuffer},
    transport::socket::Socket,
};

/// Pieces of one gather write that ends before all that is queued does.
const PIECES: usize = 16;

/// A byte stream that keeps the descriptors which come with its bytes, and sends others with its
/// own. Whoever cuts it into messages says where they begin.
#[derive(Debug)]
pub(super) struct Passing {
    socket: Socket,
    control: Box<ControlBuffer>,
    pub(super) limit: Limit,
    pub(super) arrivals: Arrivals,
    pub(super) departures: Departures,
}

impl Passing {
    /// A connection goes on with descriptors, of which so many bytes have arrived and were not
    /// handed out, and so many are queued and were not sent.
    pub(super) fn new(socket: Socket, unread: usize, unsent: usize) -> Self {
        let limit = Limit::new(socket.max_descriptors());
        Self {
            socket,
            control: Box::new(limit.control_buffer()),
            limit,
            arrivals: Arrivals::new(unread),
            departures: Departures::new(unsent),
        }
    }

    pub(super) fn peer(&self) -> &Peer {
        self.socket.peer()
    }
}

/// What to do where too many are on their way. They are not lost: the frame stays queued.
fn explained(error: io::Error) -> io::Error {
    if sys::is_too_many_in_flight(&error) {
        let remedy = "nothing is lost: flush again when those who were passed some received them";
        return Error::from(error).remedy(remedy).into();
    }
    error
}

impl AsyncRead for Passing {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { socket, control, limit, arrivals, .. } = self.get_mut();
        arrivals.check()?;
        let arrived = ready!(socket.io_mut().poll_recv_with(cx, buf, control))?;
        let descriptors = limit.accept(arrived.descriptors, arrived.descriptors_cut);
        arrivals.came(arrived.len, descriptors);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Passing {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { socket, departures, .. } = self.get_mut();
        let written = match departures.next() {
            None => ready!(Pin::new(socket).poll_write_vectored(cx, bufs)),
            Some((descriptors, mut room)) => {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                for (piece, buf) in pieces.iter_mut().zip(bufs) {
                    let len = buf.len().min(room);
                    *piece = IoSlice::new(&buf[..len]);
                    room -= len;
                }
                let descriptors: Vec<BorrowedFd<'_>> =
                    descriptors.iter().map(AsFd::as_fd).collect();
                ready!(socket.io_mut().poll_send_with(
                    cx,
                    &pieces[..PIECES.min(bufs.len())],
                    &descriptors
                ))
            }
        };
        let written = written.map_err(explained)?;
        departures.sent(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
