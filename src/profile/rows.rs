//! What each mechanism promises: the facts. A mechanism that comes to be built changes its `built`
//! here, and whatever its tests show to be otherwise than it was planned.

use super::{Boundary, Built, MaxLen, Profile, Reach, Survives, Writers};
use crate::frame;

/// The order of the README's table: what is built on byte streams, Unix's own messages, memory,
/// kernel objects, files, and what goes over the others.
pub(crate) static ALL: [Profile; 22] = [
    PIPE,
    UNIX,
    SEQPACKET,
    DATAGRAM,
    FIFO,
    TCP,
    TLS,
    UDP,
    SHM,
    SHM_NAMED,
    SHM_BROADCAST,
    SHM_LATEST,
    MQ,
    SEMAPHORE,
    LEASE,
    SIGNAL,
    FILE,
    MMAP,
    MAILSLOT,
    GRPC,
    GRPC_UNIX,
    GRPC_SHM,
];

/// What is built on descriptors of Unix.
const ON_UNIX: Built = if cfg!(unix) { Built::Yes } else { Built::Elsewhere("Unix") };
/// What Linux alone has as it is used here.
const ON_LINUX: Built = if cfg!(any(target_os = "linux", target_os = "android")) {
    Built::Yes
} else {
    Built::Elsewhere("Linux")
};
/// What Linux has and Android keeps from its applications.
const ON_LINUX_ALONE: Built =
    if cfg!(target_os = "linux") { Built::Yes } else { Built::Elsewhere("Linux") };
/// The limit wherever it is ours to choose.
const BY_OPTION: MaxLen = MaxLen::Configured { default: frame::MAX_LEN };
const LISTEN_CONNECT: &[&str] = &["listen", "connect"];
const SENDER_RECEIVER: &[&str] = &["receiver", "sender"];
const ALL_FOUR: &[&str] = &["listen", "connect", "receiver", "sender"];

pub(crate) const PIPE: Profile = Profile {
    scheme: "pipe",
    addresses: &[],
    verbs: &["pair", "spawn"],
    duplex: true,
    reach: Reach::Peer,
    writers: Writers::One,
    loss: None,
    tells_end: true,
    max_len: BY_OPTION,
    survives: Survives::Nothing,
    boundary: Boundary::LengthPrefix,
    built: ON_UNIX,
};

pub(crate) const UNIX: Profile = Profile {
    scheme: "unix",
    addresses: &["unix:///run/app.sock", "unix://@app"],
    verbs: LISTEN_CONNECT,
    ..PIPE
};

/// The largest message is the send buffer (212,992 bytes by default) less 32 bytes that the kernel
/// keeps for itself.
pub(crate) const SEQPACKET: Profile = Profile {
    scheme: "seqpacket",
    addresses: &["seqpacket:///run/app.sock", "seqpacket://@app"],
    max_len: MaxLen::System { usual: 212_960 },
    boundary: Boundary::Kernel,
    built: ON_LINUX,
    ..UNIX
};

/// Unix datagrams are reliable and keep their order (unix(7)); nothing tells that who sends them is
/// gone.
pub(crate) const DATAGRAM: Profile = Profile {
    scheme: "datagram",
    addresses: &["datagram:///run/app.sock", "datagram://@app"],
    verbs: ALL_FOUR,
    writers: Writers::Many,
    tells_end: false,
    built: ON_UNIX,
    ..SEQPACKET
};

/// Frames up to PIPE_BUF (4,096 bytes on Linux), prefix included, are written as one, and only so
/// can many write (pipe(7)).
pub(crate) const FIFO: Profile = Profile {
    scheme: "fifo",
    addresses: &["fifo:///run/app.fifo"],
    verbs: SENDER_RECEIVER,
    duplex: false,
    reach: Reach::OneReader,
    writers: Writers::Many,
    max_len: MaxLen::System { usual: 4096 - 4 },
    ..PIPE
};

pub(crate) const TCP: Profile = Profile {
    scheme: "tcp",
    addresses: &["tcp://127.0.0.1:7000", "tcp://[::1]:7000"],
    verbs: LISTEN_CONNECT,
    built: Built::Yes,
    ..PIPE
};

pub(crate) const TLS: Profile = Profile {
    scheme: "tls",
    addresses: &["tls://localhost:7000"],
    built: Built::Feature { name: "tls", on: cfg!(feature = "tls") },
    ..TCP
};

/// The largest datagram of IPv4: 65,535 bytes less the headers of IP (20) and UDP (8).
pub(crate) const UDP: Profile = Profile {
    scheme: "udp",
    addresses: &["udp://127.0.0.1:7000", "udp://239.1.2.3:7000"],
    loss: Some("the network drops, repeats and reorders; a full buffer drops"),
    max_len: MaxLen::Fixed(65_507),
    ..DATAGRAM
};

pub(crate) const SHM: Profile = Profile {
    scheme: "shm",
    addresses: &["shm:///run/app.sock", "shm://@app"],
    verbs: LISTEN_CONNECT,
    boundary: Boundary::Record,
    built: ON_LINUX,
    ..PIPE
};

/// What a killed receiver had not released yet is delivered again.
pub(crate) const SHM_NAMED: Profile = Profile {
    scheme: "shm+named",
    addresses: &["shm+named://jobs"],
    verbs: ALL_FOUR,
    survives: Survives::Process,
    ..SHM
};

pub(crate) const SHM_BROADCAST: Profile = Profile {
    scheme: "shm+broadcast",
    addresses: &["shm+broadcast:///run/app.sock"],
    verbs: SENDER_RECEIVER,
    duplex: false,
    reach: Reach::EveryReader,
    loss: Some("a slow reader is overtaken, and told so"),
    max_len: MaxLen::Configured { default: 256 << 10 },
    built: ON_LINUX,
    ..SHM
};

pub(crate) const SHM_LATEST: Profile = Profile {
    scheme: "shm+latest",
    addresses: &["shm+latest:///run/app.value"],
    loss: Some("only the latest value is kept"),
    ..SHM_BROADCAST
};

/// The usual limit is `fs.mqueue.msgsize_max`.
pub(crate) const MQ: Profile = Profile {
    scheme: "mq",
    addresses: &["mq:///jobs"],
    verbs: ALL_FOUR,
    reach: Reach::OneReader,
    writers: Writers::Many,
    tells_end: false,
    max_len: MaxLen::System { usual: 8192 },
    survives: Survives::Process,
    boundary: Boundary::Kernel,
    built: ON_LINUX_ALONE,
    ..PIPE
};

/// A message is a permit: it has no body.
pub(crate) const SEMAPHORE: Profile = Profile {
    scheme: "semaphore",
    addresses: &["semaphore:///gate"],
    verbs: SENDER_RECEIVER,
    duplex: false,
    max_len: MaxLen::Fixed(0),
    ..MQ
};

/// A permit is held, not sent: the kernel gives it to the next who asks when its holder ends. The
/// body says which of them it is.
pub(crate) const LEASE: Profile = Profile {
    scheme: "lease",
    addresses: &["lease:///run/app.lease"],
    verbs: &["receiver"],
    max_len: MaxLen::Fixed(4),
    survives: Survives::Nothing,
    ..SEMAPHORE
};

/// The body is the integer that sigqueue(3) carries; 8 bytes by an option. Sending is for Linux.
pub(crate) const SIGNAL: Profile = Profile {
    scheme: "signal",
    addresses: &["signal://USR1", "signal://RTMIN+3", "signal://RTMIN+3@4711"],
    verbs: SENDER_RECEIVER,
    duplex: false,
    writers: Writers::Many,
    loss: Some("equal pending signals are merged; real-time ones queue"),
    tells_end: false,
    max_len: MaxLen::Fixed(4),
    boundary: Boundary::Kernel,
    built: ON_UNIX,
    ..PIPE
};

pub(crate) const FILE: Profile = Profile {
    scheme: "file",
    addresses: &["file:///var/log/app.log"],
    verbs: SENDER_RECEIVER,
    duplex: false,
    reach: Reach::EveryReader,
    writers: Writers::One,
    tells_end: false,
    survives: Survives::Reboot,
    boundary: Boundary::Record,
    built: Built::NotYet,
    ..PIPE
};

/// One writer holds the journal's lock.
pub(crate) const MMAP: Profile =
    Profile { scheme: "mmap", addresses: &["mmap:///var/lib/app"], ..FILE };

/// 424 bytes is what a message to a whole domain may have; the reader of a mailslot of this
/// machine sets its own limit.
pub(crate) const MAILSLOT: Profile = Profile {
    scheme: "mailslot",
    addresses: &["mailslot://jobs", "mailslot://*/jobs"],
    verbs: SENDER_RECEIVER,
    duplex: false,
    writers: Writers::Many,
    loss: Some("the network drops and repeats"),
    tells_end: false,
    max_len: MaxLen::System { usual: 424 },
    boundary: Boundary::Kernel,
    built: Built::NotYet,
    ..PIPE
};

pub(crate) const GRPC: Profile = Profile {
    scheme: "grpc",
    addresses: &["grpc://127.0.0.1:5000"],
    boundary: Boundary::Protocol,
    built: Built::NotYet,
    ..TCP
};

pub(crate) const GRPC_UNIX: Profile = Profile {
    scheme: "grpc+unix",
    addresses: &["grpc+unix:///run/app.sock", "grpc+unix://@app"],
    ..GRPC
};

pub(crate) const GRPC_SHM: Profile = Profile {
    scheme: "grpc+shm",
    addresses: &["grpc+shm:///run/app.sock", "grpc+shm://@app"],
    ..GRPC
};
