//! Other crates' shared memory beside framewire's, measured by the harness of `cargo bench`.
//!
//! ```text
//! cargo run --release --manifest-path benches/rivals/Cargo.toml -- [OPTIONS]
//! ```
//!
//! Options, placement, repetitions and output are those of `benches/main.rs`; `--list` prints the
//! rows. A row begins with the rival that ours is beside, and then has ours: `lent` is received as
//! a slice that is lent, `many` are received many at a time, `loaned` is also written where it will
//! be read; without a word, messages are owned `Bytes` of a `Stream` and `Sink`.
//!
//! - **iceoryx2**: publish and subscribe, a service each way, the subscriber busy polling, which is
//!   the fastest that it has. Its samples are written and read in place; it batches nothing, so that
//!   it is the same beside our batched and our flushed rows.
//! - **shmem-ipc**: its ring of 64-bit words and its eventfds in tokio's `AsyncFd`. It has no
//!   messages: the records in it are ours, and read in place.
//!
//! What answers a round trip sends a message of its own, of the same number: a lent one is gone
//! when it has been looked at. It is so for the rivals in all rows, and costs a copy each way on
//! either side.

mod iceoryx2;
mod records;
mod rows;
mod shmem_ipc;
mod subject;

// The harness of the benches, of which not all is used here.
#[allow(dead_code)]
#[path = "../../allocations.rs"]
mod allocations;
#[allow(dead_code)]
#[path = "../../arguments.rs"]
mod arguments;
#[allow(dead_code)]
#[path = "../../cacheline.rs"]
mod cacheline;
#[allow(dead_code)]
#[path = "../../descriptor.rs"]
mod descriptor;
#[allow(dead_code)]
#[path = "../../goals.rs"]
mod goals;
#[allow(dead_code)]
#[path = "../../idle.rs"]
mod idle;
#[allow(dead_code)]
#[path = "../../link.rs"]
mod link;
#[allow(dead_code)]
#[path = "../../load.rs"]
mod load;
#[allow(dead_code)]
#[path = "../../message.rs"]
mod message;
#[allow(dead_code)]
#[path = "../../page.rs"]
mod page;
#[allow(dead_code)]
#[path = "../../process.rs"]
mod process;
#[allow(dead_code)]
#[path = "../../report.rs"]
mod report;
#[allow(dead_code)]
#[path = "../../row.rs"]
mod row;
#[allow(dead_code)]
#[path = "../../run.rs"]
mod run;
#[allow(dead_code)]
#[path = "../../shm.rs"]
mod shm;
#[allow(dead_code)]
#[path = "../../side.rs"]
mod side;
#[allow(dead_code)]
#[path = "../../stats.rs"]
mod stats;
#[allow(dead_code)]
#[path = "../../trial.rs"]
mod trial;

fn main() -> std::process::ExitCode {
    run::main("cargo run --release --manifest-path benches/rivals/Cargo.toml --", rows::all)
}
