//! Message queues, signals and semaphores beside more than the calls by hand: their other modes, and
//! what is no message.

use crate::arguments::Arguments;
use crate::goals::Asked;
use crate::row::Row;
use crate::trial::{Kind, Mechanism, Pin, Subject, Trial, Waiting};

pub(super) fn all(arguments: &Arguments) -> Vec<Row> {
    let mut rows = queues(arguments);
    rows.extend(signals(arguments));
    rows.extend(semaphores(arguments));
    rows
}

/// The default way of waiting beside the other one, what a queue costs that epoll watches (one that
/// is spun for without end is never registered), and messages that are packed.
fn queues(arguments: &Arguments) -> Vec<Row> {
    let plain = |kind| arguments.trial(Mechanism::Mq, kind, 64);
    let by_hand = |kind| Trial { subject: Subject::ByHand, ..plain(kind) };
    let packed = |kind| Trial { mechanism: Mechanism::Packed, ..plain(kind) };
    let blocking = |kind| Trial { waiting: Waiting::Blocking, ..plain(kind) };
    let spin = |kind| Trial { waiting: Waiting::Spin, ..plain(kind) };
    let waiting = |waiting| Trial { waiting, ..plain(Kind::RoundTrip) };
    let [park, parked] = [Waiting::Park, Waiting::BlockingPark].map(waiting);
    let (trip, each) = (Kind::RoundTrip, Kind::Flushed);
    vec![
        Row::pair("mq:descriptor/rtt/64".into(), plain(trip), blocking(trip), None),
        Row::pair("mq:descriptor/flushed/64".into(), plain(each), blocking(each), None),
        Row::pair("mq:descriptor-park/rtt/64".into(), park, parked, None),
        Row::pair("mq:spin/rtt/64".into(), spin(trip), plain(trip), None),
        Row::pair("mq:packed/rtt/64".into(), packed(trip), by_hand(trip), None),
        Row::pair(
            "mq:packed/batched/64".into(),
            packed(Kind::Batched),
            by_hand(each),
            Some(Asked::AtLeast(8.0)),
        ),
    ]
}

/// Eight bytes in a signal, and many in memory behind one.
fn signals(arguments: &Arguments) -> Vec<Row> {
    let trial = |mechanism, kind, bytes| arguments.trial(mechanism, kind, bytes);
    let by_hand = |kind| Trial { subject: Subject::ByHand, ..trial(Mechanism::Exclusive, kind, 8) };
    let row = |mechanism: Mechanism, kind: Kind, asked| {
        let name = format!("{}/{}/8", mechanism.name(), kind.name());
        Row::pair(name, trial(mechanism, kind, 8), by_hand(kind), asked)
    };
    let (trip, each) = (Kind::RoundTrip, Kind::Flushed);
    let ring = |name: &str, bytes| {
        let ours = trial(Mechanism::Ring, Kind::Batched, bytes);
        Row::pair(name.to_owned(), ours, by_hand(each), Some(Asked::AtLeast(20.0)))
    };
    vec![
        row(Mechanism::Exclusive, trip, most(0.15)),
        row(Mechanism::Exclusive, each, Some(Asked::AtLeast(1.0))),
        row(Mechanism::Queued, trip, None),
        row(Mechanism::Queued, each, None),
        ring("signal:ring/batched/8", 8),
        ring("signal:ring/batched/64", 64),
    ]
}

/// A token that comes back, beside calls that block.
fn semaphores(arguments: &Arguments) -> Vec<Row> {
    let adaptive = arguments.trial(Mechanism::Semaphore, Kind::RoundTrip, 8);
    let park = Trial { waiting: Waiting::Park, ..adaptive.clone() };
    let park_same = Trial { pin: Pin::Same, ..park.clone() };
    let posix = Trial { subject: Subject::ByHand, root: true, ..adaptive.clone() };
    let futex = Trial { mechanism: Mechanism::Futex, ..posix.clone() };
    let futex_same = Trial { pin: Pin::Same, ..futex.clone() };
    let row = |name: &str, ours, beside, asked| {
        Row::pair(format!("semaphore:{name}/rtt"), ours, beside, asked)
    };
    vec![
        row("adaptive", adaptive, posix, most(0.02)),
        row("park", park, futex, most(1.05)),
        // Nothing is asked here: a thread that wakes a task is two switches more than a futex.
        row("park-one-cpu", park_same, futex_same, None),
    ]
}

fn most(ratio: f64) -> Option<Asked> {
    Some(Asked::AtMost(ratio))
}
