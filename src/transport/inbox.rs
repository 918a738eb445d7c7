//! The room that whole messages are received into.

use std::{io, os::fd::BorrowedFd};

use bytes::{Bytes, BytesMut};

use crate::{
    Error, ErrorKind,
    sys::{self, Packet},
};

/// How many bytes of small messages share a buffer beyond the room for the largest one.
const SHARED: usize = 64 * 1024;
/// No system carries a larger message: Linux has to find its first part in one piece of memory,
/// of 4 MiB at most.
const LARGEST: usize = 16 * 1024 * 1024;

/// A buffer with room for a message of the largest size, which is taken out of it without a copy.
///
/// As long as messages are dropped soon, the same memory is used again and nothing is allocated. A
/// message that is kept keeps up to 64 KiB of its neighbours, and what is not written to costs no
/// memory but addresses.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    buffer: BytesMut,
    max_len: usize,
}

impl Inbox {
    /// Messages of up to this many bytes. Nothing is allocated before the first.
    pub(crate) fn new(max_len: usize) -> Self {
        Self { buffer: BytesMut::new(), max_len: max_len.min(LARGEST) }
    }

    /// Receives one message, from `fd` and without waiting.
    ///
    /// # Errors
    ///
    /// What recvmsg(2) answers, and `TooLarge` for a message that is: it is gone.
    #[inline]
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>, named: bool) -> io::Result<Packet> {
        self.make_room();
        let packet = sys::recv_packet(fd, &mut self.buffer, named)?;
        if packet.len > self.max_len {
            return Err(self.too_large(packet.len));
        }
        Ok(packet)
    }

    /// The same with the descriptors that come beside it; those of a message that is too large are
    /// closed.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn receive_with(
        &mut self,
        fd: BorrowedFd<'_>,
        control: &mut sys::ControlBuffer,
    ) -> io::Result<sys::Arrived> {
        self.make_room();
        let arrived = sys::recv_packet_with(fd, &mut self.buffer, control)?;
        match (arrived.cut, arrived.len) {
            (true, len) => Err(self.too_large(len + 1)),
            (false, len) if len > self.max_len => Err(self.too_large(len)),
            _ => Ok(arrived),
        }
    }

    /// Receives one message by another call, which fills an empty buffer that has room for it.
    #[cfg(target_os = "linux")]
    #[inline]
    pub(crate) fn receive_by<R>(
        &mut self,
        receive: impl FnOnce(&mut BytesMut) -> io::Result<R>,
    ) -> io::Result<R> {
        self.make_room();
        receive(&mut self.buffer)
    }

    #[inline]
    fn make_room(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() < self.max_len && !self.buffer.try_reclaim(self.max_len) {
            self.buffer = BytesMut::with_capacity(self.max_len.saturating_add(SHARED));
        }
    }

    /// Takes what was received last.
    #[inline]
    pub(crate) fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Takes what was received last without its neighbours, for a message that will be kept: what
    /// `copy` makes of it, unless it is so large that it has few.
    #[inline]
    pub(crate) fn detach(&mut self, copy: impl FnOnce(&[u8]) -> Bytes) -> Bytes {
        if self.buffer.len() > SHARED { self.take() } else { copy(&self.buffer) }
    }

    /// Shows what was received last.
    #[inline]
    pub(crate) fn show(&self) -> &[u8] {
        &self.buffer
    }

    #[cold]
    fn too_large(&self, len: usize) -> io::Error {
        let cause = format!("message of {len} bytes, limit {}: it is lost", self.max_len);
        Error::new(ErrorKind::TooLarge, cause).remedy("raise `max_len` at this end").into()
    }
}
