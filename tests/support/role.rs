//! This test program once more, as another process with a part to play.
//!
//! The part is a test that passes at once in a process to which nobody gave it: the harness needs
//! to know nothing of it, and the process is one of the same program whatever built it.

use std::{env, process::Command};

/// A command for this program to run only `test`, which finds its part in the variable `key`.
///
/// What it prints is not kept back, and its output is its own to redirect.
pub(crate) fn command(test: &str, key: &str, part: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("a path of its own"));
    command
        .args(["--exact", test, "--quiet", "--nocapture", "--test-threads=1"])
        .env(key, part)
        // A panic of a part is a line, for the test that started it to explain.
        .env("RUST_BACKTRACE", "0");
    command
}

/// The part of this process, if it was given one.
pub(crate) fn part(key: &str) -> Option<String> {
    env::var(key).ok()
}
