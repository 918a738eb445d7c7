//! What a system or a runtime may lack.

use std::{path::Path, process::Command, time::Duration};

use framewire::{ErrorKind, semaphore::lease};
use tokio::{runtime::Builder, time::timeout};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        within,
    },
    killed::holding,
    place,
};

/// The part of one that waits where there is no inotify to be had.
pub(crate) fn has_no_events() {
    role::block_on(async {
        use rustix::fs::inotify::{CreateFlags, init};
        assert!(init(CreateFlags::CLOEXEC).is_err(), "there is to be none");
        let leases = lease::find(role::word()).await.unwrap();
        answer("waiting");
        while let Some(order) = next_order() {
            match &*order {
                "wait" => drop(within(leases.acquire()).await.unwrap()),
                _ => {
                    let wait = timeout(Duration::from_secs(5), leases.acquire()).await;
                    assert_eq!(wait.unwrap().unwrap_err().kind(), ErrorKind::Closed);
                }
            }
            answer("done");
        }
    });
}

/// A command that runs this role where its user has no instances of inotify, if there can be such.
fn without_events(path: &Path) -> Option<Command> {
    const NONE: &str = "echo 0 > /proc/sys/user/max_inotify_instances";
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c"]);
        command
    };
    let can = unshare().arg(NONE).output().is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("!!! skipped: there can be no user without inotify here");
        return None;
    }
    let role = role::command("has no events");
    let mut command = unshare();
    command.arg(format!("{NONE} && exec \"$0\" \"$@\"")).arg(role.get_program());
    command.args(role.get_args()).env(WORD, path);
    for (key, value) in role.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    Some(command)
}

#[tokio::test]
async fn without_events_it_is_looked_from_time_to_time() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, 1).await.unwrap();
    let Some(command) = without_events(&path) else { return };
    let mut waiting = Process::start(command);
    assert_eq!(waiting.answer(), "waiting");
    // One that is given back, one of a killed holder, and a file that is gone.
    let held = leases.acquire().await.unwrap();
    waiting.order("wait");
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(held);
    assert_eq!(waiting.answer(), "done");
    let mut killed = holding(&path);
    waiting.order("wait");
    tokio::time::sleep(Duration::from_millis(100)).await;
    killed.kill();
    assert_eq!(waiting.answer(), "done");
    let _held = leases.acquire().await.unwrap();
    waiting.order("wait for the end");
    tokio::time::sleep(Duration::from_millis(100)).await;
    lease::remove(&path).unwrap();
    assert_eq!(waiting.answer(), "done");
    assert!(waiting.wait().success());
}

/// Each is an error, as soon as it is needed, and leaves nobody in the line.
#[test]
fn a_runtime_that_cannot_wait_says_so() {
    let (_directory, path) = place();
    let whole = Builder::new_current_thread().enable_all().build().unwrap();
    let leases = whole.block_on(lease::open(&*path, 1)).unwrap();
    for (runtime, says) in [
        (Builder::new_current_thread().enable_time().build().unwrap(), "no I/O driver"),
        (Builder::new_current_thread().enable_io().build().unwrap(), "no timers"),
    ] {
        let lease = runtime.block_on(leases.acquire()).unwrap();
        let error = runtime.block_on(leases.acquire()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        drop(lease);
        assert!(leases.try_acquire().unwrap().is_some());
    }
    let outside = futures::executor::block_on(leases.acquire()).unwrap_err();
    assert!(outside.to_string().contains("no Tokio runtime here"), "{outside}");
    let outside = futures::executor::block_on(lease::open(&*path, 1)).unwrap_err();
    assert!(outside.to_string().contains("no Tokio runtime here"), "{outside}");
    assert!(leases.try_acquire().unwrap().is_some());
}

/// The most there can be.
#[tokio::test]
async fn a_thousand_permits() {
    let (_directory, path) = place();
    let leases = lease::open(&*path, lease::MOST).await.unwrap();
    let elsewhere = lease::open(&*path, lease::MOST).await.unwrap();
    let mut held = Vec::new();
    for n in 0..lease::MOST {
        let handle = if n % 2 == 0 { &leases } else { &elsewhere };
        held.push(within(handle.acquire()).await.unwrap());
        assert_eq!(held[n].index(), n);
    }
    assert_eq!((leases.free().unwrap(), elsewhere.free().unwrap()), (0, 0));
    let waiting = tokio::spawn(async move { leases.acquire().await.unwrap().index() });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(held.remove(777));
    assert_eq!(within(waiting).await.unwrap(), 777);
}
