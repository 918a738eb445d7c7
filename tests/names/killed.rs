//! What dead, displaced and unclaimed owners leave, and what becomes of it.

use std::{
    fs,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
};

use framewire::{ErrorKind, names::Claim};

use super::{
    census, listen,
    peer::{Peer, Reports},
};

#[test]
fn the_pid_of_a_living_owner_is_told_and_a_killed_one_is_succeeded() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let reports = Reports::new();
    let mut owner = Peer::start(0, path, &reports);
    owner.order("listen");
    assert_eq!(reports.next(), (0, "won".to_owned()));

    let error = listen(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.to_string().contains(&format!("process {} owns", owner.id())), "{error}");

    owner.kill();
    assert_eq!(census(directory.path()).len(), 2, "the socket and its lock file");
    let successor = listen(path).unwrap();
    assert!(UnixStream::connect(path).is_ok());
    drop(successor);
    assert_eq!(census(directory.path()), []);
}

#[test]
fn the_draft_of_a_killed_owner_is_cleared_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let reports = Reports::new();
    let mut owner = Peer::start(0, path, &reports);
    owner.order("draft");
    assert_eq!(reports.next(), (0, "drafted".to_owned()));
    owner.kill();
    assert_eq!(census(directory.path()).len(), 2, "the draft and the lock file");

    let successor = Claim::take(path).unwrap();
    assert_eq!(census(directory.path()).len(), 1, "the lock file");
    drop(successor);
    assert_eq!(census(directory.path()), []);
}

#[test]
fn a_displaced_owner_leaves_its_successor_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let (old, old_listener) = listen(path).unwrap();
    fs::remove_file(path).unwrap();
    fs::remove_file(directory.path().join("e.sock.lock")).unwrap();
    assert!(!old.is_current().unwrap());
    let (new, _new_listener) = listen(path).unwrap();
    let before = census(directory.path());

    // Even with its socket closed first, so that the inode's number could come back.
    drop(old_listener);
    drop(old);
    assert_eq!(census(directory.path()), before);
    assert!(new.is_current().unwrap());
    assert!(UnixStream::connect(path).is_ok());
    assert_eq!(Claim::take(path).unwrap_err().kind(), ErrorKind::InUse);
}

#[test]
fn an_inode_number_does_not_come_back_while_its_owner_remembers_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("state");
    let draft = Claim::take(path).unwrap().draft().unwrap();
    fs::write(draft.path(), "ours").unwrap();
    let placed = draft.place().unwrap();
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return;
    }
    fs::remove_file(path).unwrap();
    fs::write(path, "theirs").unwrap();
    drop(placed);
    assert_eq!(fs::read(path).unwrap(), b"theirs");
}

#[test]
fn a_listener_without_a_claim_is_respected_while_it_lives() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let stranger = UnixListener::bind(path).unwrap();
    let before = census(directory.path());
    assert_eq!(listen(path).unwrap_err().kind(), ErrorKind::InUse);
    assert_eq!(census(directory.path()), before);

    drop(stranger);
    drop(listen(path).expect("its socket is stale now"));
    assert_eq!(census(directory.path()), []);
}

#[test]
fn what_is_placed_is_private_unless_asked_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let mode = || fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let listening = listen(path).unwrap();
    assert_eq!(mode(), 0o600);
    drop(listening);

    let draft = Claim::take(path).unwrap().draft().unwrap().mode(0o660);
    let _listener = UnixListener::bind(draft.socket_path().unwrap()).unwrap();
    let _placed = draft.place().unwrap();
    assert_eq!(mode(), 0o660);
}

#[test]
fn a_draft_that_comes_to_nothing_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let draft = Claim::take(path).unwrap().draft().unwrap();
    assert_eq!(draft.place().unwrap_err().kind(), ErrorKind::NotFound);

    let draft = Claim::take(path).unwrap().draft().unwrap();
    fs::write(draft.path(), "half of it").unwrap();
    drop(draft);

    // What came to stand at the path in the meantime is not replaced.
    let draft = Claim::take(path).unwrap().draft().unwrap();
    let _listener = UnixListener::bind(draft.socket_path().unwrap()).unwrap();
    fs::write(path, "theirs").unwrap();
    assert_eq!(draft.place().unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(fs::read(path).unwrap(), b"theirs");
    assert_eq!(census(directory.path()).len(), 1);
}
