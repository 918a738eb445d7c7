//! One measurement: what runs, how, and for how long. It travels to the child as an argument.

use std::time::Duration;

use framewire::wait::Strategy;
use serde::{Deserialize, Serialize};

/// Anything that can end a measurement early.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The mechanism under both subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mechanism {
    Unix,
    Seqpacket,
    Datagram,
    Pipe,
    Fifo,
    Tcp,
    #[cfg(feature = "tls")]
    Tls,
    Udp,
    /// Memory that two connected processes share.
    Shm,
    /// The same, found by a name. Measured beside `Shm` alone.
    Named,
    /// A POSIX message queue each way.
    Mq,
    /// The same, where both ends pack many messages into one of the queue's.
    Packed,
    /// Real-time signals with eight bytes, blocked and read from a descriptor.
    Exclusive,
    /// The same signals beside whoever else handles signals, by a handler.
    Queued,
    /// A ring in shared memory, with one signal for every batch in it.
    Ring,
    /// A token that goes back and forth over two named POSIX semaphores.
    Semaphore,
    /// The same by a futex on a word of shared memory, blocked on without a runtime.
    Futex,
    /// A word of shared memory with an eventfd to wake for it, which is no mechanism but what the
    /// kernel allows to one.
    Eventfd,
    /// A cache line that bounces: what the machine allows.
    CacheLine,
    /// Messages that are made and checked with no transport in between.
    Nothing,
    /// Messages that are copied from one place of this process to another.
    Memcpy,
}

impl Mechanism {
    /// Those with rows for all that there is to ask of a mechanism.
    pub(crate) const ALL: &[Self] = &[
        Self::Unix,
        Self::Seqpacket,
        Self::Datagram,
        Self::Pipe,
        Self::Fifo,
        Self::Tcp,
        #[cfg(feature = "tls")]
        Self::Tls,
        Self::Udp,
        Self::Shm,
        Self::Mq,
    ];

    /// The name of its module, with which rows begin.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Seqpacket => "unix:seqpacket",
            Self::Datagram => "unix:datagram",
            Self::Pipe => "pipe",
            Self::Fifo => "fifo",
            Self::Tcp => "tcp",
            #[cfg(feature = "tls")]
            Self::Tls => "tls",
            Self::Udp => "udp",
            Self::Shm => "shm",
            Self::Named => "shm:named",
            Self::Mq => "mq",
            Self::Packed => "mq:packed",
            Self::Exclusive => "signal:exclusive",
            Self::Queued => "signal:queued",
            Self::Ring => "signal:ring",
            Self::Semaphore => "semaphore",
            Self::Futex => "lim-futex",
            Self::Eventfd => "lim-eventfd",
            Self::CacheLine => "lim-cacheline",
            Self::Nothing => "lim-harness",
            Self::Memcpy => "lim-memcpy",
        }
    }

    /// What is measured of it: how, and with messages of which lengths.
    ///
    /// Where every message is a call of its own, nothing is gathered until a flush.
    pub(crate) fn shapes(self) -> &'static [(Kind, &'static [usize])] {
        use Kind::{Batched, Flushed, RoundTrip};
        const KIB: usize = 1 << 10;
        match self {
            Self::Seqpacket | Self::Datagram => {
                &[(RoundTrip, &[64, KIB, 64 * KIB]), (Flushed, &[64, KIB, 64 * KIB])]
            }
            // The largest message of a queue has 8 KiB, as systems come.
            Self::Mq => &[(RoundTrip, &[64, KIB]), (Flushed, &[64, KIB])],
            // The largest message that UDP takes has 65,507 bytes.
            Self::Udp => &[(RoundTrip, &[64, KIB, 64_000]), (Flushed, &[64, KIB, 64_000])],
            _ => &[
                (RoundTrip, &[64, KIB, 64 * KIB]),
                (Batched, &[64, KIB, 64 * KIB, KIB * KIB]),
                (Flushed, &[64, KIB]),
            ],
        }
    }

    /// Messages in one direction as fast as it takes them.
    pub(crate) fn one_way(self) -> Kind {
        match self {
            Self::Seqpacket | Self::Datagram | Self::Udp | Self::Mq => Kind::Flushed,
            _ => Kind::Batched,
        }
    }

    /// Whether nobody's code but ours is between a message and the system.
    pub(crate) fn is_ours_alone(self) -> bool {
        #[cfg(feature = "tls")]
        if self == Self::Tls {
            return false;
        }
        true
    }

    /// Whether a server has many connections.
    pub(crate) fn is_listened_on(self) -> bool {
        !matches!(self, Self::Pipe | Self::Fifo | Self::Eventfd | Self::Mq)
    }

    /// Whether a server is reached by a path, or by a name that is made of one.
    pub(crate) fn has_path(self) -> bool {
        use Mechanism::{Datagram, Fifo, Mq, Named, Packed, Ring, Semaphore, Seqpacket, Shm, Unix};
        matches!(self, Unix | Seqpacket | Datagram | Fifo | Shm)
            || matches!(self, Named | Mq | Packed | Ring | Semaphore)
    }

    /// Whether the peer is told when a connection is closed. Where not, an empty message says so:
    /// no message of a measurement is empty otherwise.
    pub(crate) fn has_end(self) -> bool {
        !matches!(self, Self::Datagram | Self::Udp | Self::Mq | Self::Packed)
    }

    /// Whether what it does depends on how far apart the CPUs are, so that the bouncing cache line
    /// is measured beside it.
    pub(crate) fn is_memory(self) -> bool {
        matches!(self, Self::Shm | Self::Named)
    }
}

/// Whose code moves the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subject {
    Ours,
    ByHand,
    /// Another crate's, measured by the package in `rivals` alone, as is the next.
    Iceoryx2,
    ShmemIpc,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::ByHand => "by hand",
            Self::Iceoryx2 => "iceoryx2",
            Self::ShmemIpc => "shmem-ipc",
        }
    }
}

/// What the two processes do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// One message each way, one in flight on each connection.
    RoundTrip,
    /// One way, `feed` with a `flush` every 64 KiB.
    Batched,
    /// One way, `send`: every message is flushed.
    Flushed,
    /// One message each way, then nothing.
    Hold,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RoundTrip => "rtt",
            Self::Batched => "batched",
            Self::Flushed => "flushed",
            Self::Hold => "hold",
        }
    }
}

/// Our wait strategy; the baseline has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Waiting {
    /// Options are left alone, as a user would who read no further than the first example.
    Default,
    Park,
    Spin,
    /// On a thread that blocks, where there is a descriptor as well.
    Blocking,
    /// On that thread without a spin before.
    BlockingPark,
}

impl Waiting {
    pub(crate) fn strategy(self) -> Strategy {
        match self {
            Self::Default | Self::Blocking => Strategy::default(),
            Self::Park | Self::BlockingPark => Strategy::Park,
            // Longer than any wait of a round trip.
            Self::Spin => Strategy::Spin(Duration::from_millis(10)),
        }
    }
}

/// How messages are handed over, where there is a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Way {
    /// Sent and received as `Bytes`, one at a time.
    Owned,
    /// Received many at a time.
    Many,
    /// Received as a slice that is lent. What is answered is a message of one's own.
    Lent,
    /// Lent both ways: also written where it will be read, its number and nothing else.
    Loaned,
}

/// Which of tokio's schedulers runs on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Flavour {
    Current,
    /// Two workers.
    Multi,
}

/// Where the two processes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pin {
    /// On two CPUs.
    Split,
    /// Both on one CPU.
    Same,
    /// Where the scheduler puts them.
    None,
}

/// One measurement of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) subject: Subject,
    pub(crate) mechanism: Mechanism,
    pub(crate) kind: Kind,
    /// Length of every message; at least the 8 of its sequence number.
    pub(crate) bytes: usize,
    pub(crate) connections: usize,
    pub(crate) waiting: Waiting,
    pub(crate) way: Way,
    pub(crate) flavour: Flavour,
    pub(crate) pin: Pin,
    /// Whether the task under test is the root of `block_on` instead of a spawned one.
    pub(crate) root: bool,
    /// Whether allocations are counted.
    pub(crate) count: bool,
    pub(crate) warm_ms: u64,
    pub(crate) window_ms: u64,
    /// Where the server listens: a path or an address, nothing for `pipe`; once it does, what it
    /// has announced.
    pub(crate) address: String,
}

impl Trial {
    pub(crate) fn warm(&self) -> Duration {
        Duration::from_millis(self.warm_ms)
    }

    pub(crate) fn window(&self) -> Duration {
        Duration::from_millis(self.window_ms)
    }

    /// How long one side may take before the measurement counts as hung.
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(20) + 2 * (self.warm() + self.window())
    }

    /// A kernel object's name, begun with a slash, that no other measurement has.
    pub(crate) fn object(&self, suffix: &str) -> String {
        let from = self.address.len().saturating_sub(60);
        let unique = self.address[from..].replace(['/', '@'], "-");
        format!("/{}-{suffix}", unique.trim_start_matches(['-', '.']))
    }

    /// A path beside the server's own.
    pub(crate) fn beside(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.address)
    }

    /// Whether messages may be lost: where the receiver is too slow, and nobody waits for it.
    pub(crate) fn loses(&self) -> bool {
        let one_way = matches!(self.kind, Kind::Batched | Kind::Flushed);
        self.mechanism == Mechanism::Udp && one_way
    }

    /// What tells this measurement from the one it stands beside.
    pub(crate) fn label(&self) -> &'static str {
        use Mechanism::{CacheLine, Eventfd, Futex, Memcpy, Nothing};
        match (self.subject, self.mechanism, self.waiting) {
            (Subject::Ours, _, Waiting::Park) => "Park",
            (Subject::Ours, _, Waiting::Spin) => "Spin",
            (Subject::Ours, _, Waiting::Blocking | Waiting::BlockingPark) => "Blocking",
            (Subject::Ours, _, Waiting::Default) => self.mechanism.name(),
            (Subject::ByHand, Eventfd | Futex | CacheLine | Memcpy | Nothing, _) => {
                self.mechanism.name()
            }
            (subject, ..) => subject.name(),
        }
    }

    /// Messages between two flushes of a batched stream: 64 KiB of them, at least one.
    pub(crate) fn batch(&self) -> u64 {
        ((64 << 10) / self.bytes.max(1)).max(1) as u64
    }
}

/// What one side of a measurement has seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages sent by the driving side, or received and checked by the serving side, in all.
    pub(crate) messages: u64,
    /// Messages within the window.
    pub(crate) counted: u64,
    /// Length of the window.
    pub(crate) nanos: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Allocations within the window, the harness's own left out.
    pub(crate) allocations: u64,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.counted as f64 / (self.nanos.max(1) as f64 / 1e9)
    }

    pub(crate) fn allocations_per_message(&self) -> f64 {
        self.allocations as f64 / self.counted.max(1) as f64
    }
}
