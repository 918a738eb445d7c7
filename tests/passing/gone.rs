//! Processes that pass descriptors and are gone, or never take what was passed to them.

use std::{
    fs::{self, File},
    io::Read,
    path::PathBuf,
};

use framewire::{
    Endpoint, SocketName,
    unix::{self, Detailed, Outgoing},
};
use futures::{FutureExt, SinkExt, StreamExt};

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, ENDPOINT, WORD},
        within,
    },
    pair, raw,
};

/// Connects to whoever started this process, and passes them a file that it then removes.
async fn passes_a_file() -> Detailed {
    let endpoint = std::env::var(ENDPOINT).unwrap().parse().unwrap();
    let Endpoint::Unix(name) = endpoint else { panic!("{endpoint} is no Unix socket") };
    let mut ours = unix::connect(name).await.unwrap().detailed().unwrap();
    let path = PathBuf::from(role::word());
    fs::write(&path, "written by who is gone").unwrap();
    ours.send(Outgoing::new("read it").with(File::open(&path).unwrap())).await.unwrap();
    fs::remove_file(path).unwrap();
    ours
}

pub(crate) fn passes_and_exits() {
    role::block_on(async { drop(passes_a_file().await) });
}

pub(crate) fn passes_and_waits() {
    let _ours = role::block_on(passes_a_file());
    answer("passed");
    next_order();
}

/// Starts a process that passes a file, ends it by `end`, and reads the file.
async fn reads_the_file_of(role: &str, end: fn(&mut Process)) {
    let directory = tempfile::tempdir().unwrap();
    let name = SocketName::Path(directory.path().join("e.sock"));
    let mut listener = unix::listen(name.clone()).await.unwrap();
    let mut command = role::command(role);
    command
        .env(ENDPOINT, Endpoint::Unix(name).to_string())
        .env(WORD, directory.path().join("file"));
    let mut process = Process::start(command);
    let connection = within(listener.next()).await.unwrap().unwrap();
    tokio::task::spawn_blocking(move || end(&mut process)).await.unwrap();

    let mut ours = connection.detailed().unwrap();
    let received = within(ours.next()).await.expect("it was sent").unwrap();
    let (body, [file]) = received.exactly().unwrap();
    assert_eq!(body, "read it");
    let mut text = String::new();
    File::from(file).read_to_string(&mut text).unwrap();
    assert_eq!(text, "written by who is gone");
    assert!(within(ours.next()).await.is_none());
}

#[tokio::test]
async fn the_file_of_a_process_that_has_exited_is_read() {
    reads_the_file_of("passes and exits", |process| assert!(process.wait().success())).await;
}

#[tokio::test]
async fn the_file_of_a_process_that_was_killed_is_read() {
    let kill = |process: &mut Process| {
        assert_eq!(process.answer(), "passed");
        process.kill();
    };
    reads_the_file_of("passes and waits", kill).await;
}

#[test]
fn what_is_queued_is_closed_with_its_sender() {
    role::must_pass("drops with descriptors queued");
}

pub(crate) fn drops_with_descriptors_queued() {
    role::block_on(async {
        let before = raw::open();
        for step in 0..3 {
            let (mut ours, theirs) = pair();
            for file in raw::memfds(20) {
                ours.feed(Outgoing::new("never sent").with(file)).await.unwrap();
            }
            assert!(raw::open() >= before + 20, "they are queued");
            // Without a flush, with one that is stuck, and with one that fails.
            match step {
                0 => drop(theirs),
                1 => {
                    let full = Outgoing::new(vec![0; 4 << 20]);
                    let (mut ours, _theirs) = (ours, theirs);
                    ours.feed(full).now_or_never().expect("it has room").unwrap();
                    for file in raw::memfds(20) {
                        if ours.feed(Outgoing::new("").with(file)).now_or_never().is_none() {
                            break;
                        }
                    }
                    assert!(ours.flush().now_or_never().is_none());
                }
                _ => {
                    drop(theirs);
                    ours.flush().await.unwrap_err();
                }
            }
        }
        assert_eq!(raw::open(), before);
    });
}

/// Long enough for what can go on to have gone on.
async fn stuck() {
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

#[test]
fn what_is_unread_is_closed_with_its_receiver() {
    role::must_pass("drops with descriptors unread");
}

pub(crate) fn drops_with_descriptors_unread() {
    role::block_on(async {
        let before = raw::open();
        // How far the receiver gets: nothing, one of many, part of a large one.
        for (taken, len) in [(0, 10), (1, 10), (0, 100_000), (2, 100_000)] {
            let (mut ours, mut theirs) = pair();
            let sending = async {
                for file in raw::memfds(20) {
                    ours.feed(Outgoing::new(vec![0; len]).with(file)).await.unwrap();
                }
                ours.flush().await.unwrap();
            };
            let receiving = async {
                for _ in 0..taken {
                    theirs.next().await.unwrap().unwrap().exactly::<1>().unwrap();
                }
            };
            // Half of a large one has come by the time that nobody reads on.
            within(async {
                tokio::select! {
                    ((), ()) = async { tokio::join!(sending, receiving) } => {}
                    () = stuck() => {}
                }
            })
            .await;
            let _ = theirs.next().now_or_never();
        }
        assert_eq!(raw::open(), before);
    });
}
