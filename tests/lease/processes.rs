//! Processes that want the same permits.

use std::{fs, path::PathBuf, time::Duration};

use framewire::semaphore::lease;
use futures::future::join_all;
use tokio::time::sleep;

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    place,
};

const ROUNDS: u32 = 200;

fn read(path: &PathBuf) -> u32 {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The part of one that adds to a number which nothing but the permit keeps from others.
pub(crate) fn counts() {
    role::block_on(async {
        let path = PathBuf::from(role::word());
        let number = path.with_extension("number");
        let leases = lease::open(&*path, 1).await.unwrap();
        answer("ready");
        next_order();
        let tasks = (0..2).map(|_| async {
            for _ in 0..ROUNDS / 2 {
                let _lease = leases.acquire().await.unwrap();
                let before = read(&number);
                tokio::task::yield_now().await;
                fs::write(&number, (before + 1).to_string()).unwrap();
            }
        });
        join_all(tasks).await;
        answer("done");
        next_order();
    });
}

#[test]
fn a_number_that_is_changed_with_a_permit_alone_is_right() {
    let (_directory, path) = place();
    let number = path.with_extension("number");
    fs::write(&number, "0").unwrap();
    let mut command = role::command("counts");
    command.env(WORD, &path);
    let mut processes: Vec<_> = (0..3)
        .map(|_| {
            let mut again = role::command("counts");
            again.env(WORD, &path);
            Process::start(again)
        })
        .collect();
    drop(command);
    for process in &mut processes {
        assert_eq!(process.answer(), "ready");
    }
    processes.iter_mut().for_each(|process| process.order("go"));
    for process in &mut processes {
        assert_eq!(process.answer(), "done");
        assert!(process.wait().success());
    }
    assert_eq!(read(&number), 3 * ROUNDS);
}

/// Who was first to look has it: nobody is told so early that it looks in vain, and then never again.
#[tokio::test]
async fn no_release_goes_unnoticed() {
    let (_directory, path) = place();
    let (ours, theirs) =
        (lease::open(&*path, 1).await.unwrap(), lease::open(&*path, 1).await.unwrap());
    for round in 0..500 {
        let held = theirs.acquire().await.unwrap();
        let waiting = tokio::spawn({
            let ours = ours.clone();
            async move { ours.acquire().await.map(drop) }
        });
        // Before it begins to wait, while it does, and when it sleeps.
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        if round % 7 == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        drop(held);
        within(waiting).await.unwrap().unwrap();
    }
}
