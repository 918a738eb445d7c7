//! A peer that is introduced as it should be, and from then on does what it likes.

use std::{
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    time::Duration,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
    },
};

use super::memory::{FRONT, Memory, TAIL};

const HANG: Duration = Duration::from_secs(10);

pub(crate) struct Attacker {
    pub(crate) socket: OwnedFd,
    pub(crate) ours: Memory,
    pub(crate) theirs: Memory,
    /// `None` once it was closed.
    pub(crate) our_bell: Option<OwnedFd>,
    pub(crate) their_bell: Option<OwnedFd>,
    /// Up to where we have written.
    pub(crate) tail: u64,
}

impl Attacker {
    pub(crate) fn connect(path: &Path, capacity: u64) -> Self {
        let kind = SocketType::SEQPACKET;
        let flags = SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None).unwrap();
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(HANG)).unwrap();
        rustix::net::connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
        let ours = Memory::ours(capacity);
        let our_bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        let beside = [ours.file.as_fd(), our_bell.as_fd()];
        assert!(send(&socket, &hello(capacity), &beside), "the first packet finds room");
        let (bytes, mut beside) = receive(&socket);
        let capacity = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
        let their_bell = beside.pop().expect("a bell");
        let theirs = Memory::theirs(beside.pop().expect("memory"), capacity);
        let (our_bell, their_bell) = (Some(our_bell), Some(their_bell));
        Self { socket, ours, theirs, our_bell, their_bell, tail: 0 }
    }

    /// Wakes the other as one of its own user does.
    pub(crate) fn ring(&self) {
        if let Some(bell) = &self.their_bell {
            // We may have made it block.
            if fcntl_getfl(bell).unwrap().contains(OFlags::NONBLOCK) {
                let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
            }
        }
    }

    /// Wakes it as one of another user does.
    pub(crate) fn nudge(&self) -> bool {
        send(&self.socket, &[0], &[])
    }

    /// Writes a record and publishes it; `false` where an honest peer would wait for room.
    pub(crate) fn record(&mut self, kind: u64, body: &[u8]) -> bool {
        let at = self.tail;
        let size = (8 + body.len() as u64).next_multiple_of(8);
        let head = self.theirs.load(super::memory::HEAD);
        if at + size > head + self.ours.capacity {
            return false;
        }
        self.ours.put(at + 8, body);
        self.ours.put(at, &header(at, kind, body.len() as u64).to_ne_bytes());
        self.publish(at + size);
        true
    }

    pub(crate) fn publish(&mut self, tail: u64) {
        self.tail = tail;
        self.ours.store(TAIL, tail);
    }
}

/// Of a record at this position.
pub(crate) fn header(at: u64, kind: u64, len: u64) -> u64 {
    (len & 0xffff_ffff) | kind << 32 | (at / 8) << 48
}

/// As the documentation of the crate has it, without the crate.
fn hello(capacity: u64) -> Vec<u8> {
    let mut bytes = Vec::from(b"frmw-shm");
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    for number in [capacity, 64 << 20, 8 << 20] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.resize(64, 0);
    bytes
}

/// One packet; `false` where there is no room, or nobody, for it.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8], beside: &[BorrowedFd<'_>]) -> bool {
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !beside.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(beside)));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags).is_ok()
}

fn receive(socket: &OwnedFd) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut bytes = vec![0; 1024];
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let into = &mut [IoSliceMut::new(&mut bytes)];
    let received = rustix::net::recvmsg(socket, into, &mut control, RecvFlags::CMSG_CLOEXEC);
    let len = received.expect("a hello").bytes;
    let beside = control.drain().flat_map(|part| match part {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    let beside = beside.collect();
    assert!(len == 64 && FRONT == rustix::param::page_size() as u64, "introduced: {len} bytes");
    bytes.truncate(len);
    (bytes, beside)
}

/// As much as fits in there.
pub(crate) fn saturate(bell: &OwnedFd) {
    let flags = fcntl_getfl(bell).unwrap();
    fcntl_setfl(bell, flags | OFlags::NONBLOCK).unwrap();
    // Somebody may ring in between.
    while rustix::io::write(bell, &(u64::MAX - 1).to_ne_bytes()).is_err() {
        let _ = rustix::io::read(bell, &mut [0; 8]);
    }
    fcntl_setfl(bell, flags).unwrap();
}

pub(crate) fn make_blocking(bell: &OwnedFd) {
    fcntl_setfl(bell, fcntl_getfl(bell).unwrap() - OFlags::NONBLOCK).unwrap();
}
