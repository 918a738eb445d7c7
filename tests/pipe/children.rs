//! Children that inherit two pipes, how they end, and who else might hold their ends.

use std::{os::unix::process::ExitStatusExt, process::Stdio};

use framewire::{ErrorKind, pipe};
use futures::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::process::Command;

use super::common::{is_installed, numbered, role, within};

fn child(role: &str) -> Command {
    let mut command = Command::from(role::command(role));
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

/// A script for bash: other shells know no descriptors above 9, and those of a pipe may be.
fn bash(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command
}

/// Sends back what comes.
pub(crate) fn echoes() {
    role::block_on(async {
        let connection = pipe::inherited().unwrap();
        assert_eq!(pipe::inherited().unwrap_err().kind(), ErrorKind::NotFound, "once only");
        let (sink, stream) = connection.split();
        stream.forward(sink).await.unwrap();
    });
}

#[tokio::test]
async fn a_child_echoes_over_what_it_inherited() {
    let mut child = pipe::spawn(child("echoes")).unwrap();
    for n in 0..100 {
        let message = numbered(n, 8 + 1000 * n as usize);
        child.connection.send(message.clone()).await.unwrap();
        assert!(within(child.connection.next()).await.unwrap().unwrap() == message);
    }
    assert!(within(child.finish()).await.unwrap().success());
}

/// The end of the messages is one thing, the end of the process another.
#[tokio::test]
async fn how_a_child_ended_is_told_apart_from_the_end_of_the_stream() {
    if !is_installed("bash") {
        return;
    }
    let mut child = pipe::spawn(bash("exit 7")).unwrap();
    assert!(within(child.connection.next()).await.is_none());
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(7));

    // The stream has ended, the process has not.
    let script = r#"
        eval "exec ${FRAMEWIRE_PIPE#*,}>&-"
        read -r _ <&"${FRAMEWIRE_PIPE%,*}"
        exit 3"#;
    let mut child = pipe::spawn(bash(script)).unwrap();
    assert!(within(child.connection.next()).await.is_none());
    assert!(child.process.try_wait().unwrap().is_none(), "it still runs");
    child.connection.close().await.unwrap();
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(3));
}

/// Frames made by a program that knows nothing of this crate, the last one cut short.
#[tokio::test]
async fn a_killed_child_leaves_whole_frames_and_a_status() {
    if !is_installed("bash") {
        return;
    }
    for (last, truncated) in [("", false), (r"\000\000\000\005hel", true)] {
        let script = format!(
            r#"printf '\000\000\000\003one\000\000\000\003two{last}' >&"${{FRAMEWIRE_PIPE#*,}}"
            kill -9 $$"#
        );
        let mut child = pipe::spawn(bash(&script)).unwrap();
        assert_eq!(within(child.connection.next()).await.unwrap().unwrap(), "one");
        assert_eq!(within(child.connection.next()).await.unwrap().unwrap(), "two");
        if truncated {
            let error = within(child.connection.next()).await.expect("an error").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "{error}");
        }
        assert!(within(child.connection.next()).await.is_none());
        let status = within(child.wait()).await.unwrap();
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    }
}

#[tokio::test]
async fn killing_a_child_tells_the_signal_and_does_not_fail_twice() {
    let mut child = pipe::spawn(child("echoes")).unwrap();
    let status = within(child.kill()).await.unwrap();
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "{status}");
    assert_eq!(within(child.kill()).await.unwrap(), status);
    assert!(within(child.connection.next()).await.is_none());
    let error = child.connection.send("hello".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    within(child.finish()).await.unwrap();
}

/// Starts a process that outlives this one, and says which.
#[expect(clippy::zombie_processes, reason = "it is to outlive its parent, which ends at once")]
pub(crate) fn leaves_a_grandchild() {
    role::block_on(async {
        let mut connection = pipe::inherited().unwrap();
        let mut sleep = std::process::Command::new("sleep");
        let grandchild = sleep.arg("60").stdin(Stdio::null()).stdout(Stdio::null());
        let grandchild = grandchild.stderr(Stdio::null()).spawn().unwrap();
        connection.send(grandchild.id().to_string().into()).await.unwrap();
    });
}

#[tokio::test]
async fn a_grandchild_does_not_keep_the_stream_from_ending() {
    let mut child = pipe::spawn(child("leaves a grandchild")).unwrap();
    let grandchild = within(child.connection.next()).await.expect("its number").unwrap();
    let grandchild: i32 = std::str::from_utf8(&grandchild).unwrap().parse().unwrap();
    let grandchild = Pid::from_raw(grandchild).unwrap();
    assert!(within(child.connection.next()).await.is_none());
    assert!(within(child.wait()).await.unwrap().success());
    test_kill_process(grandchild).expect("it still runs");
    kill_process(grandchild, Signal::KILL).unwrap();
}

/// Each child gets its own ends and nobody else's.
#[tokio::test]
async fn a_second_child_does_not_keep_the_first_from_ending() {
    let mut children: Vec<_> = (0..4).map(|_| pipe::spawn(child("echoes")).unwrap()).collect();
    for child in &mut children {
        child.connection.send("hello".into()).await.unwrap();
        assert_eq!(within(child.connection.next()).await.unwrap().unwrap(), "hello");
    }
    // In the order in which they were started: those that live were started after those that end.
    for child in children {
        assert!(within(child.finish()).await.unwrap().success());
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_by_name() {
    let error = pipe::spawn(Command::new("/nowhere/program")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("/nowhere/program"), "{error}");
}
