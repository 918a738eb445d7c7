//! Clients in other languages.

use std::{
    env,
    process::{Command, Stdio},
    time::Duration,
};

use framewire::mq;
use futures::{SinkExt, StreamExt};
use tokio::time::timeout;

use super::{
    common::{is_installed, within},
    subject::{Name, small},
};

/// Echoes for as many messages as there are, and then hears of no end.
async fn serve(listener: &mut mq::Listener, count: usize) {
    let server = within(listener.next()).await.unwrap().unwrap();
    assert!(!server.get_ref().tells_end());
    let mut server = server.detailed();
    for n in 0..count {
        let received = within(server.next()).await.unwrap().unwrap();
        assert_eq!(received.body, format!("message {n}"));
        let echo = mq::Outgoing::new(received.body.clone()).priority(received.priority());
        within(server.send(echo)).await.unwrap();
    }
    assert!(timeout(Duration::from_millis(50), server.next()).await.is_err());
}

async fn check(listener: &mut mq::Listener, mut command: Command) {
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    serve(listener, 100).await;
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.lines().eq((0..100).map(|n| format!("message {n}"))), "{said}");
}

#[tokio::test]
async fn a_program_in_c_is_a_client() {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    if !is_installed(&compiler) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (source, program) = (directory.path().join("client.c"), directory.path().join("client"));
    std::fs::write(&source, include_str!("client.c")).unwrap();
    let mut command = Command::new(compiler);
    // Some C libraries have mq_open in a library of its own.
    command.args(["-O2", "-Wall", "-Werror", "-o"]).arg(&program).arg(&source).arg("-lrt");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let name = Name::new();
    let mut listener = small().listen(&*name).await.unwrap();
    // One after the other, with one of ours in between.
    for _ in 0..2 {
        let mut command = Command::new(&program);
        command.arg(&*name);
        check(&mut listener, command).await;
        let mut ours = small().connect(&*name).await.unwrap();
        ours.send("hello".into()).await.unwrap();
        let mut server = within(listener.next()).await.unwrap().unwrap();
        assert!(server.get_ref().tells_end());
        assert_eq!(within(server.next()).await.unwrap().unwrap(), "hello");
    }
}
