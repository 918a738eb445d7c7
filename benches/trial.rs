//! One measurement: what runs, how, and for how long. It travels to the child as an argument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Anything that can end a measurement early.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The mechanism under both subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mechanism {
    Unix,
    Pipe,
    Tcp,
}

impl Mechanism {
    pub(crate) const ALL: [Self; 3] = [Self::Unix, Self::Pipe, Self::Tcp];

    /// The name of its module, with which rows begin.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Pipe => "pipe",
            Self::Tcp => "tcp",
        }
    }
}

/// Whose code moves the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subject {
    Ours,
    ByHand,
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
    pub(crate) flavour: Flavour,
    pub(crate) pin: Pin,
    /// Whether the task under test is the root of `block_on` instead of a spawned one.
    pub(crate) root: bool,
    /// Whether allocations are counted.
    pub(crate) count: bool,
    pub(crate) warm_ms: u64,
    pub(crate) window_ms: u64,
    /// Where the server listens: a path for `unix`, an address for `tcp`, nothing for `pipe`.
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
