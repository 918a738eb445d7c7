//! Names: what can be one, what stands in its way, who removes it, and what a killed process leaves.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    time::Instant,
};

use framewire::{ErrorKind, shm::region};
use rustix::{
    fs::{CWD, Mode, mkfifoat},
    process::umask,
};

use super::{
    Name,
    common::{
        HANG, Process,
        process::{answer, next_order},
        role,
    },
};

#[test]
fn what_cannot_be_a_name_is_refused_by_each_verb() {
    let long = format!("/{}", "n".repeat(256));
    for name in ["", "jobs", "/", "//jobs", "/a/b", "/..", "/.", "/../x", "/a\0b", &*long] {
        let create = region::create(name, 64).unwrap_err();
        let open = region::open(name).unwrap_err();
        let remove = region::remove(name).unwrap_err();
        for (error, doing) in [(create, "create"), (open, "open"), (remove, "remove")] {
            assert_eq!(error.kind(), ErrorKind::Address, "{name:?}: {error}");
            let said = error.to_string();
            assert!(said.starts_with(&format!("{doing} the region \"")), "{said}");
            assert!(said.len() < 600, "{said}");
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let name = Name::new();
    let error = region::open(&name.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.is_retryable() && error.to_string().contains("region::create"), "{error}");
    assert!(!region::remove(&name.0).unwrap());

    // As a program in C leaves it between two calls.
    let made = File::create_new(name.path()).unwrap();
    made.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
    let error = region::open(&name.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("no bytes yet"), "{error}");
    made.set_len(10).unwrap();
    assert_eq!(region::open(&name.0).unwrap().len(), 10);
}

#[test]
fn another_length_is_told() {
    let name = Name::new();
    let _made = region::create(&name.0, 64).unwrap();
    let error = region::open(&name.0).unwrap().expect_len(72).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("64 bytes, not 72"), "{error}");
}

#[test]
fn one_that_is_there_is_in_use_until_it_is_removed() {
    let name = Name::new();
    let first = region::create(&name.0, 64).unwrap();
    first.write(0, b"first").unwrap();
    let error = region::create(&name.0, 64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    let remedy = format!("`region::remove({:?})` first", name.0);
    assert!(error.to_string().contains(&remedy), "{error}");
    let opened = region::open(&name.0).unwrap();

    assert!(region::remove(&name.0).unwrap());
    let second = region::create(&name.0, 128).unwrap();
    let mut bytes = [0; 5];
    opened.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"first", "who had it keeps it");
    second.read(0, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 5]);

    // The name is no longer the first one's.
    drop((first, opened));
    assert!(name.is_there());
    assert_eq!(region::open(&name.0).unwrap().len(), 128);
    drop(second);
    assert!(!name.is_there());
}

#[test]
fn only_its_maker_removes_a_name() {
    let name = Name::new();
    let made = region::create(&name.0, 64).unwrap();
    drop(region::open(&name.0).unwrap());
    assert!(name.is_there());
    drop(made);
    assert!(!name.is_there());
    drop(region::Options::new().keep(true).create(&name.0, 64).unwrap());
    assert!(name.is_there());
    drop(region::open(&name.0).unwrap());
    assert!(region::remove(&name.0).unwrap());
    assert!(!name.is_there());
}

/// In a process of its own, since there is one umask.
pub(crate) fn umasks() {
    for mask in [0, 0o022, 0o777] {
        umask(Mode::from_raw_mode(mask));
        for mode in [0o600, 0o660, 0o644] {
            let name = Name::new();
            let _region = region::Options::new().mode(mode).create(&name.0, 64).unwrap();
            let is = name.path().symlink_metadata().unwrap().mode();
            assert_eq!(is & 0o7777, mode, "umask {mask:o}");
        }
        let name = Name::new();
        let _region = region::create(&name.0, 64).unwrap();
        let is = name.path().symlink_metadata().unwrap();
        assert_eq!((is.mode() & 0o7777, is.len()), (0o600, 64));
        assert!(is.blocks() > 0, "its memory is taken");
    }
}

#[test]
fn the_umask_has_no_say_in_the_mode() {
    role::must_pass("umasks");
}

/// Nothing that stands at a name is followed, opened or removed unless it is a region of ours.
#[test]
fn what_is_no_region_is_refused_and_untouched() {
    let target = Name::new();
    let _sound = region::create(&target.0, 64).unwrap();
    let dangling = Name::new();

    let link = Name::new();
    symlink(target.path(), link.path()).unwrap();
    let leads_nowhere = Name::new();
    symlink(dangling.path(), leads_nowhere.path()).unwrap();
    let fifo = Name::new();
    mkfifoat(CWD, fifo.path(), Mode::from_raw_mode(0o600)).unwrap();
    let directory = Name::new();
    fs::create_dir(directory.path()).unwrap();
    for (name, says) in [
        (&link, "is a symbolic link, not shared memory"),
        (&leads_nowhere, "is a symbolic link, not shared memory"),
        (&fifo, "is a FIFO, not shared memory"),
        (&directory, "is a directory, not shared memory"),
    ] {
        let create = region::create(&name.0, 64).unwrap_err();
        let open = region::open(&name.0).unwrap_err();
        let remove = region::remove(&name.0).unwrap_err();
        for error in [create, open, remove] {
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(name.is_there());
    }
    assert!(!dangling.is_there());
    assert_eq!(region::open(&target.0).unwrap().len(), 64);
    fs::remove_dir(directory.path()).unwrap();
}

#[test]
fn one_that_others_can_write_to_is_opened_only_if_that_is_allowed() {
    let name = Name::new();
    let _made = region::Options::new().mode(0o660).create(&name.0, 64).unwrap();
    let error = region::open(&name.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("others can write to /dev/shm/"), "{error}");
    assert!(error.to_string().contains("chmod 640 /dev/shm/"), "{error}");
    region::Options::new().mode(0o660).open(&name.0).unwrap();

    // That others can read it harms nobody but whoever has made it so.
    fs::set_permissions(name.path(), PermissionsExt::from_mode(0o644)).unwrap();
    region::open(&name.0).unwrap();
}

/// Makes a region by the name that it is given, and waits to be killed.
pub(crate) fn makes_and_waits() {
    let _region = region::create(&role::word(), 64).unwrap();
    answer("made");
    next_order();
}

#[test]
fn what_a_killed_process_leaves_can_be_opened_and_removed() {
    let name = Name::new();
    let mut command = role::command("makes and waits");
    command.env(role::WORD, &name.0);
    let mut maker = Process::start(command);
    assert_eq!(maker.answer(), "made");
    maker.kill();
    assert_eq!(region::create(&name.0, 64).unwrap_err().kind(), ErrorKind::InUse);
    assert_eq!(region::open(&name.0).unwrap().len(), 64);
    assert!(region::remove(&name.0).unwrap());
    region::create(&name.0, 64).unwrap();
}

/// Makes a region by the name that it is given at each order "go".
pub(crate) fn races() {
    let name = role::word();
    let mut made = None;
    while let Some(order) = next_order() {
        drop(made.take());
        if order == "stop" {
            answer("stopped");
            continue;
        }
        match region::Options::new().create_with(&name, 64, |region| region.fill(0, 64, 7)) {
            Ok(region) => {
                made = Some(region);
                answer("won");
            }
            Err(error) => answer(&format!("{:?}", error.kind())),
        }
    }
}

/// And who opens it never finds half of it.
#[test]
fn of_two_that_race_for_a_name_one_makes_it() {
    let name = Name::new();
    let start = || {
        let mut command = role::command("races");
        command.env(role::WORD, &name.0);
        Process::start(command)
    };
    let mut racers = [start(), start()];
    let begun = Instant::now();
    for round in 0..50 {
        racers.iter_mut().for_each(|racer| racer.order("go"));
        let found = loop {
            match region::open(&name.0) {
                Ok(region) => break region,
                Err(error) => assert!(error.to_string().contains("nothing has this"), "{error}"),
            }
            assert!(begun.elapsed() < HANG, "in round {round}");
        };
        let mut bytes = [0; 64];
        found.expect_len(64).unwrap().read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [7; 64]);
        let mut said: Vec<_> = racers.iter_mut().map(Process::answer).collect();
        said.sort();
        assert_eq!(said, ["InUse", "won"], "in round {round}");
        for racer in &mut racers {
            racer.order("stop");
            assert_eq!(racer.answer(), "stopped");
        }
        assert!(!name.is_there());
    }
    assert!(racers.into_iter().all(|mut racer| racer.wait().success()));
}
