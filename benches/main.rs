//! How fast every mechanism is beside what a program does by hand, and whether the figures asked
//! are met.
//!
//! Each row is measured between two real processes (this binary starts itself again), in five
//! interleaved repetitions of ours and of the baseline; a ratio is one of medians within a run and
//! says nothing about any other machine. The receiver checks length and sequence number of every
//! message. `cargo bench --bench mechanisms -- --help` lists the options.

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
mod halves;
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
