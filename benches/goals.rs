//! The figures asked, and whether a measured one meets them.
//!
//! A figure is a ratio of medians to the row's baseline in the same run, with the two processes on
//! different CPUs and default options. They come from what prototypes of each mechanism reached.

use serde::Serialize;

use crate::trial::{Kind, Mechanism};

/// A figure asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) enum Asked {
    /// Lower is better.
    AtMost(f64),
    /// Higher is better.
    AtLeast(f64),
    /// Higher is better; met already at the second figure, which allows for noise.
    Nearly(f64, f64),
}

/// How a measured figure stands to the one asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Met,
    /// Missed by less than half of the figure asked.
    Near,
    Missed,
}

impl Asked {
    /// Judges a ratio, or a plain figure where a row has no baseline.
    pub(crate) fn judge(self, figure: f64) -> Verdict {
        let (met, near) = match self {
            Self::AtMost(most) => (figure <= most, figure < most * 1.5),
            Self::AtLeast(least) => (figure >= least, figure > least * 0.5),
            Self::Nearly(least, nearly) => (figure >= nearly, figure > least * 0.5),
        };
        match (met, near) {
            (true, _) => Verdict::Met,
            (false, true) => Verdict::Near,
            (false, false) => Verdict::Missed,
        }
    }

    /// Half of the gain: what is asked under the multi-thread runtime.
    pub(crate) fn half(self) -> Self {
        match self {
            Self::AtMost(ratio) => Self::AtMost(ratio * 2.0),
            Self::AtLeast(gain) => Self::AtLeast(1.0 + (gain - 1.0) / 2.0),
            nearly @ Self::Nearly(..) => nearly,
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("<= {most}"),
            Self::AtLeast(least) | Self::Nearly(least, _) => format!(">= {least}"),
        }
    }
}

/// What is asked of a row with default options, if anything.
pub(crate) fn asked(mechanism: Mechanism, kind: Kind, bytes: usize) -> Option<Asked> {
    use Mechanism::{Datagram, Fifo, Mq, Pipe, Seqpacket, Shm, Tcp, Udp, Unix};
    const KIB: usize = 1 << 10;
    const KIB_64: usize = 64 << 10;
    const MIB: usize = 1 << 20;
    Some(match (kind, mechanism, bytes) {
        (Kind::RoundTrip, Unix, 64 | KIB) => Asked::AtMost(0.09),
        (Kind::RoundTrip, Unix, KIB_64) => Asked::AtMost(0.45),
        (Kind::RoundTrip, Pipe | Fifo, 64 | KIB) => Asked::AtMost(0.03),
        (Kind::RoundTrip, Pipe | Fifo, KIB_64) => Asked::AtMost(0.2),
        (Kind::RoundTrip, Tcp, 64 | KIB) => Asked::AtMost(0.15),
        (Kind::RoundTrip, Tcp, KIB_64) => Asked::AtMost(0.3),
        (Kind::RoundTrip, Seqpacket | Datagram | Udp, _) => Asked::AtMost(0.15),
        (Kind::Batched, Unix, 64) => Asked::AtLeast(2.0),
        (Kind::Batched, Unix, KIB) => Asked::AtLeast(2.2),
        (Kind::Batched, Unix, KIB_64) => Asked::AtLeast(1.4),
        (Kind::Batched, Unix, MIB) => Asked::AtLeast(2.5),
        (Kind::Batched, Pipe | Fifo, 64) => Asked::AtLeast(1.8),
        (Kind::Batched, Pipe | Fifo, KIB) => Asked::AtLeast(1.0),
        (Kind::Batched, Pipe | Fifo, KIB_64) => Asked::AtLeast(2.8),
        (Kind::Batched, Pipe | Fifo, MIB) => Asked::AtLeast(3.3),
        (Kind::Batched, Tcp, 64) => Asked::AtLeast(3.0),
        (Kind::Batched, Tcp, KIB) => Asked::AtLeast(4.0),
        (Kind::Batched, Tcp, KIB_64) => Asked::AtLeast(1.05),
        (Kind::Batched, Tcp, MIB) => Asked::AtLeast(1.7),
        #[cfg(feature = "tls")]
        (Kind::RoundTrip, Mechanism::Tls, _) => Asked::AtMost(0.3),
        #[cfg(feature = "tls")]
        (Kind::Batched, Mechanism::Tls, _) => Asked::AtLeast(1.0),
        (Kind::Batched, Shm, 64) => Asked::AtLeast(2.0),
        (Kind::Batched, Shm, KIB) => Asked::AtLeast(4.0),
        (Kind::Batched, Shm, KIB_64) => Asked::AtLeast(8.0),
        (Kind::RoundTrip, Mq, _) => Asked::AtMost(0.1),
        (Kind::Flushed, Mq, _) => Asked::AtLeast(1.1),
        (Kind::Flushed, Shm, 64) => Asked::AtLeast(20.0),
        (Kind::Flushed, _, _) => Asked::AtLeast(1.0),
        _ => return None,
    })
}
