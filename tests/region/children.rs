//! Children of this program that inherit regions.

use std::{
    fs::File,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use framewire::{ErrorKind, pipe, shm::region};
use futures::{SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use super::{
    Name,
    common::{
        Process,
        process::{answer, next_order},
        role, within,
    },
};

const ROUNDS: u64 = 100_000;

/// Counts in both regions, and says over a pipe that it is done.
pub(crate) fn counts() {
    role::block_on(async {
        let mut parent = pipe::inherited().unwrap();
        let first = region::inherited("FIRST").unwrap().expect_len(64).unwrap();
        let second = region::inherited("SECOND").unwrap().expect_len(4096).unwrap();
        assert_eq!(region::inherited("FIRST").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(first.name(), None);
        for region in [&first, &second] {
            let counter = region.atomic::<AtomicU64>(8).unwrap();
            for _ in 0..ROUNDS {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut message = [0; 5];
        second.read(1000, &mut message).unwrap();
        assert_eq!(&message, b"hello");
        // Nothing of it goes on to a child of the child.
        let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        // What is in front of the arrow names the user, who may be called anything.
        let mut open = listed.lines().filter_map(|line| line.split_once(" -> "));
        assert!(open.clone().count() > 0, "{listed}");
        assert!(!open.any(|(_, file)| file.contains("framewire-")), "{listed}");
        drop((first, second));
        assert_eq!(region::inherited("FIRST").unwrap_err().kind(), ErrorKind::NotFound, "ever");
        parent.send("done".into()).await.unwrap();
    });
}

#[tokio::test]
async fn a_child_has_several_regions_and_a_pipe() {
    let name = Name::new();
    let first = region::anonymous(64).unwrap();
    let second = region::create(&name.0, 4096).unwrap();
    second.write(1000, b"hello").unwrap();
    let mut command = tokio::process::Command::from(role::command("counts"));
    command.stdout(Stdio::null()).kill_on_drop(true);
    first.pass_to(command.as_std_mut(), "FIRST").unwrap();
    second.pass_to(command.as_std_mut(), "SECOND").unwrap();
    let mut child = pipe::spawn(command).unwrap();
    for region in [&first, &second] {
        let counter = region.atomic::<AtomicU64>(8).unwrap();
        for _ in 0..ROUNDS {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert_eq!(within(child.connection.next()).await.expect("an answer").unwrap(), "done");
    assert!(within(child.finish()).await.unwrap().success());
    for region in [&first, &second] {
        assert_eq!(region.atomic::<AtomicU64>(8).unwrap().load(Ordering::Relaxed), 2 * ROUNDS);
    }
    assert!(name.is_there(), "who inherits it does not remove it");
}

/// What is in the environment is no region, each in its way.
pub(crate) fn refuses() {
    for (variable, kind, says) in [
        ("ABSENT", ErrorKind::NotFound, "ABSENT is not set"),
        ("A WORD", ErrorKind::Address, "no name of a variable"),
        ("WORDS", ErrorKind::Malformed, "not NUMBER:INODE"),
        ("STANDARD", ErrorKind::Malformed, "not NUMBER:INODE"),
        ("CLOSED", ErrorKind::Malformed, "is not open"),
        ("DEVICE", ErrorKind::Malformed, "it is a device, not shared memory"),
        ("READABLE", ErrorKind::Malformed, "not open to read and to write"),
        ("STALE", ErrorKind::Malformed, "another file than was left there"),
    ] {
        let error = region::inherited(variable).unwrap_err();
        assert_eq!(error.kind(), kind, "{variable}: {error}");
        assert!(error.to_string().contains(says), "{variable}: {error}");
    }
    // What was refused is as it was.
    region::inherited("SOUND").unwrap();
}

#[test]
fn what_was_not_left_is_not_taken() {
    let region = region::anonymous(64).unwrap();
    let role = role::command("refuses");
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec 8<>/dev/null 9<"$0"; exec "$0" "$@""#]);
    shell.arg(role.get_program()).args(role.get_args()).stdout(Stdio::null());
    for (name, value) in role.get_envs() {
        shell.env(name, value.unwrap());
    }
    let error = region.pass_to(&mut shell, "A=B").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    region.pass_to(&mut shell, "SOUND").unwrap();
    let sound = shell.get_envs().find(|(name, _)| *name == "SOUND").unwrap().1.unwrap();
    let (number, _) = sound.to_str().unwrap().split_once(':').unwrap();
    // A shell has numbers of one digit for its own, and closes what else it was left.
    let stale = format!("{number}:1");
    shell.env("STALE", stale).env("DEVICE", "8").env("READABLE", "9");
    shell.env("WORDS", "a region").env("STANDARD", "1").env("CLOSED", "999999");
    assert!(shell.status().unwrap().success());
}

/// Opens the region that it is told of, and reads it when it is ordered to.
pub(crate) fn touches() {
    // Nobody wants to see the memory of it.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let region = region::open(&role::word()).unwrap();
    answer("opened");
    next_order();
    region.read(0, &mut [0; 64]).unwrap();
    answer("alive");
}

/// As the docs say: no seal protects a named region.
#[test]
fn a_named_region_that_is_made_shorter_kills_who_touches_it() {
    let name = Name::new();
    let _made = region::create(&name.0, 64).unwrap();
    let mut command = role::command("touches");
    command.env(role::WORD, &name.0);
    let mut child = Process::start(command);
    assert_eq!(child.answer(), "opened");
    File::options().write(true).open(name.path()).unwrap().set_len(0).unwrap();
    child.order("touch");
    assert_eq!(child.wait().signal(), Some(Signal::BUS.as_raw()));
}
