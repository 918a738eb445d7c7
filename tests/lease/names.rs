//! What can be a file of permits, and what cannot.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    sync::Barrier,
};

use framewire::{Error, ErrorKind, semaphore::lease};
use futures::StreamExt;
use rustix::{
    fs::{CWD, Mode, mkfifoat},
    process::{geteuid, umask},
};

use super::{
    common::{
        Flavour, Process,
        nobody::{self, NOBODY},
        process::{answer, next_order},
        role::{self, WORD},
    },
    place,
};

fn says(error: &Error, kind: ErrorKind, parts: &[&str]) {
    let line = error.to_string();
    assert_eq!(error.kind(), kind, "{line}");
    assert!(parts.iter().all(|part| line.contains(part)), "{line}: {parts:?}");
}

#[tokio::test]
async fn a_file_is_private_as_long_as_its_number_and_stays() {
    let (directory, path) = place();
    lease::open(&*path, 7).await.unwrap();
    let stat = fs::symlink_metadata(&path).unwrap();
    assert!(stat.is_file());
    assert_eq!((stat.len(), stat.mode() & 0o7777, stat.uid()), (7, 0o600, geteuid().as_raw()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing beside it");
    let again = lease::open(&*path, 7).await.unwrap();
    drop(again.acquire().await.unwrap());
    assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), stat.ino());

    assert!(lease::remove(&path).unwrap());
    lease::Options::new().mode(0o666).open(&*path, 1).await.unwrap();
    assert_eq!(fs::symlink_metadata(&path).unwrap().mode() & 0o7777, 0o666, "whatever the umask");
    let error = lease::open(&*path, 1).await.unwrap_err();
    says(&error, ErrorKind::Denied, &["others can write", "0666", "chmod 600"]);
    assert_ne!(umask(Mode::from_raw_mode(0o022)).bits(), 0o777);
}

#[tokio::test]
async fn another_number_is_an_error_that_has_both() {
    let (_directory, path) = place();
    let three = lease::open(&*path, 3).await.unwrap();
    let error = lease::open(&*path, 8).await.unwrap_err();
    says(&error, ErrorKind::Malformed, &["open lease://", "3 permits", "8 were", "lease::remove"]);
    assert_eq!(lease::find(&*path).await.unwrap().count(), 3);
    for n in [0, lease::MOST + 1, usize::MAX] {
        let error = lease::open(path.with_extension("new"), n).await.unwrap_err();
        says(&error, ErrorKind::Address, &[&n.to_string(), "1 to 1024"]);
    }
    assert!(!path.with_extension("new").exists());
    drop(three);
    for len in [0, lease::MOST + 1] {
        fs::write(&path, vec![0; len]).unwrap();
        let error = lease::find(&*path).await.unwrap_err();
        says(&error, ErrorKind::Malformed, &[&len.to_string(), "1 to 1024"]);
        says(&lease::remove(&path).unwrap_err(), ErrorKind::Malformed, &["remove lease://"]);
    }
}

#[tokio::test]
async fn what_is_not_a_file_of_ours_is_neither_used_nor_touched() {
    let (directory, path) = place();
    let target = directory.path().join("target");
    fs::write(&target, "xyz").unwrap();
    let refused = async |what: &str| {
        for error in [
            lease::open(&*path, 3).await.unwrap_err(),
            lease::find(&*path).await.unwrap_err(),
            lease::remove(&path).unwrap_err(),
        ] {
            says(&error, ErrorKind::Denied, &[what, "lease://"]);
        }
    };
    symlink(&target, &path).unwrap();
    refused("is a symbolic link").await;
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("is a directory").await;
    fs::remove_dir(&path).unwrap();
    mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    refused("is a FIFO").await;
    fs::remove_file(&path).unwrap();
    fs::hard_link(&target, &path).unwrap();
    refused("has 2 names").await;
    assert_eq!(fs::read(&target).unwrap(), b"xyz");
    fs::remove_file(&path).unwrap();
    assert!(!lease::remove(&path).unwrap());

    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let error = lease::open(&*path, 3).await.unwrap_err();
    says(&error, ErrorKind::Denied, &["others can write to the directory"]);
    let error = lease::open(directory.path().join("none/permits"), 3).await.unwrap_err();
    says(&error, ErrorKind::NotFound, &["create the directory"]);
    let error = lease::open("/tmp/", 3).await.unwrap_err();
    says(&error, ErrorKind::Address, &["does not end in a name"]);
}

/// Those who come at the same moment have the same file.
#[test]
fn whoever_makes_it_all_have_the_same() {
    const OPENERS: usize = 6;
    for _ in 0..30 {
        let (directory, path) = place();
        let barrier = Barrier::new(OPENERS);
        let held: Vec<_> = std::thread::scope(|scope| {
            let open = || {
                let runtime = Flavour::CurrentThread.runtime();
                barrier.wait();
                let leases = runtime.block_on(lease::open(&*path, OPENERS)).unwrap();
                runtime.block_on(leases.receiver().next()).unwrap().unwrap()
            };
            let threads: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut numbers: Vec<_> = held.iter().map(lease::Lease::index).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..OPENERS).collect::<Vec<_>>());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

/// Opens the file of that name, as it is ordered, and says what comes of it.
pub(crate) fn opens() {
    role::block_on(async {
        let path = role::word();
        let options = lease::Options::new();
        while let Some(order) = next_order() {
            let opened = match &*order {
                "open" => options.clone().open(&path, 2).await,
                "open shared" => options.clone().mode(0o666).open(&path, 2).await,
                _ => options.clone().mode(0o666).owners([NOBODY]).open(&path, 2).await,
            };
            match opened {
                Ok(leases) => answer(&format!("{} free", leases.free().unwrap())),
                Err(error) => answer(&format!("{:?}: {error}", error.kind())),
            }
        }
    });
}

fn as_nobody(directory: &Path, path: &Path) -> Process {
    let program = nobody::for_everyone(directory);
    let mut command = nobody::command(&program, "opens");
    command.env(WORD, path);
    Process::start(command)
}

#[tokio::test]
async fn another_user_is_let_in_by_mode_and_owners_alone() {
    if !nobody::can_be() {
        return;
    }
    let (directory, path) = place();
    let mut stranger = as_nobody(directory.path(), &path);
    let mut hears = |order: &str| {
        stranger.order(order);
        stranger.answer()
    };
    let private = lease::open(&*path, 2).await.unwrap();
    let said = hears("open");
    assert!(said.starts_with("Denied: "), "{said}");
    drop(private);
    lease::remove(&path).unwrap();

    let shared = lease::Options::new().mode(0o666).open(&*path, 2).await.unwrap();
    let _held = shared.acquire().await.unwrap();
    let said = hears("open");
    assert!(said.starts_with("Denied: ") && said.contains("others can write"), "{said}");
    assert_eq!(hears("open shared"), "1 free");
    let said = hears("open of nobody");
    assert!(said.starts_with("Denied: ") && said.contains("belongs to user 0"), "{said}");
}
