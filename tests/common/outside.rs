//! Programs that are no part of this project.

use std::{env, process::Command};

/// Whether this program can be run; where it cannot, whoever asks has to skip what it would show.
///
/// Under `FRAMEWIRE_REQUIRE_PEERS` that is a failure, so that a run that counts skips nothing.
pub(crate) fn is_installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        assert!(env::var_os("FRAMEWIRE_REQUIRE_PEERS").is_none(), "there is no {program}");
        eprintln!("!!! skipped: there is no {program}");
    }
    there
}

/// Whether Python is there and has this module; as [`is_installed`] where not.
pub(crate) fn python_has(module: &str) -> bool {
    if !is_installed("python3") {
        return false;
    }
    let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    let there = import.is_ok_and(|import| import.status.success());
    if !there {
        assert!(env::var_os("FRAMEWIRE_REQUIRE_PEERS").is_none(), "Python has no {module}");
        eprintln!("!!! skipped: Python has no {module}");
    }
    there
}
