//! The rows: each rival beside ours, and what is asked.

use crate::arguments::Arguments;
use crate::goals::Asked;
use crate::row::{self, Row, size};
use crate::trial::{Kind, Mechanism, Pin, Subject, Trial, Waiting, Way};

use Kind::{Batched, Flushed, RoundTrip};
use Way::{Lent, Loaned, Many, Owned};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What of ours is beside a rival, and what is asked of the ratio.
type Shape = (Way, Kind, usize, Option<Asked>);

const fn most(ratio: f64) -> Option<Asked> {
    Some(Asked::AtMost(ratio))
}

const fn least(ratio: f64) -> Option<Asked> {
    Some(Asked::AtLeast(ratio))
}

const ICEORYX2: &[Shape] = &[
    (Owned, RoundTrip, 64, most(0.4)),
    (Owned, RoundTrip, KIB, most(0.45)),
    (Owned, RoundTrip, 64 * KIB, None),
    (Lent, RoundTrip, 64, most(0.4)),
    (Lent, RoundTrip, KIB, most(0.45)),
    (Lent, RoundTrip, 64 * KIB, most(0.65)),
    (Owned, Batched, 64, least(8.0)),
    (Many, Batched, 64, least(10.0)),
    (Lent, Batched, 64, least(10.0)),
    (Owned, Batched, KIB, None),
    (Lent, Batched, KIB, least(5.0)),
    (Owned, Batched, 64 * KIB, None),
    (Lent, Batched, 64 * KIB, least(1.15)),
    (Lent, Batched, MIB, None),
    (Owned, Flushed, 64, least(5.0)),
    (Lent, Flushed, 64, least(5.0)),
    (Loaned, Flushed, 64, None),
    (Loaned, Flushed, MIB, None),
];

const SHMEM_IPC: &[Shape] = &[
    (Owned, RoundTrip, 64, most(0.005)),
    (Lent, Batched, 64, least(3.0)),
    (Lent, Batched, KIB, least(2.0)),
    (Lent, Batched, 64 * KIB, least(1.8)),
    (Lent, Batched, MIB, None),
    (Owned, Flushed, 64, None),
];

/// All rows, in the order of the table.
pub(crate) fn all(arguments: &Arguments) -> Vec<Row> {
    let mut rows = Vec::from(row::limits(arguments));
    for (rival, shapes) in [(Subject::Iceoryx2, ICEORYX2), (Subject::ShmemIpc, SHMEM_IPC)] {
        rows.extend(shapes.iter().map(|shape| beside(arguments, rival, shape)));
    }
    rows.push(park_on_one_cpu(arguments));
    rows
}

fn beside(arguments: &Arguments, rival: Subject, shape: &Shape) -> Row {
    let (way, kind, bytes, asked) = *shape;
    let ours = Trial { way, ..arguments.trial(Mechanism::Shm, kind, bytes) };
    let way = match way {
        Owned => "",
        Many => ":many",
        Lent => ":lent",
        Loaned => ":loaned",
    };
    let name = format!("{}{way}/{}/{}", rival.name(), kind.name(), size(bytes));
    let theirs = theirs(rival, &ours);
    Row::pair(name, ours, theirs, asked)
}

/// The rival writes in place what ours does.
fn theirs(rival: Subject, ours: &Trial) -> Trial {
    let way = if ours.way == Loaned { Loaned } else { Lent };
    Trial { subject: rival, waiting: Waiting::Default, way, ..ours.clone() }
}

/// Who waits in the kernel, where that is cheap.
fn park_on_one_cpu(arguments: &Arguments) -> Row {
    let trial = arguments.trial(Mechanism::Shm, RoundTrip, 64);
    let ours = Trial { waiting: Waiting::Park, pin: Pin::Same, ..trial };
    let theirs = theirs(Subject::ShmemIpc, &ours);
    Row::pair("shmem-ipc:park-one-cpu/rtt/64".into(), ours, theirs, most(0.75))
}
