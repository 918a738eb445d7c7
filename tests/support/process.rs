//! What Linux knows of a process.

use std::{fs, time::Duration};

/// The processor time that it has taken so far, in user and system mode: proc_pid_stat(5).
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is alive");
    // Its name, in brackets, can hold anything; behind it the fields are numbered from 3.
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |field: usize| fields[field - 3].parse::<u64>().expect("a number of ticks");
    // A tick is 10 ms wherever Rust runs on Linux, whatever the kernel itself counts in.
    Duration::from_millis(10 * (ticks(14) + ticks(15)))
}

/// Its resident memory in bytes: proc_pid_status(5).
pub(crate) fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is alive");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kib = line.trim().strip_suffix(" kB").expect("a number of KiB");
    1024 * kib.parse::<u64>().expect("a number of KiB")
}

/// How many descriptors it has open.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("it is alive").count()
}
