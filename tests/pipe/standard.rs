//! Standard input and output as the two pipes.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::Stdio,
};

use framewire::{ErrorKind, frame::Frames, pipe, wait::Io};
use futures::{SinkExt, StreamExt};
use rustix::fs::{OFlags, fcntl_getfl};
use tokio::process::Command;

use super::common::{
    Process, numbered,
    process::{answer, next_order},
    role, within,
};

/// A role whose standard output is out of the way of what the test program prints: it finds the
/// real one as descriptor 3.
fn apart(role: &str) -> std::process::Command {
    let role = role::command(role);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", r#"exec "$0" "$@" 3>&1 1>&2"#]).arg(role.get_program()).args(role.get_args());
    for (name, value) in role.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell
}

/// Echoes over standard input and output, and prints between the messages.
pub(crate) fn takes() {
    std::io::stdout().flush().unwrap();
    let real = File::options().write(true).open("/proc/self/fd/3").unwrap();
    rustix::stdio::dup2_stdout(&real).unwrap();
    drop(real);
    role::block_on(async {
        let mut connection = pipe::stdio().unwrap();
        println!("a stray line");
        while let Some(message) = connection.next().await {
            println!("another stray line");
            assert_eq!(std::io::stdin().read(&mut [0; 10]).unwrap(), 0, "there is nothing to read");
            connection.send(message.unwrap()).await.unwrap();
        }
    });
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn what_a_child_prints_does_not_get_between_the_frames() {
    let mut command = Command::from(apart("takes standard input and output"));
    command.stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = pipe::Options::new().stdio(true).spawn(command).unwrap();
    let mut stray = child.process.stderr.take().expect("a pipe");
    for n in 0..20 {
        child.connection.send(numbered(n, 5000)).await.unwrap();
        let message = within(child.connection.next()).await.expect("an echo").unwrap();
        assert!(message == numbered(n, 5000));
    }
    child.connection.close().await.unwrap();
    let mut printed = String::new();
    within(tokio::io::AsyncReadExt::read_to_string(&mut stray, &mut printed)).await.unwrap();
    assert!(printed.contains("a stray line"), "{printed}");
    assert_eq!(printed.matches("another stray line").count(), 20, "{printed}");
    assert!(within(child.finish()).await.unwrap().success());
}

fn is_blocking(fd: impl AsFd) -> bool {
    !fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK)
}

/// Whoever shares a child's standard input and output is not made non-blocking by it.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_shares_the_pipes_with_a_child_sees_no_change() {
    let (child_reads, our_write) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let (our_read, child_writes) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let shared = |end: &OwnedFd| Stdio::from(end.try_clone().unwrap());
    let mut command = apart("takes standard input and output");
    command.stdin(shared(&child_reads)).stdout(shared(&child_writes)).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command);
    let ours = tokio::io::join(Io::pipe(our_read).unwrap(), Io::pipe(our_write).unwrap());
    let mut ours = Frames::new(ours);
    ours.send("hello".into()).await.unwrap();
    assert_eq!(within(ours.next()).await.expect("an echo").unwrap(), "hello");
    // The child waits on its ends now.
    assert!(is_blocking(&child_reads) && is_blocking(&child_writes));
    drop((child_reads, child_writes));
    within(ours.finish()).await.unwrap();
    assert!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().success());
}

/// Starts a child over its standard input and output, and still has its own as they were.
pub(crate) fn has() {
    role::block_on(async {
        let own = || {
            let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
            (fcntl_getfl(stdin).unwrap(), fcntl_getfl(stdout).unwrap())
        };
        let before = own();
        let mut cat = pipe::Options::new().stdio(true).spawn(Command::new("cat")).unwrap();
        cat.connection.send("hello".into()).await.unwrap();
        assert_eq!(cat.connection.next().await.unwrap().unwrap(), "hello");
        assert_eq!(own(), before);
        assert!(cat.finish().await.unwrap().success());
        assert_eq!(own(), before);
        answer("as before");
    });
    assert_eq!(next_order().as_deref(), Some("and it can be read from"));
    answer("and written to");
}

#[test]
fn a_parent_keeps_its_own_standard_input_and_output() {
    let mut parent = Process::start(role::command("has standard input and output"));
    assert_eq!(parent.answer(), "as before");
    parent.order("and it can be read from");
    assert_eq!(parent.answer(), "and written to");
    assert!(parent.wait().success());
}

pub(crate) fn has_none() {
    role::block_on(async {
        let error = pipe::stdio().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("start it with two pipes"), "{error}");
    });
}

/// Its standard input is `/dev/null`.
#[test]
fn what_is_no_pipe_is_not_taken() {
    role::must_pass("has no pipes");
}

/// `cat` knows nothing of frames: they come back as they are.
#[tokio::test]
async fn any_filter_can_be_talked_with() {
    let mut cat = pipe::Options::new().stdio(true).spawn(Command::new("cat")).unwrap();
    for n in 0..50 {
        cat.connection.feed(numbered(n, 1000)).await.unwrap();
    }
    cat.connection.flush().await.unwrap();
    for n in 0..50 {
        assert!(within(cat.connection.next()).await.unwrap().unwrap() == numbered(n, 1000));
    }
    assert!(within(cat.finish()).await.unwrap().success());
}
