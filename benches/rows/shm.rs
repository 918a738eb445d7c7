//! Shared memory beside more than the Unix socket: its own other modes, and what the machine allows.

use crate::arguments::Arguments;
use crate::goals::Asked;
use crate::row::{Row, limit};
use crate::trial::{Kind, Mechanism, Pin, Subject, Trial, Waiting, Way};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

pub(super) fn all(arguments: &Arguments) -> Vec<Row> {
    let mut rows = by_way(arguments);
    rows.extend(waits(arguments));
    rows.extend(copies(arguments));
    rows
}

/// What is sent in batches and received otherwise than one owned message at a time.
fn by_way(arguments: &Arguments) -> Vec<Row> {
    let row = |name: &str, way, bytes, asked| {
        let trial = arguments.trial(Mechanism::Shm, Kind::Batched, bytes);
        Row::by_hand(name.to_owned(), Trial { way, ..trial }, Some(Asked::AtLeast(asked)))
    };
    vec![
        row("shm:many/batched/64", Way::Many, 64, 2.5),
        row("shm:lent/batched/64", Way::Lent, 64, 2.5),
        row("shm:lent/batched/1K", Way::Lent, KIB, 6.0),
        row("shm:lent/batched/64K", Way::Lent, 64 * KIB, 14.0),
    ]
}

/// Round trips of 64 bytes under each wait strategy, beside the floor of it.
fn waits(arguments: &Arguments) -> Vec<Row> {
    let adaptive = arguments.trial(Mechanism::Shm, Kind::RoundTrip, 64);
    let spin = Trial { waiting: Waiting::Spin, ..adaptive.clone() };
    let park = Trial { waiting: Waiting::Park, ..adaptive.clone() };
    // Beside the bare line what costs least: nothing is allocated, counted or copied twice.
    let floor = Trial { way: Way::Loaned, ..spin.clone() };
    let park_same = Trial { pin: Pin::Same, ..park.clone() };
    let named = Trial { mechanism: Mechanism::Named, ..adaptive.clone() };
    let bell = Trial {
        subject: Subject::ByHand,
        mechanism: Mechanism::Eventfd,
        bytes: 8,
        waiting: Waiting::Default,
        ..park.clone()
    };
    let bell_same = Trial { pin: Pin::Same, ..bell.clone() };
    let line = limit(arguments, Mechanism::CacheLine);
    let row = |name: &str, ours: Trial, beside: Trial, most| {
        let name = format!("shm:{name}/rtt/64");
        Row::pair(name, ours, beside, Some(Asked::AtMost(most)))
    };
    vec![
        row("adaptive", adaptive.clone(), spin.clone(), 1.15),
        row("spin", floor, line, 1.6),
        row("park", park, bell, 1.05),
        row("park-one-cpu", park_same, bell_same, 1.05),
        row("named", named, adaptive, 1.3),
    ]
}

/// Large messages beside a copy within one process, and those that are not copied beside smaller
/// ones, of which as many fit in their ring.
fn copies(arguments: &Arguments) -> Vec<Row> {
    let large = arguments.trial(Mechanism::Shm, Kind::Batched, MIB);
    let small = Trial { bytes: 64 * KIB, ..large.clone() };
    let copy = Trial { subject: Subject::ByHand, mechanism: Mechanism::Memcpy, ..large.clone() };
    let lent = Trial { way: Way::Lent, ..large.clone() };
    // A flush for each, as a message of a mebibyte has it too.
    let [loaned, least] =
        [large, small].map(|trial| Trial { kind: Kind::Flushed, way: Way::Loaned, ..trial });
    vec![
        Row::pair("shm:lent/batched/1M".into(), lent, copy, Some(Asked::AtLeast(0.95))),
        Row::pair("shm:loaned/flushed/1M".into(), loaned, least, Some(Asked::AtLeast(0.8))),
    ]
}
