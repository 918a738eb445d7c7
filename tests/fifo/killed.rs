//! What receivers leave that are killed, or let go of while somebody writes, and what becomes of it.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use framewire::{ErrorKind, fifo};
use futures::SinkExt;
#[cfg(target_os = "linux")]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    names::{entries, make, reaches},
};

/// The part of a receiver that is killed.
pub(crate) fn receives() {
    role::block_on(async {
        let _receiver = fifo::receiver(role::word()).await.unwrap();
        answer("receiving");
        next_order();
    });
}

fn receiving(path: &Path) -> Process {
    let mut command = role::command("receives");
    command.env(WORD, path);
    let mut receiver = Process::start(command);
    assert_eq!(receiver.answer(), "receiving");
    receiver
}

#[tokio::test]
async fn what_a_killed_receiver_left_is_taken_over_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    for _ in 0..3 {
        let mut killed = receiving(&path);
        let error = fifo::receiver(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
        assert!(error.to_string().contains(&killed.id().to_string()), "by whom: {error}");
        let mut old = fifo::sender(&path).await.unwrap();
        old.send("never read".into()).await.unwrap();
        killed.kill();
        assert_eq!(entries(directory.path()), ["f", "f.lock", "f.writers"]);

        let begun = Instant::now();
        let mut receiver = fifo::receiver(&path).await.unwrap();
        reaches(&mut receiver, &path).await;
        assert!(begun.elapsed() < Duration::from_secs(2));
        // Who had the old one open is not one of the new one's.
        let error = old.send("to nobody".into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        drop(receiver);
        assert_eq!(entries(directory.path()), [""; 0]);
    }
}

/// In a FIFO that somebody has open there can be the second half of a frame.
#[tokio::test]
async fn the_rest_of_a_frame_for_a_killed_receiver_is_nobody_elses() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let by_hand = directory.path().join("by hand");
    make(&by_hand, 0o600);
    for path in [&path, &by_hand] {
        let mut killed = receiving(path);
        let mut writer = File::options().write(true).open(path).unwrap();
        writer.write_all(b"\0\0\0\x0afirst").unwrap();
        // Its second half comes when nobody has read the first, or when it is lost with its reader.
        std::thread::sleep(Duration::from_millis(20));
        killed.kill();
        let mut receiver = fifo::receiver(path).await.unwrap();
        assert!(writer.write_all(b"after").is_err(), "nobody reads it");
        reaches(&mut receiver, path).await;
    }
}

/// The part of a receiver that at first has too few descriptors to take the place of another.
#[cfg(target_os = "linux")]
pub(crate) fn succeeds_late() {
    let path = role::word();
    role::block_on(async {
        let usual = getrlimit(Resource::Nofile);
        for room in 0..20 {
            // The lowest number that is free, with room for so many behind it.
            let next = File::open("/dev/null").unwrap().as_raw_fd() as u64;
            let current = Some(next + room);
            setrlimit(Resource::Nofile, Rlimit { current, maximum: usual.maximum }).unwrap();
            let receiver = fifo::receiver(&*path).await;
            setrlimit(Resource::Nofile, usual).unwrap();
            match receiver {
                Ok(_receiver) => {
                    assert!(room > 3, "it had too few");
                    answer("receiving");
                    next_order();
                    return;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}"),
            }
        }
        panic!("it had enough");
    });
}

/// However many fail in between, the one that succeeds has a new FIFO.
#[test]
#[cfg(target_os = "linux")]
fn a_successor_that_fails_does_not_pass_the_rest_of_a_frame_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let by_hand = directory.path().join("by hand");
    make(&by_hand, 0o600);
    for path in [&path, &by_hand] {
        let mut killed = receiving(path);
        let mut writer = File::options().write(true).open(path).unwrap();
        writer.write_all(b"\0\0\0\x0afirst").unwrap();
        killed.kill();
        let mut command = role::command("succeeds late");
        command.env(WORD, path);
        let mut receiver = Process::start(command);
        assert_eq!(receiver.answer(), "receiving");
        assert!(writer.write_all(b"after").is_err(), "nobody reads it");
        assert!(receiver.wait().success());
        assert!(!path.exists(), "the new one is its own");
    }
}

/// Who waits in open(2) to write to what is replaced does not wait for ever. What it writes is lost
/// with what the killed one had not read, and mostly it is told so.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_waits_for_a_killed_receiver_to_come_back_is_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    for _ in 0..10 {
        receiving(&path).kill();
        let waiting = path.clone();
        let waiting = tokio::task::spawn_blocking(move || {
            let mut writer = File::options().write(true).open(waiting).unwrap();
            writer.write_all(b"\0\0\0\x05hello")
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!waiting.is_finished());
        let mut receiver = fifo::receiver(&path).await.unwrap();
        if let Err(error) = within(waiting).await.unwrap() {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        }
        reaches(&mut receiver, &path).await;
    }
}

/// One that is let go of while somebody writes may hold a part of a frame: the next receiver has a
/// new one.
#[tokio::test]
async fn one_that_is_still_written_to_is_not_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    let inode = fs::symlink_metadata(&path).unwrap().ino();
    let receiver = fifo::receiver(&path).await.unwrap();
    let mut old = fifo::sender(&path).await.unwrap();
    drop(receiver);
    let mut receiver = fifo::receiver(&path).await.unwrap();
    assert_ne!(fs::symlink_metadata(&path).unwrap().ino(), inode);
    let error = old.send("to nobody".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    reaches(&mut receiver, &path).await;
    drop(receiver);
    assert_eq!(entries(directory.path()), [""; 0], "the new one is ours");
}

/// The file of a receiver goes, which somebody still has open, and another program reads.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_waits_for_the_end_of_a_killed_sender_sees_its_receiver_leave() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    let receiver = fifo::receiver(&path).await.unwrap();
    let file = directory.path().join("f.writers");
    let held = File::options().write(true).open(&file).unwrap();
    // As if an exclusive sender had been killed.
    std::os::unix::fs::FileExt::write_at(&held, &[1], 16).unwrap();
    let waiting = path.clone();
    let waiting = tokio::spawn(async move { fifo::sender(waiting).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    drop(receiver);
    assert_eq!(entries(directory.path()), ["f"]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut cat = tokio::process::Command::new("cat");
    let mut cat = cat.arg(&path).kill_on_drop(true).spawn().unwrap();
    drop(within(waiting).await.unwrap().unwrap());
    assert!(within(cat.wait()).await.unwrap().success());
    drop(held);
}
