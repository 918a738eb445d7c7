//! Files that go away, or change, under those who use them.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use framewire::{Error, ErrorKind, semaphore::lease};
use futures::StreamExt;
use tokio::time::sleep;

use super::{common::within, place};

const A_WHILE: Duration = Duration::from_millis(30);

fn tells_that_it_is_gone(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let line = error.to_string();
    assert!(line.contains("was removed or replaced") && line.contains("open it anew"), "{line}");
}

#[tokio::test]
async fn who_waits_is_told_that_the_file_is_gone() {
    type Loses = fn(&std::path::Path);
    let loses: [Loses; 4] = [
        |path| assert!(lease::remove(path).unwrap()),
        |path| fs::remove_file(path).unwrap(),
        |path| fs::rename(path, path.with_extension("old")).unwrap(),
        |path| {
            fs::write(path.with_extension("new"), [0]).unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        },
    ];
    for loses in loses {
        let (_directory, path) = place();
        let leases = lease::open(&*path, 1).await.unwrap();
        let held = leases.acquire().await.unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let leases = leases.clone();
                tokio::spawn(async move { leases.acquire().await })
            })
            .collect();
        let mut receiver = lease::find(&*path).await.unwrap().receiver();
        let receiving = tokio::spawn(async move {
            let error = receiver.next().await.unwrap().unwrap_err();
            (error, receiver.next().await.is_none())
        });
        // Asleep, and long since told to look no more.
        sleep(Duration::from_millis(1200)).await;
        loses(&path);
        for waiting in waiting {
            tells_that_it_is_gone(&within(waiting).await.unwrap().unwrap_err());
        }
        let (error, ended) = within(receiving).await.unwrap();
        tells_that_it_is_gone(&error);
        assert!(ended);

        // Who has one keeps it, and nobody gets another of these.
        tells_that_it_is_gone(&leases.try_acquire().unwrap_err());
        drop(held);
        tells_that_it_is_gone(&leases.acquire().await.unwrap_err());
        assert_eq!(leases.free().unwrap(), 1);
        let _ = fs::remove_file(&path);
        let anew = lease::open(&*path, 2).await.unwrap();
        assert_eq!(anew.free().unwrap(), 2);
    }
}

/// Nothing in the file means anything, and nothing of it is mapped.
#[tokio::test]
async fn whatever_is_done_to_the_file_permits_stay_permits() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 3).await.unwrap();
    let elsewhere = lease::open(&*path, 3).await.unwrap();
    for content in [&b""[..], b"x", b"a text of somebody's"] {
        fs::write(&path, content).unwrap();
        let held: Vec<_> = leases.receiver().take(3).map(Result::unwrap).collect().await;
        assert!(elsewhere.try_acquire().unwrap().is_none());
        let waiting = tokio::spawn({
            let elsewhere = elsewhere.clone();
            async move { elsewhere.acquire().await.map(drop) }
        });
        sleep(Duration::from_millis(1200)).await;
        assert!(!waiting.is_finished());
        drop(held);
        within(waiting).await.unwrap().unwrap();
        assert_eq!(leases.free().unwrap(), 3);
    }
    // For who comes now it is another file.
    let error = lease::open(&*path, 3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

/// Who makes events all the time keeps a waiter busy, and nobody else from running.
#[tokio::test]
async fn whoever_reads_all_the_time_stops_nobody() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    let elsewhere = lease::open(&*path, 1).await.unwrap();
    let held = elsewhere.acquire().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let flood = std::thread::spawn({
        let (path, stop) = (path.clone(), Arc::clone(&stop));
        move || {
            let mut rounds = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                fs::read(&path).unwrap();
                drop(fs::File::options().write(true).open(&path).unwrap());
                rounds += 1;
            }
            rounds
        }
    });
    let waiting = tokio::spawn(async move { leases.acquire().await.map(drop) });
    for _ in 0..20 {
        within(sleep(A_WHILE)).await;
    }
    assert!(!waiting.is_finished());
    drop(held);
    within(waiting).await.unwrap().unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(flood.join().unwrap() > 0);
}
