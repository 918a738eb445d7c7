//! Names: who has one, what is left of it, and what stands in its way.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    time::{Duration, Instant},
};

use framewire::{ErrorKind, unix};
use futures::{SinkExt, StreamExt};
use rustix::{fs::Mode, process::umask};

use super::common::{
    Process,
    process::{answer, next_order},
    role::{self, WORD},
    within,
};

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Listens, connects, and has a message cross.
async fn serves(path: &Path) {
    let mut listener = unix::listen(path).await.unwrap();
    reaches(&mut listener, path).await;
}

async fn reaches(listener: &mut unix::Listener, path: &Path) {
    within(async {
        let mut client = unix::connect(path).await.unwrap();
        let mut server = listener.next().await.expect("a listener never ends").unwrap();
        client.send("hello".into()).await.unwrap();
        assert_eq!(server.next().await.expect("it was sent").unwrap(), "hello");
    })
    .await;
}

#[test]
fn the_umask_has_no_say_in_the_mode() {
    role::must_pass("umask 0");
}

pub(crate) fn umask_0() {
    role::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("e.sock");
        for mask in [Mode::empty(), Mode::from_raw_mode(0o022), Mode::from_raw_mode(0o777)] {
            umask(mask);
            let listener = unix::listen(&*path).await.unwrap();
            assert_eq!(mode_of(&path), 0o600, "with umask {mask:?}");
            drop(listener);
            let listener = unix::Options::new().mode(0o660).listen(&*path).await.unwrap();
            assert_eq!(mode_of(&path), 0o660, "with umask {mask:?}");
            drop(listener);
        }
        umask(Mode::from_raw_mode(0o022));
    });
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_path_may_be_longer_than_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("d".repeat(100)).join("e".repeat(100));
    fs::create_dir_all(&deep).unwrap();
    let path = deep.join("e.sock");
    assert!(path.as_os_str().len() > 200);
    serves(&path).await;
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0, "nothing is left");
    let error = unix::connect(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_name_is_gone_with_its_listener() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = unix::listen(&*path).await.unwrap();
    reaches(&mut listener, &path).await;
    let mut client = unix::connect(&*path).await.unwrap();
    let mut server = listener.next().await.expect("a listener never ends").unwrap();
    drop(listener);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    // Connections outlive it.
    client.send("hello".into()).await.unwrap();
    assert_eq!(server.next().await.expect("it was sent").unwrap(), "hello");
    serves(&path).await;
}

#[tokio::test]
async fn the_name_of_a_successor_survives_a_displaced_listener() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let displaced = unix::listen(&*path).await.unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let mut successor = unix::listen(&*path).await.unwrap();
    drop(displaced);
    assert!(path.exists());
    reaches(&mut successor, &path).await;
    drop(successor);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_stale_socket_is_refused_and_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    fs::write(place("file"), "a thesis").unwrap();
    fs::create_dir(place("directory")).unwrap();
    drop(UnixListener::bind(place("stale")).unwrap());
    symlink(place("file"), place("link to a file")).unwrap();
    symlink(place("stale"), place("link to a stale socket")).unwrap();
    symlink(place("nothing"), place("link to nothing")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place("fifo"), Mode::from_raw_mode(0o600)).unwrap();
    let census = || {
        let mut entries: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        entries.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
        let told = entries.iter().map(|entry| {
            let entry = entry.as_ref().unwrap();
            let stat = fs::symlink_metadata(entry.path()).unwrap();
            (entry.file_name(), stat.ino(), stat.mode(), stat.len())
        });
        told.collect::<Vec<_>>()
    };
    let before = census();
    let links = ["link to a file", "link to a stale socket", "link to nothing"];
    for name in ["file", "directory", "fifo"].into_iter().chain(links) {
        let error = unix::listen(&*place(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}: {error}");
        assert_eq!(census(), before, "{name}");
    }
    assert_eq!(fs::read(place("file")).unwrap(), b"a thesis");
}

#[tokio::test]
async fn a_directory_that_others_can_write_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let error = unix::listen(directory.path().join("e.sock")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_directory_that_is_missing_is_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = unix::listen(missing.join("e.sock")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let remedy = format!("create the directory {} first", missing.display());
    assert!(error.to_string().contains(&remedy), "{error}");
}

#[tokio::test]
async fn a_living_listener_is_not_taken_from() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut listener = unix::listen(&*path).await.unwrap();
    let error = unix::listen(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    reaches(&mut listener, &path).await;
    drop(listener);

    // One of a program that claims nothing.
    let theirs = UnixListener::bind(&path).unwrap();
    let error = unix::listen(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    drop(theirs);
    serves(&path).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_abstract_name_has_one_listener() {
    let directory = tempfile::tempdir().unwrap();
    let name = framewire::SocketName::Abstract(directory.path().display().to_string());
    let listener = unix::listen(name.clone()).await.unwrap();
    let error = unix::listen(name.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains("choose another name"), "what to do: {error}");
    drop(listener);
    drop(unix::listen(name).await.unwrap());
}

/// Listens on the path that is its word, until it is killed.
pub(crate) fn listens() {
    role::block_on(async {
        let _listener = unix::listen(role::word()).await.unwrap();
        answer("listening");
        next_order();
    });
}

#[tokio::test]
async fn what_a_killed_server_left_is_taken_over_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    for _ in 0..5 {
        let mut command = role::command("listens");
        command.env(WORD, &path);
        let mut server = Process::start(command);
        assert_eq!(server.answer(), "listening");
        let error = unix::listen(&*path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
        assert!(error.to_string().contains(&server.id().to_string()), "by whom: {error}");

        server.kill();
        assert!(path.exists(), "it had no chance to remove its name");
        let begun = Instant::now();
        serves(&path).await;
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// Tries to listen on each path that is ordered, and lets go of it at the order "stop".
pub(crate) fn races() {
    role::block_on(async {
        let mut listening = None;
        while let Some(order) = next_order() {
            if order == "stop" {
                drop(listening.take());
                answer("stopped");
                continue;
            }
            match unix::listen(order.as_str()).await {
                Ok(listener) => {
                    listening = Some(listener);
                    answer("won");
                }
                Err(error) => answer(&format!("{:?}", error.kind())),
            }
        }
    });
}

#[test]
fn of_two_servers_that_race_for_a_name_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut racers: Vec<_> = (0..2).map(|_| Process::start(role::command("races"))).collect();
    for round in 0..30 {
        if round % 3 > 0 {
            // What a killed one left, which both may take.
            drop(UnixListener::bind(&path).unwrap());
        }
        for racer in &mut racers {
            racer.order(path.to_str().unwrap());
        }
        let mut said: Vec<_> = racers.iter_mut().map(Process::answer).collect();
        said.sort();
        assert_eq!(said, ["InUse", "won"], "in round {round}");
        for racer in &mut racers {
            racer.order("stop");
            assert_eq!(racer.answer(), "stopped");
        }
        assert!(!path.exists());
    }
    for mut racer in racers {
        assert!(racer.wait().success());
    }
}
