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
//! | `unix/flushed/1K` | one way, `send` |
//! | `unix:park-one-cpu/…` | our `Park` strategy with both processes on one CPU |
//! | `multi/…` | the same under tokio's multi-thread runtime with two workers |
//! | `alloc/…` | allocations a message, on the side that makes more of them |
//! | `busy/unix/1000` | as many connections, one message in flight on each, beside `Park` |
//! | `idle/unix/1000` | context switches of both processes in five seconds of quiet |
//! | `lim-cacheline` | a cache line that bounces between the processes: the floor here and now |
//! | `lim-harness` | messages of 64 bytes made and checked with no transport in between |
//!
//! "By hand" is tokio's own type for the mechanism in `Framed<_, LengthDelimitedCodec>`, all
//! defaults, TCP with no delay.

#[cfg(target_os = "linux")]
mod allocations;
#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod byhand;
#[cfg(target_os = "linux")]
mod cacheline;
#[cfg(target_os = "linux")]
mod goals;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod ours;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod row;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod side;
#[cfg(target_os = "linux")]
mod stats;
#[cfg(target_os = "linux")]
mod trial;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::main()
}

/// Pinning, `/proc` and memfd are Linux's; elsewhere there is nothing to compare with yet.
#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the benches run on Linux only");
}
