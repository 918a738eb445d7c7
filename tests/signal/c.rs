//! A program in C, which knows nothing of us.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use framewire::signal::{self, Options, Queued, Received, Value};
use futures::{SinkExt, StreamExt};
use tempfile::TempDir;

use super::common::{
    Process, is_installed,
    role::{self, WORD},
    within,
};

/// The compiled program, as long as the directory lives.
pub(crate) fn compiled() -> Option<(TempDir, PathBuf)> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    if !is_installed(&compiler) {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("peer.c"), directory.path().join("peer"));
    std::fs::write(&source, include_str!("peer.c")).unwrap();
    let mut command = Command::new(compiler);
    command.args(["-O2", "-Wall", "-Werror", "-o"]).arg(&program).arg(&source);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((directory, program))
}

/// Starts a role that finds the program in its word.
pub(crate) fn with_program(role: &str) {
    let Some((_directory, program)) = compiled() else { return };
    let output = role::command(role).env(WORD, program).output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}: {complained}");
}

/// Has it send `RTMIN+3` to this process, and says who that was.
pub(crate) fn sends(program: &Path, how: &[&str]) -> u32 {
    let (mode, rest) = how.split_first().unwrap();
    let mut command = Command::new(program);
    command.args([mode, "3"]).arg(std::process::id().to_string()).args(rest);
    let mut child = command.spawn().unwrap();
    assert!(child.wait().unwrap().success(), "{how:?}");
    child.id()
}

pub(crate) async fn next(queued: &mut Queued) -> Received {
    within(queued.next()).await.unwrap().unwrap()
}

pub(crate) fn is_sent_to() {
    let program = PathBuf::from(role::word());
    role::block_on(async {
        let mut queued = Options::new().wide().queued("RTMIN+3").await.unwrap();
        let pid = sends(&program, &["queue", "1000"]);
        for value in 0..1000 {
            let signal = next(&mut queued).await;
            assert_eq!((signal.int(), signal.pid()), (Some(value), Some(pid)));
        }
        sends(&program, &["word"]);
        let signal = next(&mut queued).await;
        assert_eq!((signal.int(), signal.word()), (Some(-1), Some(usize::MAX as u64)));
        assert_eq!(signal.body(), (usize::MAX as u64).to_be_bytes()[..]);
        let pid = sends(&program, &["kill"]);
        let signal = next(&mut queued).await;
        assert_eq!((signal.int(), signal.word(), signal.pid()), (None, None, Some(pid)));
        assert!(signal.uid().is_some() && signal.body().is_empty());
    });
}

#[test]
fn what_c_sends_arrives() {
    with_program("is sent to by C");
}

pub(crate) fn is_lied_to() {
    let program = PathBuf::from(role::word());
    role::block_on(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        let pid = sends(&program, &["forge"]);
        // As if from a timer: of nobody, and without a value.
        let timer = next(&mut queued).await;
        assert_eq!((timer.pid(), timer.uid(), timer.int()), (None, None, None));
        // As if from process 1. A process of our own user can write that: we do not find out.
        let other = next(&mut queued).await;
        assert_ne!(other.pid(), Some(pid));
        assert_eq!((other.pid(), other.int()), (Some(1), Some(7)));
        let policy = signal::Policy::anyone().pid(pid);
        drop(queued);
        let mut queued = Options::new().policy(policy).queued("RTMIN+3").await.unwrap();
        sends(&program, &["forge"]);
        let nothing = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(nothing, queued.next()).await.is_err());
        assert_eq!(queued.denied(), 2);
    });
}

#[test]
fn only_what_the_kernel_vouches_for_is_believed() {
    with_program("is lied to");
}

#[tokio::test]
async fn c_receives_what_is_sent() {
    let Some((_directory, program)) = compiled() else { return };
    let mut command = Command::new(program);
    command.args(["wait", "3", "4"]);
    let mut peer = Process::start(command);
    assert_eq!(peer.answer(), "ready");
    let mut sender = signal::sender(format!("RTMIN+3@{}", peer.id())).await.unwrap();
    let (pid, uid) = (std::process::id(), rustix::process::getuid().as_raw());
    let word = usize::MAX as u64 / 3;
    let values = [Value::Int(-7), Value::Int(i32::MAX), Value::Word(word), Value::Plain];
    for value in values {
        sender.send(value).await.unwrap();
    }
    for value in values {
        let answer = peer.answer();
        let mut said = answer.split(' ');
        assert_eq!(said.next(), Some("1"), "{value:?}: {answer}");
        let (int, pointer) = (said.next().unwrap(), said.next().unwrap());
        match value {
            Value::Int(sent) => assert_eq!(int.parse(), Ok(sent)),
            Value::Word(sent) => assert_eq!(u64::from_str_radix(pointer, 16), Ok(sent)),
            Value::Plain => assert_eq!((int, pointer), ("0", "0")),
        }
        assert_eq!(said.next(), Some(&*pid.to_string()));
        assert_eq!(said.next(), Some(&*uid.to_string()));
    }
    assert!(peer.wait().success());
}
