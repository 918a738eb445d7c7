//! Names: what can be one, what stands at one, who makes and who removes it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use framewire::{
    ErrorKind,
    semaphore::{self, Options, Unlink},
};
use rustix::{
    fs::{CWD, Mode, mkfifoat},
    process::umask,
};

use super::{
    common::{
        nobody,
        role::{self, WORD},
    },
    subject::Name,
};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_cannot_be_a_name_is_told() {
    let long = format!("/{}", "n".repeat(252));
    for (name, says) in [
        ("", "does not start with a slash"),
        ("gate", "semaphore:///gate"),
        ("/", "the name is missing"),
        ("/.", "is a directory"),
        ("//gate", "more than one slash"),
        ("/a/b", "more than one slash"),
        ("/../etc/passwd", "more than one slash"),
        ("/a\0b", "a NUL byte"),
        (&long, "252 bytes, limit 251"),
    ] {
        for error in [semaphore::open(name).unwrap_err(), semaphore::remove(name).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Address, "{name:?}");
            assert!(error.to_string().contains(says), "{name:?}: {error}");
        }
    }
    let mut longest = Name::new().as_ref().to_owned();
    longest.push_str(&"n".repeat(252 - longest.len()));
    let gate = Options::new().unlink(Unlink::OnDrop).open(&longest).unwrap();
    gate.post().unwrap();
}

#[test]
fn what_is_not_there_is_made_or_not() {
    let name = Name::new();
    let error = Options::new().create(false).open(&name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().starts_with(&format!("open semaphore://{}", name.as_ref())));
    assert!(!name.file().exists());
    assert!(!semaphore::remove(&name).unwrap());

    let made = Options::new().initial(3).open(&name).unwrap();
    let found = Options::new().initial(7).create(false).open(&name).unwrap();
    assert_eq!(found.value().unwrap(), 3);
    assert!(semaphore::remove(&name).unwrap());
    // Those who have it keep it; the next one is another.
    found.post().unwrap();
    let next = semaphore::open(&name).unwrap();
    assert_eq!((made.value().unwrap(), next.value().unwrap()), (4, 0));
}

#[test]
fn names_go_when_that_was_asked_for_and_they_are_still_ours() {
    let name = Name::new();
    let options = Options::new().unlink(Unlink::OnDrop);
    let first = options.open(&name).unwrap();
    let clone = first.clone();
    drop(first);
    assert!(name.file().exists());
    let kept = semaphore::open(&name).unwrap();
    drop(clone);
    assert!(!name.file().exists());

    let displaced = options.open(&name).unwrap();
    semaphore::remove(&name).unwrap();
    let successor = semaphore::open(&name).unwrap();
    drop(displaced);
    assert!(name.file().exists());
    drop((kept, successor));
    assert!(name.file().exists(), "never is the default");
}

#[test]
fn two_that_race_have_one() {
    for _ in 0..50 {
        let name = Name::new();
        let open = || Options::new().initial(1).open(&name).unwrap();
        std::thread::scope(|scope| {
            let racers: Vec<_> = (0..3).map(|_| scope.spawn(open)).collect();
            let gates: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
            let held: Vec<_> = gates.iter().map(|gate| gate.try_acquire().unwrap()).collect();
            assert_eq!(held.iter().flatten().count(), 1);
        });
    }
}

#[test]
fn what_is_no_semaphore_is_refused_and_left_alone() {
    let name = Name::new();
    let file = name.file();
    let refused = |says: &str| {
        let error = semaphore::open(&name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    // Whoever mapped it would be killed by touching what is not there.
    fs::write(&file, "short").unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    refused("too short");
    fs::remove_file(&file).unwrap();
    mkfifoat(CWD, &file, Mode::RUSR | Mode::WUSR).unwrap();
    refused("a FIFO");
    fs::remove_file(&file).unwrap();
    symlink("/etc/passwd", &file).unwrap();
    refused("a symbolic link");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    refused("a directory");
    fs::remove_dir(&file).unwrap();

    let gate = semaphore::open(&name).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    refused("others can write");
    Options::new().mode(0o666).open(&name).unwrap().post().unwrap();
    assert_eq!(gate.value().unwrap(), 1);
}

#[test]
fn the_umask_has_no_say_in_the_mode() {
    role::must_pass("umask");
}

pub(crate) fn umasks() {
    let name = Name::new();
    for mask in [0, 0o022, 0o777] {
        umask(Mode::from_raw_mode(mask));
        for wanted in [0o600, 0o660, 0o666] {
            let gate = Options::new().mode(wanted).unlink(Unlink::OnDrop).open(&name).unwrap();
            assert_eq!(mode(&name.file()), wanted, "with umask {mask:o}");
            gate.post().unwrap();
            let again = Options::new().mode(wanted).open(&name).unwrap();
            assert_eq!(again.value().unwrap(), 1);
        }
    }
    umask(Mode::from_raw_mode(0o022));
}

#[test]
fn another_users_semaphore_is_opened_by_whom_it_is_meant_for() {
    if !nobody::can_be() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = nobody::for_everyone(directory.path());
    let name = Name::new();
    let gate = Options::new().mode(0o606).open(&name).unwrap();
    let mut command = nobody::command(&program, "looks as another");
    let output = command.env(WORD, name.as_ref()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(gate.value().unwrap(), 1);

    // And ours of theirs.
    let theirs = format!("{}-theirs", name.as_ref());
    let error = semaphore::open(&theirs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("belongs to user 65534"), "{error}");
    let opened = Options::new().owners([nobody::NOBODY]).open(&theirs);
    assert!(semaphore::remove(&theirs).unwrap());
    assert_eq!(opened.unwrap().value().unwrap(), 5);
}

/// The part of another user.
pub(crate) fn looks_as_another() {
    let name = role::word();
    let error = semaphore::open(&name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("others can write"), "{error}");
    Options::new().mode(0o606).open(&name).unwrap().post().unwrap();
    assert_eq!(semaphore::remove(&name).unwrap_err().kind(), ErrorKind::Denied);
    Options::new().initial(5).open(format!("{name}-theirs")).unwrap();
}
