//! The rows of `mechanisms`.

mod objects;
mod shm;

use crate::arguments::Arguments;
use crate::goals::{self, Asked};
use crate::row::{self, Metric, Row, size};
use crate::trial::{Flavour, Kind, Mechanism, Pin, Trial, Waiting};

/// All rows, in the order of the table.
pub(crate) fn all(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::from(row::limits(arguments));
    for mechanism in Mechanism::ALL.iter().copied() {
        for (kind, sizes) in mechanism.shapes().iter().copied() {
            for bytes in sizes.iter().copied() {
                let trial = arguments.trial(mechanism, kind, bytes);
                let asked = goals::asked(mechanism, kind, bytes);
                let name = format!("{}/{}/{}", mechanism.name(), kind.name(), size(bytes));
                rows.push(Row::by_hand(name, trial, asked));
            }
        }
        if mechanism == Mechanism::Unix {
            rows.push(park_on_one_cpu(arguments));
        }
    }
    rows.extend(shm::all(arguments));
    rows.extend(objects::all(arguments));
    rows.extend(multi(arguments));
    rows.extend(allocations(arguments));
    rows.push(busy(arguments));
    rows.extend(idles(arguments));
    rows
}

fn park_on_one_cpu(arguments: &Arguments) -> Row {
    let trial = arguments.trial(Mechanism::Unix, Kind::RoundTrip, 64);
    let ours = Trial { waiting: Waiting::Park, pin: Pin::Same, ..trial };
    Row::by_hand("unix:park-one-cpu/rtt/64".into(), ours, Some(Asked::AtMost(0.7)))
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
                rows.push(Row::by_hand(name, ours, asked));
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
                let row = Row::by_hand(name, ours, asked);
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
            // A pair of pipes, FIFOs or queues is one connection.
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
