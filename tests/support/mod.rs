//! What the tests with other processes share: how a test program starts itself again, random
//! numbers that can be had again, and what the system knows of a process.

// Each test program uses its part of this.
#![allow(dead_code)]

pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod role;

use std::{io::Write, time::Duration};

/// No step of a test takes this long unless it hangs, however slow the machine.
pub(crate) const HANG: Duration = Duration::from_secs(30);

/// Prints a line that is seen even where the test passes: the test harness keeps back what the
/// print macros write, and not this.
pub(crate) fn announce(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
