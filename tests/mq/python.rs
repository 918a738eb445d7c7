//! A program in Python at the other end, with posix_ipc.

use std::process::{Command, Output};

use framewire::mq::Outgoing;
use futures::{SinkExt, StreamExt};

use super::{
    common::{is_installed, within},
    subject::{BOTH, Name, small},
};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mq/peer.py");

/// Whether there is a Python that has the package; where not, there is nothing to show.
fn is_there() -> bool {
    if !is_installed("python3") {
        return false;
    }
    let has = Command::new("python3").args(["-c", "import posix_ipc"]).output().unwrap();
    if !has.status.success() {
        let required = std::env::var_os("FRAMEWIRE_REQUIRE_PEERS").is_some();
        assert!(!required, "there is no posix_ipc for python3");
        eprintln!("!!! skipped: there is no posix_ipc for python3");
    }
    has.status.success()
}

async fn python(words: &[&str]) -> String {
    let mut command = Command::new("python3");
    command.arg(PROGRAM).args(words);
    let running = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = within(running).await.unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[tokio::test]
async fn python_receives_what_rust_sends() {
    if !is_there() {
        return;
    }
    for wait_by in BOTH {
        let name = Name::new();
        let mut sender = small().wait_by(wait_by).sender(&*name).await.unwrap().detailed();
        for (body, priority) in [("low", 0), ("highest", 32_767), ("", 2), ("high", 9)] {
            sender.send(Outgoing::new(body).priority(priority)).await.unwrap();
        }
        let said = python(&["receive", &name, "4"]).await;
        assert_eq!(said, "32767 highest\n9 high\n2 \n0 low\n");
    }
}

#[tokio::test]
async fn rust_receives_what_python_sends() {
    if !is_there() {
        return;
    }
    for wait_by in BOTH {
        let name = Name::new();
        let mut receiver = small().wait_by(wait_by).receiver(&*name).await.unwrap().detailed();
        python(&["send", &name]).await;
        for (body, priority) in [("high", 9), ("", 3), ("low", 0)] {
            let message = within(receiver.next()).await.unwrap().unwrap();
            assert_eq!((&message.body[..], message.priority()), (body.as_bytes(), priority));
        }
    }
}
