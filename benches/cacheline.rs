//! Two processes bounce one cache line: the floor under every shared-memory figure, measured beside
//! them because virtual CPUs move nearer and farther.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::process::{Cpus, Line, Role, Task};
use crate::stats::percentile;
use crate::trial::{Fault, Outcome, Trial};
use crate::{process, side};

const SIZE: usize = 4096;
/// The descriptor on which the child finds the memory.
const MEMORY: i32 = 3;
/// Round trips between two looks at the clock; one costs as much as several of them.
const STRETCH: u32 = 100;
/// Fruitless looks at the line before the clock is asked whether the peer is there at all.
const PATIENCE: u32 = 1 << 16;
/// The value that ends the game.
const OVER: u32 = u32::MAX;

/// A shared page, of which the first word bounces.
#[derive(Debug)]
struct Page(NonNull<AtomicU32>);

impl Page {
    fn map(memory: impl AsFd) -> Result<Self, Fault> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the place of the new mapping, so that it covers nothing of
        // ours, and the memory behind it is `SIZE` long before it is mapped anywhere.
        let address =
            unsafe { mmap(std::ptr::null_mut(), SIZE, protection, MapFlags::SHARED, memory, 0)? };
        Ok(Self(NonNull::new(address.cast()).ok_or("mapped at zero")?))
    }

    fn word(&self) -> &AtomicU32 {
        // SAFETY: the mapping lives as long as `self`, begins on a page, and both processes touch
        // the word by atomic operations only.
        unsafe { self.0.as_ref() }
    }

    /// Waits for `value`. Acquire pairs with the other process's Release store of it.
    fn wait(&self, value: u32, deadline: Instant) -> Result<bool, Fault> {
        for look in 1_u32.. {
            match self.word().load(Ordering::Acquire) {
                seen if seen == value => return Ok(true),
                OVER => return Ok(false),
                _ if look % PATIENCE == 0 && Instant::now() > deadline => break,
                _ => std::hint::spin_loop(),
            }
        }
        Err("the other process does not look at the cache line".into())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping is `SIZE` long, was made by `map`, and nothing borrows from it.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), SIZE) };
    }
}

/// Measures from this process, with a child as the other end.
pub(crate) fn measure(trial: &Trial, cpus: &Cpus) -> Result<Outcome, Fault> {
    let memory = memfd_create("cacheline", MemfdFlags::CLOEXEC)?;
    ftruncate(&memory, SIZE as u64)?;
    let page = Page::map(&memory)?;
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
            page.word().store(value + 1, Ordering::Release);
            page.wait(value + 2, deadline)?;
            value += 2;
        }
        if begun.elapsed() >= trial.warm() {
            samples.push(start.elapsed().as_nanos() as u32);
        }
    }
    page.word().store(OVER, Ordering::Release);
    match control.line(trial.limit())? {
        Line::Done(_) => drop(child),
        other => return Err(format!("{other:?} instead of the end").into()),
    }
    let micros = |nanos: u32| f64::from(nanos) / 1e3 / f64::from(STRETCH);
    Ok(Outcome {
        messages: (value / 2).into(),
        p50_us: micros(percentile(&mut samples, 0.5)),
        p99_us: micros(percentile(&mut samples, 0.99)),
        ..Outcome::default()
    })
}

/// The other end: answers every odd value with the next even one.
pub(crate) fn bounce() -> Result<Outcome, Fault> {
    let memory = File::options().read(true).write(true).open(format!("/proc/self/fd/{MEMORY}"))?;
    let page = Page::map(&memory)?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut value = 1;
    while page.wait(value, deadline)? {
        page.word().store(value + 1, Ordering::Release);
        value += 2;
    }
    Ok(Outcome::default())
}
