//! What a process has, to be compared before and after.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

/// How long what is on its way out may take.
const SETTLING: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// After so many looks that saw the same, no thread is about to end: each had its turn.
const QUIET: u32 = 20;

/// The descriptors of this process by what they are, and the number of its threads.
///
/// It counts the whole process: only one that runs nothing else beside can learn from it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Census {
    descriptors: BTreeMap<String, usize>,
    threads: usize,
}

impl Census {
    /// Counts now.
    pub(crate) fn take() -> Self {
        let mut descriptors = BTreeMap::new();
        for entry in fs::read_dir("/proc/self/fd").unwrap() {
            let target = fs::read_link(entry.unwrap().path());
            // The one that this directory is read through is there and gone again.
            let Ok(target) = target.map(|target| target.display().to_string()) else { continue };
            if target.contains("/proc/") {
                continue;
            }
            // Sockets and pipes have numbers behind a colon.
            let kind = target.split(":[").next().unwrap_or_default().to_owned();
            *descriptors.entry(kind).or_default() += 1;
        }
        Self { descriptors, threads: fs::read_dir("/proc/self/task").unwrap().count() }
    }

    /// Counts once all that is on its way out is gone: nothing changed for a while.
    pub(crate) fn settled() -> Self {
        let begun = Instant::now();
        let (mut last, mut same) = (Self::take(), 0);
        while same < QUIET && begun.elapsed() < SETTLING {
            std::thread::sleep(PAUSE);
            let now = Self::take();
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }

    /// Fails unless the process comes to have what it had.
    pub(crate) fn assert_back(&self) {
        let begun = Instant::now();
        loop {
            let now = Self::take();
            if now == *self {
                return;
            }
            // A thread that was joined can be listed for a moment longer.
            assert!(begun.elapsed() < SETTLING, "before: {self:?}\nafter: {now:?}");
            std::thread::sleep(PAUSE);
        }
    }
}
