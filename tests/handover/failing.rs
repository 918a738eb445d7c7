//! Next versions that come to nothing.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use framewire::{
    Endpoint, ErrorKind, SocketName,
    handover::{Handover, Sockets},
    tcp, unix,
};
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    common::{HANG, within},
    daemon::{LATE, Line, is_running},
};

async fn daemon() -> (TempDir, PathBuf, Line) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let endpoint = Endpoint::Unix(SocketName::Path(path.clone()));
    let command = Line::command(&format!("echo={endpoint}"));
    let line = Line::start(command, endpoint).await;
    (directory, path, line)
}

/// All is as it was before.
async fn is_still_there(line: &Line, path: &PathBuf) {
    let first = line.current();
    let begun = Instant::now();
    while children(first).into_iter().any(is_running) {
        assert!(begun.elapsed() < HANG, "the next version runs on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..20 {
        assert_eq!(line.who().await, first);
    }
    let client = unix::connect(&**path).await.unwrap();
    assert_eq!(client.peer().pid(), Some(first), "clients see another");
    let error = unix::listen(&**path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains(&format!("process {first} owns")), "{error}");
}

/// Whatever goes wrong with the next version, the old one goes on, and can have another.
async fn survives(manner: &str, says: &[&str]) {
    let (directory, path, mut line) = daemon().await;
    for _ in 0..2 {
        let told = line.ask(&format!("upgrade {manner}")).await;
        for says in says {
            assert!(told.contains(says), "{manner}: {told}");
        }
        is_still_there(&line, &path).await;
    }
    line.upgrade("").await;
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

#[tokio::test]
async fn one_that_crashes() {
    survives("crashes at once", &["Closed", "exit status: 3"]).await;
}

#[tokio::test]
async fn one_that_crashes_with_the_sockets_in_its_hands() {
    survives("crashes when it has adopted them", &["Closed", "exit status: 3"]).await;
}

#[tokio::test]
async fn one_that_drops_the_listeners_before_they_are_its_own() {
    survives("ends in order before it is ready", &["Closed", "exit status: 0"]).await;
}

#[tokio::test]
async fn one_that_forgets_the_sockets() {
    survives("forgets the sockets", &["Closed", "let go of its control descriptor"]).await;
}

#[tokio::test]
async fn one_that_is_not_there() {
    survives("is not there", &["NotFound", "spawn /nowhere/daemon"]).await;
}

/// It polls its listeners all the time, and must not be given anybody who comes.
#[tokio::test]
async fn one_that_is_never_ready_takes_nobody_away() {
    let (directory, path, mut line) = daemon().await;
    let upgrading = line.ask("upgrade accepts and is never ready");
    let served = async {
        // For as long as it is there.
        for _ in 0..100 {
            assert_eq!(line.who().await, line.current());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (told, ()) = tokio::join!(upgrading, served);
    assert!(told.contains("TimedOut") && told.contains("Sockets::ready"), "{told}");
    is_still_there(&line, &path).await;
    line.upgrade("").await;
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

#[tokio::test]
async fn one_that_is_given_up_in_the_middle() {
    let (directory, path, mut line) = daemon().await;
    for _ in 0..3 {
        assert_eq!(line.ask("cancel accepts and is never ready").await, "cancelled");
        is_still_there(&line, &path).await;
    }
    line.upgrade("").await;
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

/// The old version dies while the next one gets ready, which then has everything.
#[tokio::test]
async fn one_whose_predecessor_is_killed_takes_over() {
    let (directory, path, mut line) = daemon().await;
    let old = line.current();
    let upgrading = async {
        // It dies before it can answer.
        let endpoint = line.endpoint.clone();
        let mut connection = endpoint.connect().await.unwrap();
        futures::SinkExt::send(&mut connection, "upgrade takes its time".into()).await.unwrap();
        while children(old).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Its next version is on its way, and not there yet.
        tokio::time::sleep(Duration::from_millis(200)).await;
        children(old)
    };
    let next = within(upgrading).await[0];
    line.add(next);
    line.kill(old).await;
    assert!(path.exists());
    let error = unix::listen(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    // Who comes in between waits for the next version.
    assert_eq!(line.who().await, next);
    let error = unix::listen(&*path).await.unwrap_err();
    assert!(error.to_string().contains(&format!("process {next} owns")), "{error}");
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

/// What is started is not the next version but who starts that, so that it cannot be killed: it is
/// told that it is not wanted, and must not take the silence for the old version's death.
#[tokio::test]
async fn one_that_comes_too_late_is_refused() {
    let (directory, path, mut line) = daemon().await;
    let told = line.ask("upgrade takes too long behind a wrapper").await;
    assert!(told.contains("TimedOut"), "{told}");
    let begun = Instant::now();
    // Until it has asked, and been refused.
    while begun.elapsed() < LATE {
        is_still_there(&line, &path).await;
    }
    line.upgrade("").await;
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

/// Who was started by this process: proc_pid_stat(5).
fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap();
    let pids = all.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(1));
        parent == Some(&of.to_string())
    };
    pids.filter(is_child).collect()
}

#[tokio::test]
async fn what_cannot_be_handed_over_is_told_before_anything_is_started() {
    let listener = tcp::listen("127.0.0.1:0").await.unwrap();
    let handle = listener.handle();
    let handover = || Handover::new(Command::new("/nowhere/daemon"));
    for name in ["a:b", "a\nb", "\u{e9}", &"x".repeat(256)] {
        let error = handover().listener(name, &handle).spawn().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    }
    let twice = handover().listener("a", &handle).listener("b", &handle);
    let error = twice.spawn().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    // It was not handed over: only the program is missing.
    let error = handover().listener("a", &handle).spawn().await.unwrap_err();
    assert!(error.to_string().contains("spawn /nowhere/daemon"), "{error}");
    drop(listener);
    let error = handover().listener("a", &handle).spawn().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("the listener is closed"), "{error}");
}

#[test]
fn without_a_runtime_it_is_an_error() {
    let spawning = Handover::new(std::process::Command::new("true")).deadline(HANG).spawn();
    let error = futures::executor::block_on(spawning).unwrap_err();
    assert!(error.to_string().contains("no Tokio runtime here"), "{error}");
}

/// A handover that nobody is at the other end of has nothing to say.
#[tokio::test]
async fn who_has_no_previous_version_is_ready_at_once() {
    let mut sockets = Sockets::inherited().unwrap();
    assert_eq!(sockets.names().count(), 0);
    within(sockets.ready()).await.unwrap();
}
