//! A peer that writes its memory by hand.

use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use framewire::{SocketName, shm};
use futures::StreamExt;
use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    io::pwrite,
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
        SocketFlags, SocketType,
    },
};

use super::common::{SocketNames, within};

const CAPACITY: u64 = 64 << 10;
/// Sealed as the memory of a connection is, and as a message is.
const OURS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);
pub(crate) const FOR_GOOD: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE).union(SealFlags::SEAL);

pub(crate) fn memory(bytes: &[u8], len: u64, flags: MemfdFlags, seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | flags;
    let memory = memfd_create(c"stranger", flags).unwrap();
    ftruncate(&memory, len).unwrap();
    if !bytes.is_empty() {
        assert_eq!(pwrite(&memory, bytes, 0).unwrap(), bytes.len());
    }
    fcntl_add_seals(&memory, seals).unwrap();
    memory
}

/// Announcements of sealed messages of these lengths, as records of a ring.
fn announcing(lens: &[u64]) -> OwnedFd {
    let front = rustix::param::page_size().max(4096);
    let mut bytes = vec![0; front];
    for (n, len) in lens.iter().enumerate() {
        let mark = (n as u64 * 2) << 48;
        bytes.extend((8 | 4 << 32 | mark).to_le_bytes());
        bytes.extend(len.to_le_bytes());
    }
    let tail = lens.len() as u64 * 16;
    bytes[128..136].copy_from_slice(&tail.to_le_bytes());
    memory(&bytes, front as u64 + CAPACITY, MemfdFlags::empty(), OURS)
}

/// A packet, with descriptors beside it.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8], beside: &[BorrowedFd<'_>]) {
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !beside.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(beside)));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags).unwrap();
}

/// A peer that has announced sealed messages of these lengths, by its socket, and who reads them.
pub(crate) async fn met(lens: &[u64]) -> (OwnedFd, shm::Connection) {
    let names = SocketNames::paths();
    let name = names.next();
    let mut listener = shm::listen(name.clone()).await.unwrap();
    let SocketName::Path(path) = name else { panic!("{name}") };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    rustix::net::connect(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();

    let mut hello = Vec::from(b"frmw-shm");
    hello.extend(1_u32.to_le_bytes());
    hello.extend(0_u32.to_le_bytes());
    for number in [CAPACITY, 64 << 20, 8 << 20] {
        hello.extend(number.to_le_bytes());
    }
    hello.resize(64, 0);
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
    send(&socket, &hello, &[announcing(lens).as_fd(), bell.as_fd()]);
    let connection = within(listener.next()).await.unwrap().unwrap();
    (socket, connection)
}
