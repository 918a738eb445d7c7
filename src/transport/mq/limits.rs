//! Why a queue cannot be made, in terms of the limit that is in the way.

use std::io;

use crate::{
    Error, ErrorKind,
    sys::{self, QueueSizes},
};

/// What Linux makes where nobody says otherwise; used where `/proc` is not to be read.
const USUAL: QueueSizes = QueueSizes { capacity: 10, max_len: 8192 };
/// What each message takes beside its bytes, by getrlimit(2): the kernel's two structures for it.
const BESIDE: u64 = 96;

/// The sizes of a queue that is made, where some were left to the system.
pub(super) fn sizes(capacity: Option<usize>, max_len: Option<usize>) -> QueueSizes {
    // mq_overview(7): the default, unless the limit is lower.
    let usual = |default: &str, limit: &str, usual| {
        let default = sys::queue_limit(default).unwrap_or(usual);
        sys::queue_limit(limit).map_or(default, |limit| default.min(limit))
    };
    QueueSizes {
        capacity: capacity.unwrap_or_else(|| usual("msg_default", "msg_max", USUAL.capacity)),
        max_len: max_len.unwrap_or_else(|| usual("msgsize_default", "msgsize_max", USUAL.max_len)),
    }
}

/// What no queue goes beyond, whatever the limits and whoever makes it; mq_overview(7).
const MOST: QueueSizes = QueueSizes { capacity: 65_536, max_len: 16 << 20 };

/// Says which limit the kernel refused such a queue for, with its value and what raises it.
pub(super) fn explain(cause: io::Error, sizes: QueueSizes) -> Error {
    let QueueSizes { capacity, max_len } = sizes;
    match cause.raw_os_error() {
        Some(libc::EINVAL) => refused_sizes(cause, sizes),
        // Also said to who has no number of its own where it is.
        Some(libc::EOVERFLOW) if capacity.checked_mul(max_len).is_none() => too_many_bytes(sizes),
        Some(libc::EMFILE) if !sys::lacks_descriptors() => too_many_bytes(sizes),
        Some(libc::ENOSPC) => {
            let limit = shown(sys::queue_limit("queues_max"));
            let cause = format!("the system has as many queues as it may, limit {limit}");
            Error::new(ErrorKind::Exhausted, cause)
                .remedy("remove some with `mq::remove`, or raise it: sysctl fs.mqueue.queues_max")
        }
        Some(libc::ENOSYS) => {
            Error::new(ErrorKind::Unsupported, "this kernel has no POSIX message queues")
        }
        _ => Error::from(cause)
            .doing(format!("make a queue of {capacity} messages of {max_len} bytes")),
    }
}

fn refused_sizes(cause: io::Error, QueueSizes { capacity, max_len }: QueueSizes) -> Error {
    let limits = [
        ("messages", "capacity", capacity, "msg_max", MOST.capacity),
        ("bytes a message", "max_len", max_len, "msgsize_max", MOST.max_len),
    ];
    for (what, option, asked, name, most) in limits {
        if asked == 0 {
            let cause = format!("a queue of no {what}");
            return Error::new(ErrorKind::Unsupported, cause)
                .remedy(format!("set `mq::Options::{option}` to 1 or more"));
        }
        if asked > most {
            let cause = format!("a queue of {asked} {what}, limit {most}, wherever");
            return Error::new(ErrorKind::Unsupported, cause)
                .remedy(format!("lower `mq::Options::{option}`: no Linux has more"));
        }
        let Some(limit) = sys::queue_limit(name).filter(|limit| asked > *limit) else { continue };
        let cause = format!("a queue of {asked} {what}, limit {limit}");
        return Error::new(ErrorKind::Unsupported, cause).remedy(format!(
            "lower `mq::Options::{option}`, or raise the limit: sysctl fs.mqueue.{name}={asked}"
        ));
    }
    Error::from(cause).doing(format!("make a queue of {capacity} messages of {max_len} bytes"))
}

/// The bytes of all queues are counted for a user, and limited by a process.
fn too_many_bytes(QueueSizes { capacity, max_len }: QueueSizes) -> Error {
    let (capacity, max_len) = (capacity as u64, max_len as u64);
    let bytes = capacity.saturating_mul(max_len.saturating_add(BESIDE));
    let limit = shown(sys::queue_bytes_limit());
    let cause = format!(
        "a queue of {capacity} messages of {max_len} bytes takes {bytes} bytes, and all queues of \
         our user may take {limit} (RLIMIT_MSGQUEUE)"
    );
    Error::new(ErrorKind::Exhausted, cause)
        .remedy("remove some with `mq::remove`, ask for less, or raise the limit: ulimit -q")
}

fn shown(limit: Option<impl ToString>) -> String {
    limit.map_or("unknown".into(), |limit| limit.to_string())
}
