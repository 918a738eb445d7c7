//! A global allocator that counts, so that "no allocation per message" is a figure.
//!
//! Counting is off unless a measurement asks for it: then each allocation costs one more atomic
//! addition, otherwise one relaxed load, the same for both subjects.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(false);
static TAKEN: AtomicU64 = AtomicU64::new(0);
static APART: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counted.
struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

// The counters order nothing: they are read by the thread that runs the measured task, or after
// it has ended, and a count that lags by one allocation is a right count. So all are `Relaxed`.
fn note() {
    if COUNTING.load(Ordering::Relaxed) {
        TAKEN.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to `System` as it came; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: `pointer` came from `System` through this allocator, with this `layout`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` through this allocator, with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Counts from now on, for the rest of the process, or stops.
pub(crate) fn count(on: bool) {
    COUNTING.store(on, Ordering::Relaxed);
}

/// Allocations so far, without those made under [`apart`].
pub(crate) fn taken() -> u64 {
    TAKEN.load(Ordering::Relaxed).saturating_sub(APART.load(Ordering::Relaxed))
}

/// Runs `work` of the harness itself, whose allocations are not the subject's.
pub(crate) fn apart<T>(work: impl FnOnce() -> T) -> T {
    let before = TAKEN.load(Ordering::Relaxed);
    let result = work();
    APART.fetch_add(TAKEN.load(Ordering::Relaxed) - before, Ordering::Relaxed);
    result
}
