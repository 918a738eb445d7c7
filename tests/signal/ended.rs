//! Processes that have ended, and those that have their numbers now.

use std::{fs, process::Command};

use framewire::{
    ErrorKind,
    signal::{self, Options, Value},
};
use futures::SinkExt;

use super::common::{Process, process::answer, role};

const ROUNDS: usize = 100;

/// One that a signal with no handler ends.
fn victim() -> Process {
    let mut victim = Process::start(role::command("sleeps"));
    assert_eq!(victim.answer(), "sleeping");
    victim
}

pub(crate) fn sleeps() {
    answer("sleeping");
    super::common::process::next_order();
}

#[tokio::test]
async fn a_process_that_has_ended_is_not_sent_to() {
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let mut sender = signal::sender(format!("URG@{}", child.id())).await.unwrap();
    sender.send(Value::Plain).await.unwrap();
    child.kill().unwrap();
    let begun = std::time::Instant::now();
    // Nobody has waited for it yet: the kernel would still take signals for it.
    loop {
        match sender.send(Value::Int(7)).await {
            Ok(()) => assert!(begun.elapsed() < super::common::HANG, "it never ends"),
            Err(error) => break assert_eq!(error.kind(), ErrorKind::Closed, "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    child.wait().unwrap();
    let error = sender.send(Value::Int(7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(error.to_string().contains("the process has ended"), "{error}");
    let error = signal::sender(format!("URG@{}", child.id())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// In a namespace of processes of its own, whose next number can be chosen.
pub(crate) fn starts_again() {
    role::block_on(async {
        let mut again = 0;
        for _ in 0..ROUNDS {
            let mut first = victim();
            let pid = first.id();
            let began = signal::began(pid).unwrap();
            let name = format!("USR1@{pid}");
            let mut sender = Options::new().began(began).sender(&name).await.unwrap();
            first.kill();
            // A tick of the clock that beginnings are told in.
            tokio::time::sleep(std::time::Duration::from_millis(11)).await;
            fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
            let mut second = victim();
            if second.id() != pid {
                continue;
            }
            again += 1;
            let closed = sender.send(Value::Plain).await.unwrap_err();
            assert_eq!(closed.kind(), ErrorKind::Closed, "{closed}");
            let other = Options::new().began(began).sender(&name).await.unwrap_err();
            assert_eq!(other.kind(), ErrorKind::NotFound, "{other}");
            assert!(second.wait().success(), "it was sent to");
        }
        assert!(again > ROUNDS / 2, "the number came again {again} times");
    });
}

#[test]
fn who_has_the_number_later_is_not_sent_to() {
    let mut unshare = Command::new("unshare");
    let namespaces = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    unshare.args(namespaces);
    let can = |command: &mut Command| {
        let script = "echo 100 > /proc/sys/kernel/ns_last_pid";
        command.args(["sh", "-c", script]).output().is_ok_and(|output| output.status.success())
    };
    if !can(&mut unshare) {
        eprintln!("!!! skipped: no namespace of processes can be made here");
        return;
    }
    let inner = role::command("starts again");
    let mut command = Command::new("unshare");
    command.args(namespaces).arg(inner.get_program()).args(inner.get_args());
    let envs = inner.get_envs().filter_map(|(key, value)| Some((key, value?)));
    let output = command.envs(envs).output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complained}");
}
