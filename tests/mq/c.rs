//! A program in C at the other end.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use framewire::mq::{self, Outgoing};
use futures::{SinkExt, StreamExt};
use tempfile::TempDir;

use super::{
    common::{is_installed, numbered, same, within},
    subject::{BOTH, Name, small},
};

/// The compiled program, as long as the directory lives.
fn compiled() -> Option<(TempDir, PathBuf)> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    if !is_installed(&compiler) {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("peer.c"), directory.path().join("peer"));
    std::fs::write(&source, include_str!("peer.c")).unwrap();
    let mut command = Command::new(compiler);
    // Some C libraries have mq_open in a library of its own.
    command.args(["-O2", "-Wall", "-Werror", "-o"]).arg(&program).arg(&source).arg("-lrt");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((directory, program))
}

#[tokio::test]
async fn c_receives_what_rust_sends() {
    let Some((_directory, program)) = compiled() else { return };
    for wait_by in BOTH {
        let name = Name::new();
        let mut sender = small().wait_by(wait_by).sender(&*name).await.unwrap().detailed();
        for (body, priority) in [("low", 0), ("highest", 32_767), ("", 2), ("high", 9)] {
            sender.send(Outgoing::new(body).priority(priority)).await.unwrap();
        }
        let output = Command::new(&program).args(["receive", &*name, "4"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, "32767 highest\n9 high\n2 \n0 low\n");
    }
}

#[tokio::test]
async fn rust_receives_what_c_sends() {
    let Some((_directory, program)) = compiled() else { return };
    for wait_by in BOTH {
        let name = Name::new();
        let mut receiver = small().wait_by(wait_by).receiver(&*name).await.unwrap().detailed();
        let status = Command::new(&program).args(["send", &*name]).status().unwrap();
        assert!(status.success());
        for (body, priority) in [("highest", 32_767), ("high", 9), ("", 3), ("low", 0)] {
            let message = within(receiver.next()).await.unwrap().unwrap();
            assert_eq!((&message.body[..], message.priority()), (body.as_bytes(), priority));
        }
    }
}

#[tokio::test]
async fn rust_opens_what_c_has_made() {
    let Some((_directory, program)) = compiled() else { return };
    for wait_by in BOTH {
        let name = Name::new();
        let mut command = Command::new(&program);
        command.args(["make", &*name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "made\n");
        let options = mq::Options::new().create(false).wait_by(wait_by);
        let mut receiver = options.receiver(&*name).await.unwrap().detailed();
        let inlet = receiver.get_ref().get_ref();
        assert_eq!((inlet.capacity(), inlet.max_len()), (4, 64));
        let message = within(receiver.next()).await.unwrap().unwrap();
        assert_eq!((&message.body[..], message.priority()), (&b"made by C"[..], 5));
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

/// It blocks in its calls while we wait in ours, and neither keeps the other's messages.
#[tokio::test]
async fn c_echoes() {
    const ROUNDS: u64 = 2000;
    let Some((_directory, program)) = compiled() else { return };
    for wait_by in BOTH {
        let (there, back) = (Name::new(), Name::new());
        let options = small().wait_by(wait_by);
        let mut sender = options.sender(&*there).await.unwrap().detailed();
        let mut receiver = options.receiver(&*back).await.unwrap().detailed();
        let mut child = Command::new(&program).args(["echo", &*there, &*back]).spawn().unwrap();
        let priority = |n: u64| u32::from(n % 97 == 0) * 7;
        let sending = async {
            for n in 0..ROUNDS {
                let message = Outgoing::new(numbered(n, 8 + n as usize % 57));
                sender.send(message.priority(priority(n))).await.unwrap();
            }
        };
        let receiving = async {
            let mut seen = vec![false; ROUNDS as usize];
            for _ in 0..ROUNDS {
                let message = receiver.next().await.unwrap().unwrap();
                let n = u64::from_be_bytes(*message.body.first_chunk().unwrap());
                same(&message.body, &numbered(n, 8 + n as usize % 57));
                assert_eq!(message.priority(), priority(n) + 1);
                assert!(!std::mem::replace(&mut seen[n as usize], true), "{n} came twice");
            }
        };
        within(async { tokio::join!(sending, receiving) }).await;
        sender.send(Outgoing::new("")).await.unwrap();
        assert!(child.wait().unwrap().success());
    }
}
