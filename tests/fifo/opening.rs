//! Opening before the partner is there.

use std::{
    fs,
    time::{Duration, Instant},
};

use framewire::{ErrorKind, fifo};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::sleep;

use super::{
    common::{Polls, within},
    names::{entries, make},
};

/// Longer than any step that needs no waiting.
const A_WHILE: Duration = Duration::from_millis(30);

#[tokio::test]
async fn a_sender_waits_for_its_receiver() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    for exclusive in [false, true] {
        for by_hand in [false, true] {
            if by_hand {
                make(&path, 0o600);
            }
            let options = fifo::Options::new().exclusive(exclusive);
            let waiting = path.clone();
            let opening = tokio::spawn(async move { options.sender(waiting).await });
            sleep(A_WHILE).await;
            assert!(!opening.is_finished(), "exclusive: {exclusive}, by hand: {by_hand}");

            let mut receiver = fifo::receiver(&path).await.unwrap();
            let mut sender = within(opening).await.unwrap().unwrap();
            sender.send("hello".into()).await.unwrap();
            assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "hello");
            drop((receiver, sender));
            let _ = fs::remove_file(&path);
        }
    }
    for name in entries(directory.path()) {
        // A sender that is there when the receiver lets go of what was made by hand.
        assert_eq!(name, "f.lock");
    }
}

/// The name appears first, and its reader later; and once more after a receiver that did not stay.
#[tokio::test]
async fn a_sender_waits_through_whatever_happens_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let opening = tokio::spawn(fifo::sender(path.clone()));
    sleep(A_WHILE).await;
    make(&path, 0o600);
    sleep(A_WHILE).await;
    fs::remove_file(&path).unwrap();
    fs::write(directory.path().join("other"), "not it").unwrap();
    sleep(A_WHILE).await;
    make(&path, 0o600);
    sleep(A_WHILE).await;
    assert!(!opening.is_finished());
    let _receiver = fifo::receiver(&path).await.unwrap();
    within(opening).await.unwrap().unwrap();
}

/// A program that knows nothing of us reads: messages reach it, and alone nobody can be.
#[tokio::test]
async fn a_reader_that_is_another_program_is_waited_for_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    make(&path, 0o600);
    let opening = tokio::spawn(fifo::sender(path.clone()));
    sleep(A_WHILE).await;
    let cat = tokio::process::Command::new("cat").arg(&path).output();
    let cat = tokio::spawn(cat);
    let mut sender = within(opening).await.unwrap().unwrap();
    let error = fifo::Options::new().exclusive(true).sender(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    sender.send("hello".into()).await.unwrap();
    drop(sender);
    assert_eq!(within(cat).await.unwrap().unwrap().stdout, b"\0\0\0\x05hello");
    assert_eq!(entries(directory.path()), ["f"]);
}

#[tokio::test]
async fn a_name_that_turns_out_to_be_something_else_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let opening = tokio::spawn(fifo::sender(path.clone()));
    sleep(A_WHILE).await;
    fs::write(&path, "somebody's").unwrap();
    let error = within(opening).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("is a regular file, not a FIFO"), "{error}");

    // Its directory goes away.
    let directory = tempfile::tempdir().unwrap();
    let opening = tokio::spawn(fifo::sender(directory.path().join("f")));
    sleep(A_WHILE).await;
    drop(directory);
    let error = within(opening).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_tells_what_was_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let options = fifo::Options::new().deadline(A_WHILE);
    for missing in ["nothing has that name", "nobody reads it"] {
        let begun = Instant::now();
        let error = within(options.sender(&path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(begun.elapsed() >= A_WHILE);
        for told in [missing, "start the receiver", "send to fifo:///"] {
            assert!(error.to_string().contains(told), "{error}");
        }
        if !path.exists() {
            make(&path, 0o600);
        }
    }
    let _receiver = fifo::receiver(&path).await.unwrap();
    within(options.deadline(Duration::MAX).sender(&path)).await.unwrap();
}

/// Dropped after each number of polls, it leaves no descriptor, and nobody in the receiver's way.
#[test]
#[cfg(target_os = "linux")]
fn a_wait_can_be_dropped() {
    const ALONE: &str = "FRAMEWIRE_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "opening::a_wait_can_be_dropped", "--test-threads=1"]);
        let output = command.env(ALONE, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    let round = |by_hand: bool| {
        super::common::role::block_on(async {
            for polls in 0..20 {
                assert!(Polls::new(polls, Box::pin(fifo::sender(&path))).await.is_none());
                let exclusive = fifo::Options::new().exclusive(true);
                assert!(Polls::new(polls, Box::pin(exclusive.sender(&path))).await.is_none());
            }
            assert_eq!(entries(directory.path()).len(), usize::from(by_hand));
        });
    };
    round(false);
    let before = super::common::Census::settled();
    round(false);
    make(&path, 0o600);
    round(true);
    before.assert_back();
    super::common::role::block_on(async {
        let mut receiver = fifo::receiver(&path).await.unwrap();
        assert!(receiver.next().now_or_never().is_none(), "nobody is there, and nobody was");
        let alone = fifo::Options::new().exclusive(true);
        drop(within(alone.sender(&path)).await.unwrap());
    });
}
