//! A peer that calls the system itself.

use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use framewire::unix::{self, Detailed};
use rustix::{
    fs::MemfdFlags,
    io::Errno,
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, UCred},
};

/// A socket that is used by hand, and the end that is under test.
pub(crate) fn pair(options: &unix::Options) -> (OwnedFd, Detailed) {
    let (raw, ours) = options.pair().unwrap();
    (by_hand(raw), ours.detailed().unwrap())
}

pub(crate) fn by_hand(connection: unix::Connection) -> OwnedFd {
    connection.into_io().0.into_inner().into_fd().unwrap()
}

/// A frame of this body.
pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

/// What goes beside the bytes of one call: a part for each list of descriptors.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    pub(crate) rights: Vec<Vec<BorrowedFd<'a>>>,
    pub(crate) credentials: bool,
    pub(crate) out_of_band: bool,
}

impl<'a> Beside<'a> {
    pub(crate) fn one(descriptors: &[BorrowedFd<'a>]) -> Self {
        Self { rights: vec![descriptors.to_vec()], ..Self::default() }
    }
}

/// One sendmsg(2); how many bytes of them were sent.
pub(crate) fn send(raw: impl AsFd, bytes: &[u8], beside: &Beside<'_>) -> Result<usize, Errno> {
    let mut room = [MaybeUninit::uninit(); 16 * 1024];
    let mut control = SendAncillaryBuffer::new(&mut room);
    for descriptors in &beside.rights {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    if beside.credentials {
        assert!(control.push(SendAncillaryMessage::ScmCredentials(UCred {
            pid: rustix::process::getpid(),
            uid: rustix::process::getuid(),
            gid: rustix::process::getgid(),
        })));
    }
    let mut flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    flags.set(SendFlags::OOB, beside.out_of_band);
    rustix::net::sendmsg(raw, &[IoSlice::new(bytes)], &mut control, flags)
}

/// All of these bytes, the descriptors with the first.
pub(crate) fn send_all(raw: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    let sent = send(raw, bytes, &Beside::one(descriptors)).unwrap();
    assert_eq!(sent, bytes.len(), "it fits the buffer of a socket");
}

/// Which file it is open on.
pub(crate) fn id(descriptor: impl AsFd) -> u64 {
    rustix::fs::fstat(descriptor).unwrap().st_ino
}

pub(crate) fn ids(descriptors: &[OwnedFd]) -> Vec<u64> {
    descriptors.iter().map(id).collect()
}

/// Files that are told apart by their [`id`].
pub(crate) fn memfds(count: usize) -> Vec<OwnedFd> {
    let memfd = |_| rustix::fs::memfd_create(c"passed", MemfdFlags::CLOEXEC).unwrap();
    (0..count).map(memfd).collect()
}

/// How many descriptors this process has.
pub(crate) fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
