//! Two processes bounce one cache line: the floor under every shared-memory figure, measured beside
//! them because virtual CPUs move nearer and farther.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};

use crate::descriptor::inherited;
use crate::page::{self, Page};
use crate::process::{Cpus, Line, Role, Task};
use crate::stats::percentile;
use crate::trial::{Fault, Outcome, Trial};
use crate::{process, side};

/// The descriptor on which the child finds the memory.
const MEMORY: i32 = 3;
/// Round trips between two looks at the clock; one costs as much as several of them.
const STRETCH: u64 = 100;
/// Fruitless looks at the line before the clock is asked whether the peer is there at all.
const PATIENCE: u32 = 1 << 16;
/// The value that ends the game.
const OVER: u64 = u64::MAX;

/// Waits for `value`. Acquire pairs with the other process's Release store of it.
fn wait(line: &AtomicU64, value: u64, deadline: Instant) -> Result<bool, Fault> {
    for look in 1_u32.. {
        match line.load(Ordering::Acquire) {
            seen if seen == value => return Ok(true),
            OVER => return Ok(false),
            _ if look % PATIENCE == 0 && Instant::now() > deadline => break,
            _ => std::hint::spin_loop(),
        }
    }
    Err("the other process does not look at the cache line".into())
}

/// Measures from this process, with a child as the other end.
pub(crate) fn measure(trial: &Trial, cpus: &Cpus) -> Result<Outcome, Fault> {
    let memory = page::memory()?;
    let page = Page::map(&memory)?;
    let line = page.line(0);
    let task = Task { role: Role::Bounce, trial: trial.clone(), cpus: cpus.clone() };
    let (mut command, mut control) = process::command(&task)?;
    command.fd_mappings(vec![FdMapping { parent_fd: memory, child_fd: MEMORY }])?;
    let child = side::spawn(command)?;
    cpus.place(trial.pin, 0)?;

    let deadline = Instant::now() + Duration::from_secs(5);
    let (mut value, mut samples) = (0, Vec::with_capacity(1 << 16));
    let begun = Instant::now();
    while begun.elapsed() < trial.warm() + trial.window() {
        let start = Instant::now();
        for _ in 0..STRETCH {
            // Release pairs with the other process's Acquire load in `wait`; so does its answer.
            line.store(value + 1, Ordering::Release);
            wait(line, value + 2, deadline)?;
            value += 2;
        }
        if begun.elapsed() >= trial.warm() {
            samples.push(start.elapsed().as_nanos() as u32);
        }
    }
    line.store(OVER, Ordering::Release);
    match control.line(trial.limit())? {
        Line::Done(_) => drop(child),
        other => return Err(format!("{other:?} instead of the end").into()),
    }
    let micros = |nanos: u32| f64::from(nanos) / 1e3 / STRETCH as f64;
    Ok(Outcome {
        messages: value / 2,
        p50_us: micros(percentile(&mut samples, 0.5)),
        p99_us: micros(percentile(&mut samples, 0.99)),
        ..Outcome::default()
    })
}

/// The other end: answers every odd value with the next even one.
pub(crate) fn bounce() -> Result<Outcome, Fault> {
    let page = Page::map(inherited(MEMORY)?)?;
    let line = page.line(0);
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut value = 1;
    while wait(line, value, deadline)? {
        line.store(value + 1, Ordering::Release);
        value += 2;
    }
    Ok(Outcome::default())
}
