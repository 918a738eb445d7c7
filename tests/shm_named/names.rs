//! Names: what is refused, what is taken over, what is replaced.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    time::Duration,
};

use framewire::{Error, ErrorKind, shm::named};
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{
        Process,
        nobody::{self, NOBODY},
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    subject::{Names, directory},
};

const A_WHILE: Duration = Duration::from_millis(50);

fn is(error: &Error, kind: ErrorKind, told: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(told), "{told}: {error}");
}

fn in_directory(path: &Path) -> named::Options {
    named::Options::new().directory(path)
}

#[tokio::test]
async fn there_is_one_of_each() {
    let names = Names::new();
    let name = names.next();
    let sender = named::sender(&*name).await.unwrap();
    let receiver = named::receiver(&*name).await.unwrap();
    let listener = named::listen(&*name).await.unwrap();
    let ours = std::process::id().to_string();
    is(&named::sender(&*name).await.unwrap_err(), ErrorKind::InUse, &ours);
    is(&named::receiver(&*name).await.unwrap_err(), ErrorKind::InUse, &ours);
    is(&named::listen(&*name).await.unwrap_err(), ErrorKind::InUse, &ours);
    drop(sender);
    named::sender(&*name).await.unwrap();
    drop(receiver);
    named::receiver(&*name).await.unwrap();
    drop(listener);
    named::listen(&*name).await.unwrap();
    assert!(names.there().is_empty());
}

#[tokio::test]
async fn what_is_no_name_is_refused() {
    for name in ["", ".hidden", "a/b", "a b", "../a", &*"x".repeat(201)] {
        let error = named::sender(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{name:?}: {error}");
    }
}

#[tokio::test]
async fn the_longest_name_has_room() {
    let names = Names::new();
    let name = names.next();
    let name = format!("{name}{}", "x".repeat(200 - name.len()));
    let _sender = named::sender(&*name).await.unwrap();
    let _listener = named::listen(&*name).await.unwrap();
}

/// Nobody has a part in it, and nothing in it is for anyone.
#[tokio::test]
async fn what_others_left_is_replaced_and_what_is_none_of_ours_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let options = in_directory(scratch.path());
    let (ring, pair) = (scratch.path().join("a.ring"), scratch.path().join("a.pair"));
    let private =
        |path: &Path| fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    for content in ["", "short", &*"of another version".repeat(100)] {
        for path in [&ring, &pair] {
            fs::write(path, content).unwrap();
            private(path);
        }
        let mut sender = options.sender("a").await.unwrap();
        sender.send("hello".into()).await.unwrap();
        let mut receiver = options.receiver("a").await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
        let mut listener = options.listen("a").await.unwrap();
        options.connect("a").await.unwrap();
        within(listener.next()).await.unwrap().unwrap();
        drop((sender, receiver, listener));
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    for path in [&ring, &pair] {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
    }
    for error in [
        options.sender("a").await.unwrap_err(),
        options.listen("a").await.unwrap_err(),
        options.connect("a").await.unwrap_err(),
    ] {
        is(&error, ErrorKind::Denied, "0640");
    }
    private(&ring);
    fs::hard_link(&ring, scratch.path().join("another name")).unwrap();
    is(&options.receiver("a").await.unwrap_err(), ErrorKind::Denied, "2 names");
    fs::remove_file(&ring).unwrap();
    symlink("another name", &ring).unwrap();
    is(&options.sender("a").await.unwrap_err(), ErrorKind::Denied, "symbolic link");
    fs::remove_file(&ring).unwrap();
    fs::create_dir(&ring).unwrap();
    is(&options.sender("a").await.unwrap_err(), ErrorKind::Denied, "directory");
}

#[tokio::test]
async fn a_file_of_another_length_than_it_says_is_not_touched() {
    let scratch = tempfile::tempdir().unwrap();
    let options = in_directory(scratch.path());
    let mut sender = options.sender("a").await.unwrap();
    sender.send("kept".into()).await.unwrap();
    drop(sender);
    let path = scratch.path().join("a.ring");
    let whole = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(whole / 2).unwrap();
    // What was in it cannot be told any more: it is replaced.
    let mut receiver = options.receiver("a").await.unwrap();
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    assert_eq!(fs::metadata(&path).unwrap().len(), whole);
}

#[tokio::test]
async fn a_damaged_ring_is_an_error_that_says_what_to_remove() {
    use std::os::unix::fs::FileExt;

    let scratch = tempfile::tempdir().unwrap();
    let options = in_directory(scratch.path());
    let mut sender = options.sender("a").await.unwrap();
    sender.send("kept".into()).await.unwrap();
    drop(sender);
    let path = scratch.path().join("a.ring");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&3_u64.to_ne_bytes(), 128).unwrap();
    for error in [options.sender("a").await.unwrap_err(), options.receiver("a").await.unwrap_err()]
    {
        is(&error, ErrorKind::Malformed, "a.ring");
    }
}

#[tokio::test]
async fn whoever_makes_the_ring_says_how_large_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    let options = in_directory(scratch.path());
    let _sender = options.clone().capacity(1 << 20).sender("a").await.unwrap();
    let _receiver = options.clone().capacity(100).receiver("a").await.unwrap();
    let len = fs::metadata(scratch.path().join("a.ring")).unwrap().len();
    assert!(len > 1 << 20 && len < 2 << 20, "{len}");
    let _other = options.capacity(100).receiver("b").await.unwrap();
    let len = fs::metadata(scratch.path().join("b.ring")).unwrap().len();
    assert!(len > 64 << 10 && len < 256 << 10, "{len}");
}

#[tokio::test]
async fn whose_name_was_removed_is_told() {
    let names = Names::new();
    let name = names.next();
    let mut receiver = named::receiver(&*name).await.unwrap();
    let mut sender = named::sender(&*name).await.unwrap();
    fs::remove_file(directory().join(format!("{name}.ring"))).unwrap();
    // Those who have found each other go on.
    sender.send("hello".into()).await.unwrap();
    assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
    assert!(timeout(A_WHILE, receiver.next()).await.is_err());
    sender.close().await.unwrap();
    assert!(within(receiver.next()).await.is_none());

    let mut receiver = named::receiver(&*name).await.unwrap();
    fs::remove_file(directory().join(format!("{name}.ring"))).unwrap();
    let error = within(receiver.next()).await.unwrap().unwrap_err();
    is(&error, ErrorKind::Closed, "open it anew");
}

#[tokio::test]
async fn directories_of_others_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let missing = in_directory(&scratch.path().join("missing"));
    assert_eq!(missing.sender("a").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(missing.connect("a").await.unwrap_err().kind(), ErrorKind::NotFound);
    let open = scratch.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    is(&in_directory(&open).sender("a").await.unwrap_err(), ErrorKind::Denied, "write to");
    if nobody::can_be() {
        let theirs = scratch.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        chown(&theirs, Some(NOBODY), Some(NOBODY)).unwrap();
        is(&in_directory(&theirs).listen("a").await.unwrap_err(), ErrorKind::Denied, "65534");
        is(&in_directory(&theirs).receiver("a").await.unwrap_err(), ErrorKind::Denied, "65534");
    }
}

/// The part of another user, who has names of its own and nothing to do with ours.
pub(crate) fn looks_as_another() {
    role::block_on(async {
        let name = role::word();
        let error = named::connect(&*name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        let _sender = named::sender(&*name).await.unwrap();
        answer("seen");
        next_order();
    });
}

#[tokio::test]
async fn each_user_has_names_of_its_own() {
    if !nobody::can_be() {
        return;
    }
    let names = Names::new();
    let name = names.next();
    let _listener = named::listen(&*name).await.unwrap();
    let _sender = named::sender(&*name).await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let program = nobody::for_everyone(scratch.path());
    let mut command = nobody::command(&program, "looks as another");
    command.env(WORD, &name);
    let mut stranger = Process::start(command);
    assert_eq!(stranger.answer(), "seen");
    assert!(stranger.wait().success());
}

/// What is gone when all are gone, whoever goes first.
#[tokio::test]
async fn the_last_one_removes_the_name() {
    let names = Names::new();
    for sender_first in [false, true] {
        let name = names.next();
        let sender = named::sender(&*name).await.unwrap();
        let receiver = named::receiver(&*name).await.unwrap();
        assert_eq!(names.there().len(), 1);
        if sender_first {
            drop(sender);
            assert_eq!(names.there().len(), 1);
            drop(receiver);
        } else {
            drop(receiver);
            assert_eq!(names.there().len(), 1);
            drop(sender);
        }
        assert!(names.there().is_empty());
    }
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let name = names.next();
            std::thread::spawn(move || {
                role::block_on(async {
                    let sender = named::sender(&*name).await.unwrap();
                    let receiver = named::receiver(&*name).await.unwrap();
                    let other = std::thread::spawn(move || drop(sender));
                    drop(receiver);
                    other.join().unwrap();
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(names.there().is_empty(), "{:?}", names.there());
}
