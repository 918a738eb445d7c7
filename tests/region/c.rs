//! A program in C that has the same `struct`.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use framewire::shm::region::{self, Region};
use tempfile::TempDir;

use super::{
    Name,
    common::{HANG, is_installed},
};

/// `struct shared { _Atomic uint64_t counter; char message[56]; }`.
const LEN: usize = 64;
const COUNTER: usize = 0;
const MESSAGE: usize = 8;

const ROUNDS: u64 = 100_000;

/// The compiled program, as long as the directory lives.
fn compiled() -> Option<(TempDir, PathBuf)> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    if !is_installed(&compiler) {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("peer.c"), directory.path().join("peer"));
    std::fs::write(&source, include_str!("peer.c")).unwrap();
    let mut command = Command::new(compiler);
    // Some C libraries have shm_open in a library of its own.
    command.args(["-O2", "-Wall", "-Werror", "-o"]).arg(&program).arg(&source).arg("-lrt");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((directory, program))
}

fn counter(region: &Region) -> &AtomicU64 {
    region.atomic(COUNTER).unwrap()
}

/// C's string.
fn message(region: &Region) -> String {
    let mut bytes = [0; LEN - MESSAGE];
    region.read(MESSAGE, &mut bytes).unwrap();
    let text = bytes.split(|byte| *byte == 0).next().unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

/// Waits until the other side has begun to count from here, and counts beside it.
fn count(region: &Region, start: u64, child: &mut Child) {
    let (counter, begun) = (counter(region), Instant::now());
    while counter.load(Ordering::Relaxed) == start {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "it ended: {status}");
        }
        assert!(begun.elapsed() < HANG, "it does not count");
        std::thread::yield_now();
    }
    for _ in 0..ROUNDS {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn ends_well(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "it ended: {status}");
}

#[test]
fn c_opens_what_rust_has_made() {
    let Some((_directory, program)) = compiled() else { return };
    // As long as a name can be.
    let mut name = Name::new();
    name.0.push_str(&"n".repeat(256 - name.0.len()));
    let region = region::create(&name.0, LEN).unwrap();
    region.write(MESSAGE, b"hello from Rust\0").unwrap();
    let mut child = Command::new(program).args(["open", &name.0]).spawn().unwrap();
    count(&region, 0, &mut child);
    ends_well(child);
    assert_eq!(counter(&region).load(Ordering::Relaxed), 2 * ROUNDS);
    assert_eq!(message(&region), "hello from C");
    assert!(name.is_there());
    drop(region);
    assert!(!name.is_there());
}

#[test]
fn rust_opens_what_c_has_made() {
    let Some((_directory, program)) = compiled() else { return };
    let name = Name::new();
    let mut command = Command::new(program);
    let mut child = command.args(["create", &name.0]).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "made\n");
    let region = region::open(&name.0).unwrap().expect_len(LEN).unwrap();
    assert_eq!(region.name(), Some(&*name.0));
    assert_eq!(message(&region), "made by C");

    region.write(MESSAGE, b"hello from Rust\0").unwrap();
    // Partner: `atomic_load` in peer.c, which reads the message after it.
    counter(&region).fetch_add(1, Ordering::Release);
    count(&region, 2, &mut child);
    ends_well(child);
    assert_eq!(counter(&region).load(Ordering::Relaxed), 2 + 2 * ROUNDS);
    assert_eq!(message(&region), "hello from C");
    // The name went with its maker, the region stays with us.
    assert!(!name.is_there());
    drop(region);
}

#[test]
fn c_inherits_what_rust_has_made() {
    let Some((_directory, program)) = compiled() else { return };
    let name = Name::new();
    for region in [region::anonymous(LEN).unwrap(), region::create(&name.0, LEN).unwrap()] {
        region.write(MESSAGE, b"hello from Rust\0").unwrap();
        let mut command = Command::new(&program);
        region.pass_to(&mut command, "SHARED").unwrap();
        let mut child = command.args(["inherit", "SHARED"]).spawn().unwrap();
        count(&region, 0, &mut child);
        ends_well(child);
        assert_eq!(counter(&region).load(Ordering::Relaxed), 2 * ROUNDS);
        assert_eq!(message(&region), "hello from C");
    }
}
