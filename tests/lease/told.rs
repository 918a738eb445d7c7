//! What one who waits is told of, and who of those behind it has to know that.
#![allow(unsafe_code)]

use std::{
    fs::{self, File},
    mem,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    time::Duration,
};

use framewire::{ErrorKind, semaphore::lease, wait::Strategy};
use tokio::time::sleep;

use super::{common::within, place};

/// Longer than it is looked again after nothing.
const QUIET: Duration = Duration::from_millis(1300);

/// As who takes part in another language locks a byte, or gives it up, without telling anybody.
fn set_lock(file: &File, kind: i32, byte: i64) -> bool {
    // SAFETY: integers, for which zeros are values.
    let mut range: libc::flock = unsafe { mem::zeroed() };
    range.l_type = kind as libc::c_short;
    (range.l_start, range.l_len) = (byte, 1);
    // SAFETY: the struct outlives the call.
    unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) == 0 }
}

/// The kernel tells of a closed file before it gives up the locks: whoever hears it may find another
/// permit, and leave.
#[tokio::test]
async fn a_close_is_heeded_by_who_comes_after_the_one_that_heard_of_it() {
    let (_directory, path) = place();
    let open = || File::options().read(true).write(true).open(&path).unwrap();
    for strategy in [Strategy::Park, Strategy::Adaptive] {
        let leases = lease::Options::new().strategy(strategy).open(&*path, 2).await.unwrap();
        let other = open();
        assert!(set_lock(&other, libc::F_WRLCK, 0) && set_lock(&other, libc::F_WRLCK, 1));
        let waits = || {
            let leases = leases.clone();
            tokio::spawn(async move { leases.acquire().await.unwrap() })
        };
        let (first, second) = (waits(), waits());
        sleep(QUIET).await;
        // One is free, and the event comes that is to tell of the other.
        assert!(set_lock(&other, libc::F_UNLCK, 0));
        drop(open());
        let first = within(first).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        assert!(!second.is_finished());
        assert!(set_lock(&other, libc::F_UNLCK, 1));
        assert_eq!(within(second).await.unwrap().index() + first.index(), 1);
    }
}

/// A lock that needs no more than reading keeps a permit from everybody.
#[tokio::test]
async fn a_file_that_others_can_read_is_not_opened_unless_that_is_meant() {
    let (_directory, path) = place();
    lease::open(&*path, 1).await.unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let error = lease::open(&*path, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("chmod 600"), "{error}");

    let meant = lease::Options::new().mode(0o644).open(&*path, 1).await.unwrap();
    let reader = File::open(&path).unwrap();
    assert!(set_lock(&reader, libc::F_RDLCK, 0));
    assert!(meant.try_acquire().unwrap().is_none());
    drop(reader);
    assert!(meant.try_acquire().unwrap().is_some());
}
