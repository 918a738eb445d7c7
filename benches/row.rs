//! The rows of the table: what is measured, beside what, and what is asked.

use crate::arguments::Arguments;
use crate::goals::{self, Asked};
use crate::process::Cpus;
use crate::side::Both;
use crate::stats::Figure;
use crate::trial::{Fault, Flavour, Kind, Mechanism, Outcome, Pin, Subject, Trial, Waiting};
use crate::{cacheline, idle, load, side};

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
    /// Round trip of a bare cache line, in microseconds.
    CacheLine,
    /// Messages a second that are made and checked, without any transport.
    Harness,
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
    fn pair(name: String, ours: Trial, asked: Option<Asked>) -> Self {
        let metric = match ours.kind {
            Kind::RoundTrip | Kind::Hold => Metric::RoundTrip,
            Kind::Batched | Kind::Flushed => Metric::Rate,
        };
        let beside = Trial { subject: Subject::ByHand, waiting: Waiting::Default, ..ours.clone() };
        Self { name, metric, ours, beside: Some(beside), asked }
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
        Ok(match self.metric {
            Metric::CacheLine => timed(&cacheline::measure(trial, cpus)?),
            Metric::Harness => figure(load::harness(trial)?.per_second()),
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

/// All rows, in the order of the table.
pub(crate) fn all(arguments: &Arguments) -> Vec<Row> {
    let mut rows = vec![cache_line(arguments), harness(arguments)];
    for mechanism in Mechanism::ALL.iter().copied() {
        for (kind, sizes) in mechanism.shapes().iter().copied() {
            for bytes in sizes.iter().copied() {
                let trial = arguments.trial(mechanism, kind, bytes);
                let asked = goals::asked(mechanism, kind, bytes);
                let name = format!("{}/{}/{}", mechanism.name(), kind.name(), size(bytes));
                rows.push(Row::pair(name, trial, asked));
            }
        }
        if mechanism == Mechanism::Unix {
            rows.push(park_on_one_cpu(arguments));
        }
    }
    rows.extend(multi(arguments));
    rows.extend(allocations(arguments));
    rows.push(busy(arguments));
    rows.extend(idles(arguments));
    rows.retain(|row| arguments.wants(&row.name));
    rows
}

fn size(bytes: usize) -> String {
    match bytes {
        b if b % (1 << 20) == 0 => format!("{}M", b >> 20),
        b if b % (1 << 10) == 0 => format!("{}K", b >> 10),
        b => b.to_string(),
    }
}

/// A row that nothing is compared with or asked of.
fn limit(name: &str, metric: Metric, ours: Trial) -> Row {
    Row { name: name.to_owned(), metric, ours, beside: None, asked: None }
}

fn cache_line(arguments: &Arguments) -> Row {
    let trial = arguments.trial(Mechanism::Unix, Kind::RoundTrip, 8);
    let window_ms = arguments.millis.min(100);
    limit("lim-cacheline", Metric::CacheLine, Trial { warm_ms: 20, window_ms, ..trial })
}

fn harness(arguments: &Arguments) -> Row {
    let trial = arguments.trial(Mechanism::Unix, Kind::Batched, 64);
    limit("lim-harness", Metric::Harness, Trial { window_ms: arguments.millis.min(100), ..trial })
}

fn park_on_one_cpu(arguments: &Arguments) -> Row {
    let trial = arguments.trial(Mechanism::Unix, Kind::RoundTrip, 64);
    let ours = Trial { waiting: Waiting::Park, pin: Pin::Same, ..trial };
    Row::pair("unix:park-one-cpu/rtt/64".into(), ours, Some(Asked::AtMost(0.7)))
}

/// The multi-thread runtime with two workers: half of each gain is asked.
fn multi(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::new();
    for mechanism in Mechanism::ALL.iter().copied() {
        for kind in [Kind::RoundTrip, mechanism.one_way()] {
            for bytes in [64, 1 << 10] {
                let trial = arguments.trial(mechanism, kind, bytes);
                let ours = Trial { flavour: Flavour::Multi, ..trial };
                let asked = goals::asked(mechanism, kind, bytes).map(Asked::half);
                let name = format!("multi/{}/{}/{}", mechanism.name(), kind.name(), size(bytes));
                rows.push(Row::pair(name, ours, asked));
            }
        }
    }
    rows
}

/// Allocations a message below 4 KiB: none, that is less than one in a hundred messages.
fn allocations(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::new();
    for mechanism in Mechanism::ALL.iter().copied() {
        for kind in [Kind::RoundTrip, mechanism.one_way()] {
            for bytes in [64, 1 << 10] {
                let ours = Trial { count: true, ..arguments.trial(mechanism, kind, bytes) };
                let name = format!("alloc/{}/{}/{}", mechanism.name(), kind.name(), size(bytes));
                let asked = mechanism.is_ours_alone().then_some(Asked::AtMost(0.01));
                let row = Row::pair(name, ours, asked);
                rows.push(Row { metric: Metric::Allocations, ..row });
            }
        }
    }
    rows
}

/// A thousand connections that all have one message in flight, beside the same with `Park`.
fn busy(arguments: &Arguments) -> Row {
    let trial = arguments.trial(Mechanism::Unix, Kind::RoundTrip, 64);
    let ours = Trial { connections: arguments.crowd, ..trial };
    Row {
        name: format!("busy/unix/{}", arguments.crowd),
        metric: Metric::Rate,
        beside: Some(Trial { waiting: Waiting::Park, ..ours.clone() }),
        ours,
        asked: Some(Asked::Nearly(1.0, 0.95)),
    }
}

fn idles(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::new();
    for mechanism in Mechanism::ALL.iter().copied() {
        for connections in [1, arguments.crowd] {
            // A pair of pipes or FIFOs is one connection.
            if connections > 1 && !mechanism.is_listened_on() {
                continue;
            }
            let trial = arguments.trial(mechanism, Kind::Hold, 64);
            let ours = Trial {
                connections,
                warm_ms: arguments.quiet_ms,
                window_ms: 5 * arguments.quiet_ms,
                ..trial
            };
            rows.push(Row {
                name: format!("idle/{}/{connections}", mechanism.name()),
                metric: Metric::Switches,
                ours,
                beside: None,
                asked: Some(Asked::AtMost(0.0)),
            });
        }
    }
    rows
}
