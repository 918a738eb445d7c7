//! What a process has had of the CPUs, as the system tells: Linux.

use std::fs;

/// How often the threads of a process have given up a CPU or lost one; proc_pid_status(5).
pub(crate) fn switches(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_one = |status: String| {
        let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
        lines.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum::<u64>()
    };
    tasks.map(|task| of_one(fs::read_to_string(task.unwrap().path().join("status")).unwrap())).sum()
}

/// How long a process has run, in ticks of 10 ms; proc_pid_stat(5).
pub(crate) fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Its name, in brackets, can hold anything; behind it the fields are numbered from 3.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(14 - 3).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
