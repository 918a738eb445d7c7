//! A row of the table: what is measured, beside what, and what is asked.

use crate::arguments::Arguments;
use crate::goals::Asked;
use crate::process::Cpus;
use crate::side::Both;
use crate::stats::Figure;
use crate::trial::{Fault, Kind, Mechanism, Outcome, Subject, Trial, Waiting, Way};
use crate::{idle, side};

/// What a row's figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Round trip, median of a repetition, in microseconds.
    RoundTrip,
    /// Messages a second.
    Rate,
    /// Allocations a message, of the side that makes more of them.
    Allocations,
    /// Context switches of both processes.
    Switches,
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) metric: Metric,
    pub(crate) ours: Trial,
    /// The baseline, where there is one.
    pub(crate) beside: Option<Trial>,
    pub(crate) asked: Option<Asked>,
}

impl Row {
    /// A row beside the baseline by hand.
    pub(crate) fn by_hand(name: String, ours: Trial, asked: Option<Asked>) -> Self {
        let beside = Trial {
            subject: Subject::ByHand,
            waiting: Waiting::Default,
            way: Way::Owned,
            ..ours.clone()
        };
        Self::pair(name, ours, beside, asked)
    }

    /// A row of two measurements, of which the second is the baseline.
    pub(crate) fn pair(name: String, ours: Trial, beside: Trial, asked: Option<Asked>) -> Self {
        let metric = match ours.kind {
            Kind::RoundTrip | Kind::Hold => Metric::RoundTrip,
            Kind::Batched | Kind::Flushed => Metric::Rate,
        };
        Self { name, metric, ours, beside: Some(beside), asked }
    }

    /// Whether the bouncing cache line is measured with every repetition.
    pub(crate) fn is_beside_the_line(&self) -> bool {
        self.ours.mechanism.is_memory() && matches!(self.metric, Metric::RoundTrip | Metric::Rate)
    }

    /// How often this row is repeated: counts do not scatter as times do.
    pub(crate) fn repetitions(&self, asked: usize) -> usize {
        match self.metric {
            Metric::Allocations | Metric::Switches => 1,
            _ => asked,
        }
    }

    /// Measures one subject of this row once.
    pub(crate) fn measure(&self, trial: &Trial, cpus: &Cpus) -> Result<Figure, Fault> {
        let figure = |value| Figure { value, p99: None };
        let timed = |seen: &Outcome| Figure { value: seen.p50_us, p99: Some(seen.p99_us) };
        if trial.mechanism == Mechanism::CacheLine {
            return Ok(timed(&side::measure(trial, cpus)?.drove));
        }
        Ok(match self.metric {
            Metric::Switches => figure(idle::measure(trial, cpus)? as f64),
            Metric::RoundTrip => timed(&side::measure(trial, cpus)?.drove),
            Metric::Rate => {
                let Both { drove, served } = side::measure(trial, cpus)?;
                let counting = if trial.kind == Kind::RoundTrip { drove } else { served };
                if counting.counted == 0 {
                    return Err("no message within the window".into());
                }
                figure(counting.per_second())
            }
            Metric::Allocations => {
                let Both { drove, served } = side::measure(trial, cpus)?;
                let [a, b] = [drove, served].map(|side| side.allocations_per_message());
                figure(a.max(b))
            }
        })
    }
}

/// A length as it is in names.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        b if b % (1 << 20) == 0 => format!("{}M", b >> 20),
        b if b % (1 << 10) == 0 => format!("{}K", b >> 10),
        b => b.to_string(),
    }
}

/// What is beside or above all others: the floor of this machine, and of the harness.
pub(crate) fn limits(arguments: &Arguments) -> [Row; 2] {
    [Mechanism::CacheLine, Mechanism::Nothing].map(|mechanism| Row {
        name: mechanism.name().to_owned(),
        metric: if mechanism == Mechanism::CacheLine { Metric::RoundTrip } else { Metric::Rate },
        ours: limit(arguments, mechanism),
        beside: None,
        asked: None,
    })
}

/// A short measurement of what the machine allows.
pub(crate) fn limit(arguments: &Arguments, mechanism: Mechanism) -> Trial {
    let (kind, bytes) = match mechanism {
        Mechanism::CacheLine => (Kind::RoundTrip, 8),
        _ => (Kind::Batched, 64),
    };
    let trial = arguments.trial(mechanism, kind, bytes);
    let window_ms = arguments.millis.min(100);
    Trial { subject: Subject::ByHand, warm_ms: 20, window_ms, ..trial }
}
