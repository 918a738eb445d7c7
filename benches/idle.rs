//! Whether idle connections cause wake-ups: a second of quiet, then the context switches of every
//! thread of both processes.
//!
//! Both processes are children, so that the one that watches them does not count itself.

use std::fs;
use std::time::Duration;

use crate::process::{Cpus, Line, Role, Task};
use crate::trial::{Fault, Trial};
use crate::{process, side};

/// Context switches of a process, over all of its threads, voluntary and not.
fn switches(pid: u32) -> Result<u64, Fault> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        for line in status.lines().filter(|line| line.contains("ctxt_switches:")) {
            let count = line.rsplit(char::is_whitespace).next().unwrap_or_default();
            sum += count.parse::<u64>()?;
        }
    }
    Ok(sum)
}

/// Holds the trial's connections open and returns the context switches of both sides within its
/// window.
pub(crate) fn measure(trial: &Trial, cpus: &Cpus) -> Result<u64, Fault> {
    let task = Task { role: Role::Drive, trial: trial.clone(), cpus: cpus.clone() };
    let (command, mut control) = process::command(&task)?;
    let mut driver = side::spawn(command)?;
    let watched = [driver.0.id(), side::ready(&mut control)?.0];
    match control.line(trial.limit())? {
        Line::Held => {}
        other => return Err(format!("{other:?} instead of held connections").into()),
    }
    std::thread::sleep(trial.warm());
    let before = all(&watched)?;
    std::thread::sleep(trial.window());
    let after = all(&watched)?;
    // The server sees its connections end, and ends.
    driver.0.kill()?;
    driver.0.wait()?;
    gone(watched[1])?;
    Ok(after - before)
}

fn all(pids: &[u32]) -> Result<u64, Fault> {
    pids.iter().map(|pid| switches(*pid)).sum()
}

/// Waits until a process that is not our child has ended.
fn gone(pid: u32) -> Result<(), Fault> {
    for _ in 0..500 {
        match fs::read_to_string(format!("/proc/{pid}/stat")) {
            // Nobody may be there to reap it: a dead process is as good as none.
            Ok(stat) if !stat.contains(") Z ") => std::thread::sleep(Duration::from_millis(10)),
            _ => return Ok(()),
        }
    }
    Err(format!("process {pid} outlives its connections").into())
}
