//! Names: who reads one, what is left of it, and what stands in its way.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use framewire::{ErrorKind, fifo};
use futures::{SinkExt, StreamExt};
use rustix::{
    fs::{CWD, Mode, OFlags, mkfifoat, open},
    process::{geteuid, umask},
};

use super::common::{
    Process,
    process::{answer, next_order},
    role, within,
};

pub(crate) fn make(path: &Path, mode: u32) {
    mkfifoat(CWD, path, Mode::from_raw_mode(0o600)).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

pub(crate) fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) async fn reaches(receiver: &mut fifo::Receiver, path: &Path) {
    within(async {
        let mut sender = fifo::sender(path).await.unwrap();
        sender.send("hello".into()).await.unwrap();
        assert_eq!(receiver.next().await.expect("it was sent").unwrap(), "hello");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_private_and_gone_with_its_receiver() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    assert_eq!(entries(directory.path()), ["f", "f.lock", "f.writers"]);
    let stat = fs::symlink_metadata(&path).unwrap();
    assert!(stat.file_type().is_fifo());
    for name in ["f", "f.lock", "f.writers"] {
        let mode = fs::symlink_metadata(directory.path().join(name)).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{name}");
    }
    reaches(&mut receiver, &path).await;
    let mut sender = fifo::sender(&path).await.unwrap();
    drop(receiver);
    assert_eq!(entries(directory.path()), [""; 0]);
    let error = sender.send("to nobody".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[test]
fn the_umask_has_no_say_in_the_mode() {
    role::must_pass("umask");
}

pub(crate) fn umasks() {
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o7777;
        for mask in [Mode::empty(), Mode::from_raw_mode(0o022), Mode::from_raw_mode(0o777)] {
            umask(mask);
            let receiver = fifo::receiver(&path).await.unwrap();
            assert_eq!(mode(&path), 0o600, "with umask {mask:?}");
            drop(receiver);
            let receiver = fifo::Options::new().mode(0o620).receiver(&path).await.unwrap();
            assert_eq!(mode(&path), 0o620, "with umask {mask:?}");
            // Who may write has to see whether it may.
            assert_eq!(mode(&directory.path().join("f.writers")), 0o660, "with umask {mask:?}");
            drop(receiver);
        }
        umask(Mode::from_raw_mode(0o022));
    });
}

#[tokio::test]
async fn a_second_reader_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let error = fifo::receiver(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().starts_with("receive on fifo:///"), "{error}");
    reaches(&mut receiver, &path).await;

    // One that somebody made by hand, too.
    let path = directory.path().join("by hand");
    make(&path, 0o600);
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let error = fifo::receiver(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    reaches(&mut receiver, &path).await;
}

/// Everything in a directory by what would show that it was touched.
fn census(directory: &Path) -> Vec<(PathBuf, u64, u32, u32, u64)> {
    let told = fs::read_dir(directory).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let stat = fs::symlink_metadata(&path).unwrap();
        (path, stat.ino(), stat.mode(), stat.uid(), stat.len())
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

#[tokio::test]
async fn what_is_no_fifo_of_ours_is_refused_and_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    fs::write(place("file"), "a thesis").unwrap();
    fs::create_dir(place("directory")).unwrap();
    make(&place("laxer"), 0o644);
    make(&place("fifo"), 0o600);
    make(&place("twins"), 0o600);
    fs::hard_link(place("twins"), place("other twin")).unwrap();
    symlink(place("fifo"), place("link to a fifo")).unwrap();
    symlink(place("file"), place("link to a file")).unwrap();
    symlink(place("nothing"), place("link to nothing")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(place("socket")).unwrap());
    // What stands beside the name is not ours either.
    fs::write(place("thesis.writers"), "a chapter").unwrap();
    let mut names = vec![
        ("file", true),
        ("directory", true),
        ("socket", true),
        ("laxer", false),
        ("twins", false),
        ("other twin", false),
        ("link to a fifo", true),
        ("link to a file", true),
        ("link to nothing", true),
        ("thesis", true),
    ];
    if geteuid().is_root() {
        make(&place("foreign"), 0o666);
        std::os::unix::fs::chown(place("foreign"), Some(12_345), None).unwrap();
        names.push(("foreign", true));
        let device = rustix::fs::makedev(1, 3);
        let made = rustix::fs::mknodat(
            CWD,
            place("device"),
            rustix::fs::FileType::CharacterDevice,
            Mode::from_raw_mode(0o600),
            device,
        );
        if made.is_ok() {
            names.push(("device", true));
        }
    }
    let before = census(directory.path());
    for (name, to_send) in names {
        let error = fifo::receiver(place(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}: {error}");
        assert_eq!(census(directory.path()), before, "{name}");
        if to_send && name != "thesis" {
            let error = within(fifo::sender(place(name))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{name}: {error}");
            assert_eq!(census(directory.path()), before, "{name}");
        }
    }
    let error = fifo::receiver(place("laxer")).await.unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "what to do: {error}");
    drop(fifo::Options::new().mode(0o644).receiver(place("laxer")).await.unwrap());
    // A device as everybody has one.
    let error = within(fifo::sender("/dev/null")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("is a device, not a FIFO"), "{error}");
}

/// Who writes to whom is decided by the FIFO's owner.
#[tokio::test]
async fn the_fifo_of_a_stranger_is_written_to_only_if_that_is_allowed() {
    if !geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
    let _reader = open(&path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
    let error = within(fifo::sender(&path)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("fifo::Options::owners"), "{error}");
    let options = fifo::Options::new().owners([12_345]);
    within(options.sender(&path)).await.unwrap().send("hello".into()).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let error = fifo::receiver(directory.path().join("f")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(entries(directory.path()), [""; 0]);
}

#[tokio::test]
async fn names_that_cannot_be_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let remedy = format!("create the directory {} first", missing.display());
    let receiving = fifo::receiver(missing.join("f")).await.unwrap_err();
    let sending = within(fifo::sender(missing.join("f"))).await.unwrap_err();
    for error in [receiving, sending] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(&remedy), "{error}");
    }
    for name in ["".into(), "..".into(), "f".repeat(250)] {
        let error = fifo::receiver(directory.path().join(&name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{name}: {error}");
        assert_eq!(entries(directory.path()), [""; 0]);
    }
}

#[tokio::test]
async fn one_that_was_made_by_hand_is_used_and_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    let inode = fs::symlink_metadata(&path).unwrap().ino();
    for _ in 0..3 {
        let mut receiver = fifo::receiver(&path).await.unwrap();
        reaches(&mut receiver, &path).await;
        drop(receiver);
        assert_eq!(entries(directory.path()), ["f"]);
        assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), inode);
    }
}

#[tokio::test]
async fn the_name_of_a_successor_survives_a_displaced_receiver() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let displaced = fifo::receiver(&path).await.unwrap();
    for name in entries(directory.path()) {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    let mut successor = fifo::receiver(&path).await.unwrap();
    drop(displaced);
    assert_eq!(entries(directory.path()), ["f", "f.lock", "f.writers"]);
    reaches(&mut successor, &path).await;
}

/// Once nobody writes any more to what lost its name, nobody ever will.
#[tokio::test]
async fn a_receiver_whose_name_is_gone_ends_with_its_writers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut receiver = fifo::receiver(&path).await.unwrap();
    let mut sender = fifo::sender(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    sender.send("hello".into()).await.unwrap();
    drop(sender);
    assert_eq!(within(receiver.next()).await.expect("it was sent").unwrap(), "hello");
    let error = within(receiver.next()).await.expect("an error").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(error.to_string().contains("was removed or replaced"), "{error}");
    assert!(within(receiver.next()).await.is_none());
}

/// Tries to receive on each path that is ordered, and lets go of it at the order "stop".
pub(crate) fn races() {
    role::block_on(async {
        let mut receiving = None;
        while let Some(order) = next_order() {
            if order == "stop" {
                drop(receiving.take());
                answer("stopped");
                continue;
            }
            match fifo::receiver(order.as_str()).await {
                Ok(receiver) => {
                    receiving = Some(receiver);
                    answer("won");
                }
                Err(error) => answer(&format!("{:?}", error.kind())),
            }
        }
    });
}

#[test]
fn of_two_receivers_that_race_for_a_name_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let mut racers: Vec<_> = (0..2).map(|_| Process::start(role::command("races"))).collect();
    for round in 0..30 {
        if round % 3 > 0 {
            make(&path, 0o600);
        }
        for racer in &mut racers {
            racer.order(path.to_str().unwrap());
        }
        let mut said: Vec<_> = racers.iter_mut().map(Process::answer).collect();
        said.sort();
        assert_eq!(said, ["InUse", "won"], "in round {round}");
        for racer in &mut racers {
            racer.order("stop");
            assert_eq!(racer.answer(), "stopped");
        }
        let _ = fs::remove_file(&path);
        assert_eq!(entries(directory.path()), [""; 0]);
    }
    for mut racer in racers {
        assert!(racer.wait().success());
    }
}
