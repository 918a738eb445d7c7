//! How fast every mechanism is beside what a program does by hand, and whether the figures asked
//! are met.
//!
//! Each row is measured between two real processes (this binary starts itself again), in five
//! interleaved repetitions of ours and of the baseline; a ratio is one of medians within a run and
//! says nothing about any other machine. The receiver checks length and sequence number of every
//! message. `cargo bench --bench mechanisms -- --help` lists the options.
//!
//! | row | what is measured |
//! |---|---|
//! | `unix/rtt/64` | round trip of one message of 64 bytes, one in flight: p50 / p99 |
//! | `unix/batched/1K` | one way, `feed` with a `flush` every 64 KiB |
//! | `unix/flushed/1K` | one way, `send`: all that there is where every message is a call of its own |
//! | `unix:park-one-cpu/…` | our `Park` strategy with both processes on one CPU |
//! | `multi/…` | the same under tokio's multi-thread runtime with two workers |
//! | `alloc/…` | allocations a message, on the side that makes more of them |
//! | `busy/unix/1000` | as many connections, one message in flight on each, beside `Park` |
//! | `idle/unix/1000` | context switches of both processes in five seconds of quiet |
//! | `lim-cacheline` | a cache line that bounces between the processes: the floor here and now |
//! | `shm:lent/…` | shared memory, received as a slice that is lent; `many`: many at a time |
//! | `shm:loaned/…` | the same, also written where it will be read |
//! | `shm:spin/…` | our `Spin`, lent and loaned, beside the cache line; `park` beside an eventfd in `AsyncFd` |
//! | `mq:descriptor/…` | a descriptor in epoll beside a thread that blocks; `-park`: without spins |
//! | `mq:spin/…` | our `Spin`, for which epoll watches nothing, beside the default |
//! | `mq:packed/…` | many messages in one of the queue's, beside one in each by hand |
//! | `signal:ring/…` | messages in a ring of shared memory, one signal for every 64 KiB of them |
//! | `semaphore:…/rtt` | a token there and back over two semaphores: no bytes, two hand-overs |
//! | `lim-harness` | messages of 64 bytes made and checked with no transport in between |
//!
//! Rows begin with their module's name: `unix`, `unix:seqpacket`, `unix:datagram`, `pipe`, `fifo`,
//! `tcp`, `tls` (with the feature of that name), `udp`, `shm`, `mq`, `signal`, `semaphore`.
//!
//! "By hand" is tokio's own type for the mechanism in `Framed<_, LengthDelimitedCodec>`, all
//! defaults, TCP with no delay. For sockets whose every message is a call it is that call in
//! `AsyncFd`: recv(2) into one buffer, from which nothing is copied, and send(2); registered for
//! one direction where messages go in one. Ours is a listener's connection at the serving side and
//! `connect` at the other, for datagrams as well, where a listener tells many peers apart and the
//! baseline has one.
//!
//! `fifo` is a pair of FIFOs, a writer each. Ours is the only writer there may be (`exclusive`) where
//! messages are sent in batches or are longer than `PIPE_BUF`, and one of many otherwise.
//!
//! What a program has at hand for shared memory is the Unix socket. The column `line us` is the
//! bouncing cache line at the time of the row. Other crates with shared memory are in the package
//! `benches/rivals`.
//!
//! `tls` has tokio-rustls below the baseline; both subjects have the same certificate and
//! configuration. rustls allocates for what it encrypts, so that nothing is asked of that.
//!
//! `mq` by hand is mq_receive(3) and mq_send(3) in `AsyncFd`, a queue each way with the system's
//! attributes. `signal` by hand is sigqueue(3) with eight bytes and a signalfd(2) in `AsyncFd` that is
//! read into room for 64; where the system keeps no more signals, it tries again after 1 ms,
//! 2, 4, 8 and each 16, as ours does. Both
//! processes let no more than 16,384 wait, and have the signal blocked from their first instruction
//! on, but for `queued`, whose signal is another one and not blocked.
//!
//! `semaphore:adaptive` is beside sem_wait(3) and sem_post(3), `park` beside futex(2) on a word of
//! shared memory: calls that block the only thread of their process, without a runtime.
//!
//! Datagrams and queues have no end: both subjects take an empty message for it. `udp` drops what its receiver
//! is too slow for: a rate is that of what came, numbers must grow, and none may be missing in a
//! round trip.

#[cfg(target_os = "linux")]
mod allocations;
#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod byhand;
#[cfg(target_os = "linux")]
mod cacheline;
#[cfg(all(target_os = "linux", feature = "tls"))]
mod certificate;
#[cfg(target_os = "linux")]
mod descriptor;
#[cfg(target_os = "linux")]
mod goals;
#[cfg(target_os = "linux")]
mod halves;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod mask;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod ours;
#[cfg(target_os = "linux")]
mod page;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod queues;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod row;
#[cfg(target_os = "linux")]
mod rows;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod semaphores;
#[cfg(target_os = "linux")]
mod shm;
#[cfg(target_os = "linux")]
mod side;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod stats;
#[cfg(target_os = "linux")]
mod subject;
#[cfg(target_os = "linux")]
mod trial;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    if let Err(why) = mask::prepare() {
        eprintln!("{why}");
        return std::process::ExitCode::from(2);
    }
    run::main("cargo bench --bench mechanisms --", rows::all)
}

/// Pinning, `/proc` and memfd are Linux's; elsewhere there is nothing to compare with yet.
#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the benches run on Linux only");
}
