//! How the tests of the wait layer run: on which runtimes, within which time, on which numbers, and
//! alone in a process where they must.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};

/// What takes this long hangs.
pub const HANG: Duration = Duration::from_secs(10);

pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub const FLAVOURS: [fn() -> Runtime; 2] = [current_thread, multi_thread];

/// Numbers below `bound`, from a seed that is printed.
pub fn random() -> impl FnMut(u64) -> u64 {
    let mut state = RandomState::new().hash_one("seed") | 1;
    println!("seed {state}");
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % bound
    }
}

/// Runs a test again as the only one of a process, for what can only be seen, or done, there.
#[cfg(target_os = "linux")]
pub fn alone(name: &str, test: impl FnOnce()) {
    const MARK: &str = "FRAMEWIRE_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return test();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{complained}");
}
