//! Programs that are no part of this one: looked for, started, and never left behind.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{HANG, announce};

/// The first of these programs that is here.
///
/// Where none is, the test that asks is skipped, and says so; it fails where
/// `FRAMEWIRE_REQUIRE_PEERS` is 1.
pub(crate) fn find(test: &str, names: &[&'static str]) -> Option<&'static str> {
    let is_here = |name: &&&str| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|directory| directory.join(name).is_file())
    };
    if let Some(name) = names.iter().find(is_here) {
        return Some(name);
    }
    let missing = names.join(" or ");
    assert_ne!(
        env::var("FRAMEWIRE_REQUIRE_PEERS").as_deref(),
        Ok("1"),
        "{test} needs {missing}, and FRAMEWIRE_REQUIRE_PEERS=1 does not let it be skipped"
    );
    announce(&format!("SKIPPED: {test}: there is no {missing} here"));
    None
}

/// A program that was started, killed when this is dropped.
pub(crate) struct Program(Child);

impl Program {
    /// Starts it; standard input and output are ours.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts"))
    }

    /// Its standard output, line by line.
    pub(crate) fn lines(&mut self) -> Lines {
        Lines(BufReader::new(self.0.stdout.take().expect("not taken yet")))
    }

    /// Its standard input, closed when it is dropped.
    pub(crate) fn input(&mut self) -> std::process::ChildStdin {
        self.0.stdin.take().expect("not taken yet")
    }

    /// Waits until it ends, well.
    pub(crate) fn end(&mut self) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                assert!(status.success(), "it ended: {status}");
                return;
            }
            assert!(begun.elapsed() < HANG, "it does not end");
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program prints.
pub(crate) struct Lines(BufReader<ChildStdout>);

impl Lines {
    pub(crate) fn next(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// Runs a command to its end, which has to be a good one.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended: {}: {said}", output.status);
    output
}
