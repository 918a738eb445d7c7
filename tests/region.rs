//! Raw shared memory: what a region holds, who gets at it, and what is left of it.
#![cfg(target_os = "linux")]
// All of it is tests, whatever function it is in.
#![allow(clippy::unwrap_used)]

#[path = "region/c.rs"]
mod c;
#[path = "region/children.rs"]
mod children;
mod common;
#[path = "region/names.rs"]
mod names;
#[path = "region/users.rs"]
mod users;

use std::{
    path::PathBuf,
    process::id,
    sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

use common::{Census, role};
use framewire::{ErrorKind, shm::region};

/// A name that no other test has, removed if it is left.
struct Name(String);

impl Name {
    fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the numbers have to differ, and order nothing.
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        Self(format!("/framewire-test-{}-{n}", id()))
    }

    fn path(&self) -> PathBuf {
        format!("/dev/shm{}", self.0).into()
    }

    fn is_there(&self) -> bool {
        self.path().symlink_metadata().is_ok()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}

/// Passes at once, unless this process was started in a role.
#[test]
fn role() {
    role::play(&[
        ("leaves nothing", leaves_nothing),
        ("counts", children::counts),
        ("refuses", children::refuses),
        ("touches", children::touches),
        ("opens", users::opens),
        ("makes and waits", names::makes_and_waits),
        ("races", names::races),
        ("umasks", names::umasks),
    ]);
}

#[test]
fn nothing_is_left_behind() {
    role::must_pass("leaves nothing");
}

fn leaves_nothing() {
    let name = Name::new();
    let round = || {
        let made = region::create(&name.0, 10_000).unwrap();
        let opened = region::open(&name.0).unwrap();
        let hidden = region::anonymous(10_000).unwrap();
        let mut command = std::process::Command::new("true");
        hidden.pass_to(&mut command, "HIDDEN").unwrap();
        drop((made, opened, hidden, command));
        assert!(!name.is_there());
        region::open(&name.0).unwrap_err();
        region::create(&name.0, 0).unwrap_err();
        region::create("no slash", 1).unwrap_err();
        let refused = region::Options::new().create_with(&name.0, 10, |region| {
            region.write(0, &[1])?;
            region.write(10, &[1])
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Address);
        assert!(!name.is_there(), "it never had its name");
    };
    round();
    let (before, mapped) = (Census::take(), mappings());
    for _ in 0..100 {
        round();
    }
    before.assert_back();
    assert_eq!(mappings(), mapped);
}

/// How much of our memory is shared.
fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("framewire-") && line.contains(" rw-s ")).count()
}

/// Compiles, or does not.
#[test]
fn a_region_is_for_all_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<region::Region>();
}

#[test]
fn what_is_not_within_is_refused_whole() {
    let region = region::anonymous(100).unwrap();
    assert_eq!(region.len(), 100);
    let refused = |result: framewire::Result<()>, says: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(region.read(100, &mut [0]), "1 bytes at 100, in a region of 100");
    refused(region.read(0, &mut [0; 101]), "101 bytes at 0, in a region of 100");
    refused(region.write(99, &[1; 2]), "2 bytes at 99");
    refused(region.write(usize::MAX, &[1; 2]), "a region of 100");
    refused(region.fill(1, 100, 1), "100 bytes at 1");
    refused(region.fill(1, usize::MAX, 1), "a region of 100");
    refused(region.atomic::<AtomicU64>(93).map(drop), "8 bytes at 93");
    refused(region.atomic::<AtomicU64>(4).map(drop), "4 is no multiple of 8");
    refused(region.atomic::<AtomicU8>(usize::MAX).map(drop), "1 bytes");
    refused(region.atomics::<AtomicU32>(0, 26).map(drop), "104 bytes at 0");
    refused(region.atomics::<AtomicU32>(0, usize::MAX).map(drop), "a region of 100");
    refused(region.atomics::<AtomicU32>(50, 2).map(drop), "50 is no multiple of 4");

    let mut bytes = [7; 100];
    region.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 100]);
    region.read(100, &mut []).unwrap();
    region.atomic::<AtomicU8>(99).unwrap().store(3, Ordering::Relaxed);
    region.atomic::<AtomicI64>(88).unwrap().store(-2, Ordering::Relaxed);
    region.write(1, b"hello").unwrap();
    region.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes[..7], b"\0hello\0");
    assert_eq!(bytes[88..96], (-2_i64).to_ne_bytes());
    assert_eq!(bytes[99], 3);
}

#[test]
fn no_region_is_without_bytes() {
    let name = Name::new();
    for error in [region::anonymous(0).unwrap_err(), region::create(&name.0, 0).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    }
    assert!(!name.is_there());
}

/// More than a full disc has.
#[test]
fn what_there_is_no_memory_for_is_said_at_once() {
    let name = Name::new();
    let space = rustix::fs::statvfs("/dev/shm").unwrap();
    let all = usize::try_from(space.f_blocks * space.f_frsize);
    let Some(all) = all.ok().filter(|all| *all > 0) else {
        eprintln!("!!! skipped: /dev/shm has no limit here that can be counted up to");
        return;
    };
    let error = region::create(&name.0, all + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
    assert!(error.to_string().contains("there is no memory for"), "{error}");
    assert!(!name.is_there());

    // One of a program that has asked for its length and no more.
    let sparse = std::fs::File::create_new(name.path()).unwrap();
    rustix::fs::fchmod(&sparse, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    sparse.set_len(all as u64 + 1).unwrap();
    let error = region::open(&name.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
}

#[test]
fn several_threads_are_at_it() {
    let region = region::anonymous(4096).unwrap();
    let count = || {
        let counter = region.atomic::<AtomicU64>(8).unwrap();
        for round in 0..10_000_u32 {
            counter.fetch_add(1, Ordering::Relaxed);
            region.write(101, &round.to_ne_bytes()).unwrap();
            let mut bytes = [0; 64];
            region.read(90, &mut bytes).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(count);
        }
    });
    assert_eq!(region.atomic::<AtomicU64>(8).unwrap().load(Ordering::Relaxed), 40_000);
}

/// A descriptor from another process is as good as the seals that it has.
#[test]
fn a_descriptor_that_was_sent_is_judged() {
    use std::{
        fs::File,
        os::fd::{AsFd, OwnedFd},
    };

    use rustix::fs::{MemfdFlags, memfd_create};

    let adopted = |fd: OwnedFd| region::Region::from_fd(fd).map_err(|error| error.kind());
    let ours = region::anonymous(64).unwrap();
    ours.write(3, b"hello").unwrap();
    let theirs = adopted(ours.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let mut bytes = [0; 5];
    theirs.read(3, &mut bytes).unwrap();
    assert_eq!(&bytes, b"hello");

    let loose = memfd_create("loose", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&loose, 64).unwrap();
    assert_eq!(adopted(loose).unwrap_err(), ErrorKind::Denied);
    assert_eq!(adopted(tempfile::tempfile().unwrap().into()).unwrap_err(), ErrorKind::Denied);
    for odd in ["/dev/null", "/", "/proc/self/exe"] {
        assert_eq!(adopted(File::open(odd).unwrap().into()).unwrap_err(), ErrorKind::Malformed);
    }
}

/// An anonymous region keeps its length whoever has it.
#[test]
fn an_anonymous_region_cannot_be_made_shorter() {
    use std::os::fd::AsFd;

    let region = region::anonymous(100).unwrap();
    rustix::fs::ftruncate(region.as_fd(), 50).unwrap_err();
    rustix::fs::ftruncate(region.as_fd(), 5000).unwrap_err();
    region.fill(0, 100, 1).unwrap();
}

/// Whatever is asked for, it is an error that says so, and nothing is left.
#[test]
fn no_machine_has_so_much() {
    let name = Name::new();
    for len in [usize::MAX, usize::MAX - 4095, isize::MAX as usize, 1 << 63, 1 << 62] {
        for made in [region::anonymous(len), region::create(&name.0, len)] {
            let error = made.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{len}: {error}");
            assert!(!name.is_there());
        }
    }
}
