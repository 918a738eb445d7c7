//! A peer that calls the system itself, and says what it likes.

use std::{
    future::poll_fn,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use framewire::{
    ErrorKind,
    wait::{Direction, Fd, Wait},
};
use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
    },
};

/// What the ring of a good hello has, and the page in front of it.
pub(crate) const CAPACITY: u64 = 64 << 10;
pub(crate) const FRONT: u64 = 4096;
pub(crate) const SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

/// As the documentation of the crate has it, without the crate.
pub(crate) fn hello(capacity: u64) -> Vec<u8> {
    let mut bytes = Vec::from(b"frmw-shm");
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    for number in [capacity, 64 << 20, 8 << 20] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.resize(64, 0);
    bytes
}

pub(crate) fn memory(len: u64, seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = memfd_create(c"stranger", flags).unwrap();
    ftruncate(&memory, len).unwrap();
    if !seals.is_empty() {
        fcntl_add_seals(&memory, seals).unwrap();
    }
    memory
}

pub(crate) fn bell() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap()
}

pub(crate) fn good() -> Said {
    Said::new(hello(CAPACITY), vec![memory(FRONT + CAPACITY, SEALS), bell()])
}

/// One packet.
pub(crate) struct Said {
    pub(crate) bytes: Vec<u8>,
    pub(crate) beside: Vec<OwnedFd>,
}

impl Said {
    pub(crate) fn new(bytes: Vec<u8>, beside: Vec<OwnedFd>) -> Self {
        Self { bytes, beside }
    }

    pub(crate) fn send(&self, to: impl AsFd) {
        self.try_send(to).unwrap();
    }

    pub(crate) fn try_send(&self, to: impl AsFd) -> Result<usize, Errno> {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut control = SendAncillaryBuffer::new(&mut room);
        let beside: Vec<BorrowedFd<'_>> = self.beside.iter().map(AsFd::as_fd).collect();
        if !beside.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(&beside)));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let bytes = [IoSlice::new(&self.bytes)];
        rustix::net::sendmsg(to, &bytes, &mut control, flags)
    }
}

/// One that a sound peer would not say, and what comes of it.
pub(crate) struct Bad {
    pub(crate) what: String,
    pub(crate) said: Said,
    pub(crate) kind: ErrorKind,
    pub(crate) told: &'static str,
}

pub(crate) fn connected(path: &Path) -> OwnedFd {
    let socket = socket();
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

pub(crate) fn listening(path: &Path) -> OwnedFd {
    let socket = socket();
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    rustix::net::listen(&socket, 100).unwrap();
    socket
}

pub(crate) async fn accepted(listening: &OwnedFd) -> OwnedFd {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    when_ready(listening, || Ok(rustix::net::accept_with(listening, flags)?)).await
}

async fn when_ready<T>(fd: &OwnedFd, mut take: impl FnMut() -> io::Result<T>) -> T {
    let mut ready = Fd::new(fd.try_clone().unwrap()).unwrap();
    poll_fn(|cx| ready.poll_io(cx, Direction::Receive, &mut take)).await.unwrap()
}

fn socket() -> OwnedFd {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let kind = SocketType::SEQPACKET;
    rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None).unwrap()
}

/// The next packet to this socket; nothing is the end.
pub(crate) async fn heard(socket: &OwnedFd) -> Said {
    let receive = || {
        let mut bytes = vec![0; 1024];
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let into = &mut [IoSliceMut::new(&mut bytes)];
        let len = match rustix::net::recvmsg(socket, into, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => received.bytes,
            // What we said was not all received.
            Err(Errno::CONNRESET) => 0,
            Err(error) => return Err(error.into()),
        };
        bytes.truncate(len);
        let beside = control.drain().flat_map(|part| match part {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        });
        Ok(Said::new(bytes, beside.collect()))
    };
    when_ready(socket, receive).await
}
