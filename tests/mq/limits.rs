//! The system's limits: each is named with its value and what raises it, and none is met in
//! silence.

use std::process::{Command, Stdio};

use framewire::{ErrorKind, mq};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    common::role,
    subject::{BOTH, Name, small},
};

fn limit(name: &str) -> usize {
    let limit = std::fs::read_to_string(format!("/proc/sys/fs/mqueue/{name}")).unwrap();
    limit.trim().parse().unwrap()
}

/// Some may go beyond it (`CAP_SYS_RESOURCE`): then it is made as it was asked for, and not less.
#[tokio::test]
async fn sizes_beyond_the_limits_are_told_or_made() {
    for wait_by in BOTH {
        for (name, of) in [("msg_max", "capacity"), ("msgsize_max", "max_len")] {
            let beyond = limit(name) + 1;
            let queue = Name::new();
            let options = small().wait_by(wait_by);
            let options = match of {
                "capacity" => options.capacity(beyond),
                _ => options.max_len(beyond).capacity(1),
            };
            match options.receiver(&*queue).await {
                Ok(receiver) => {
                    let made = (receiver.get_ref().capacity(), receiver.get_ref().max_len());
                    let asked = if of == "capacity" { (beyond, 64) } else { (1, beyond) };
                    assert_eq!(made, asked);
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                    assert!(!error.is_retryable(), "it takes somebody who raises it");
                    let limit = format!("a queue of {beyond}");
                    let value = format!("limit {}", beyond - 1);
                    let sysctl = format!("sysctl fs.mqueue.{name}={beyond}");
                    for told in [&limit, &value, &sysctl, of] {
                        assert!(error.to_string().contains(told), "{told} in: {error}");
                    }
                    assert!(!mq::remove(&*queue).unwrap());
                }
            }
        }
    }
}

#[tokio::test]
async fn what_no_queue_can_be_is_told() {
    for (options, told) in [
        (small().capacity(0), "a queue of no messages"),
        (small().max_len(0), "a queue of no bytes a message"),
        (small().capacity(65_537), "65537 messages, limit 65536"),
        (small().capacity(usize::MAX), "messages, limit 65536"),
        (small().max_len((16 << 20) + 1), "16777217 bytes a message, limit 16777216"),
        (small().max_len(usize::MAX), "bytes a message, limit 16777216"),
    ] {
        let name = Name::new();
        let error = options.sender(&*name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(told), "{told} in: {error}");
    }
}

/// What nobody says anything about is the system's default.
#[tokio::test]
async fn a_queue_that_is_made_has_the_system_s_sizes() {
    let name = Name::new();
    let receiver = mq::Options::new().capacity(1).receiver(&*name).await.unwrap();
    let usual = limit("msgsize_default").min(limit("msgsize_max"));
    assert_eq!(receiver.get_ref().max_len(), usual);
    let name = Name::new();
    let receiver = mq::Options::new().max_len(1).receiver(&*name).await.unwrap();
    assert_eq!(receiver.get_ref().capacity(), limit("msg_default").min(limit("msg_max")));
}

/// The part of a process that may have few bytes in queues, and few descriptors.
pub(crate) fn runs_out_of_bytes() {
    role::block_on(async {
        let usual = getrlimit(Resource::Msgqueue);
        let few = Rlimit { current: Some(1000), maximum: usual.maximum };
        setrlimit(Resource::Msgqueue, few).unwrap();
        for wait_by in BOTH {
            let name = Name::new();
            let options = small().max_len(1024).wait_by(wait_by);
            let error = options.receiver(&*name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
            let takes = format!("takes {} bytes", 4 * (1024 + 96));
            for told in ["RLIMIT_MSGQUEUE", "may take 1000", &takes, "ulimit -q", "mq::remove"] {
                assert!(error.to_string().contains(told), "{told} in: {error}");
            }
            assert!(!mq::remove(&*name).unwrap());
        }
        setrlimit(Resource::Msgqueue, usual).unwrap();

        // The same error of the kernel's has another reason, which is not taken for that one.
        let name = Name::new();
        let _made = small().receiver(&*name).await.unwrap();
        let usual = getrlimit(Resource::Nofile);
        let none = Rlimit { current: Some(3), maximum: usual.maximum };
        setrlimit(Resource::Nofile, none).unwrap();
        let errors = (small().receiver(&*name).await, small().sender("/framewire-test-none").await);
        setrlimit(Resource::Nofile, usual).unwrap();
        for error in [errors.0.unwrap_err(), errors.1.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
            assert!(error.to_string().contains("open files"), "{error}");
        }
    });
}

#[test]
fn the_limit_of_a_user_s_bytes_is_named() {
    role::must_pass("bytes");
}

/// The part of a process that has queues to itself, since the limit is all the system's.
pub(crate) fn runs_out_of_queues() {
    let limit = limit("queues_max");
    role::block_on(async {
        let options = mq::Options::new().capacity(1).max_len(1);
        for n in 0..limit {
            options.sender(format!("/{n}")).await.unwrap();
        }
        let error = options.sender("/more").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{error}");
        assert!(error.is_retryable(), "somebody may remove one");
        for told in [&*format!("limit {limit}"), "sysctl fs.mqueue.queues_max", "mq::remove"] {
            assert!(error.to_string().contains(told), "{told} in: {error}");
        }
        assert!(mq::remove("/0").unwrap());
        options.sender("/more").await.unwrap();
    });
}

#[test]
fn the_limit_of_the_system_s_queues_is_named() {
    // Root may have its own; others only where the system lets them be root of something.
    let apart: [&[&str]; 2] = [&["--ipc"], &["--map-root-user", "--ipc"]];
    let can = |flags: &&&[&str]| {
        let mut command = Command::new("unshare");
        let command = command.args(**flags).arg("true").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let Some(flags) = apart.iter().find(can) else {
        eprintln!("!!! skipped: no way to have queues apart from all others'");
        return;
    };
    let role = role::command("queues");
    let mut command = Command::new("unshare");
    command.args(*flags).arg(role.get_program()).args(role.get_args());
    for (name, value) in role.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    // Who may go beyond all limits meets none.
    let allowed = said.contains("unwrap_err") || complained.contains("unwrap_err");
    assert!(output.status.success() || may_exceed() && allowed, "{said}\n{complained}");
}

/// Whether this process has `CAP_SYS_RESOURCE`; capabilities(7).
fn may_exceed() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(effective.trim(), 16).unwrap() & 1 << 24 != 0
}
