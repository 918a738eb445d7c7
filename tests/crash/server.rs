//! A server that is killed, and the next one of the same name.

use std::{
    collections::HashSet,
    fs,
    io::Read,
    path::Path,
    process::{Child, Stdio},
    thread::sleep,
    time::Duration,
};

use bytes::Bytes;
use framewire::{ErrorKind, serve::Server, unix};
use futures::{SinkExt, StreamExt};
use tokio::{sync::oneshot, time::timeout};

use crate::support::{
    HANG, announce,
    random::{mix, seed},
    role,
};

const PART: &str = "FRAMEWIRE_TEST_SERVER";
/// A start that takes longer than this is not "at once", on any machine.
const AT_ONCE: Duration = Duration::from_secs(2);
const CYCLES: u64 = 20;

/// The part of the server: echoes until its standard input ends. Passes at once in a process that
/// nobody gave it to.
#[test]
fn plays() {
    let Some(path) = role::part(PART) else { return };
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = unix::listen(&*path).await.unwrap();
        let echo = |client: unix::Connection, closing| async {
            let (sink, stream) = client.split();
            stream.take_until(closing).forward(sink).await
        };
        Server::new(listener).run(echo, end).await.unwrap();
    });
}

/// A server that is killed when this is dropped.
struct Victim(Child);

impl Victim {
    fn start(path: &Path) -> Self {
        let mut command =
            role::command("crash::server::plays", PART, path.to_str().expect("a path of ASCII"));
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Has it end in order.
    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects as soon as there is a listener.
async fn connect(path: &Path) -> unix::Connection {
    let options = unix::Options::new().wait_for_listener(true);
    let connecting = timeout(AT_ONCE, options.connect(path)).await;
    connecting.expect("a server is there at once").unwrap()
}

async fn call(client: &mut unix::Connection, message: Bytes) {
    client.send(message.clone()).await.unwrap();
    let answer = timeout(AT_ONCE, client.next()).await.expect("an answer at once");
    assert_eq!(answer.unwrap().unwrap(), message);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn after_kill_9_the_next_server_works_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    for cycle in 0..CYCLES {
        let mut server = Victim::start(path);
        let mut client = connect(path).await;
        call(&mut client, format!("hello {cycle}").into()).await;
        if cycle % 2 == 1 {
            // In the middle of something: nobody has read the answer, if there is one.
            client.send(Bytes::from(vec![7; 100_000])).await.unwrap();
        }
        server.kill();
        // Its clients are told, whatever they were in the middle of.
        loop {
            match timeout(HANG, client.next()).await.expect("the end") {
                None => break,
                Some(Ok(answer)) => assert_eq!(answer.len(), 100_000),
                Some(Err(error)) => {
                    let kind = error.kind();
                    assert!(matches!(kind, ErrorKind::Closed | ErrorKind::Truncated), "{error:?}");
                }
            }
        }
    }
    let server = Victim::start(path);
    call(&mut connect(path).await, "the last one".into()).await;
    server.end();
    assert_eq!(names(directory.path()), [""; 0]);
}

#[tokio::test]
async fn a_server_killed_while_it_starts_is_not_in_the_way_of_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("e.sock");
    let seed = seed();
    announce(&format!("servers killed while they start: CRASH_SEED={seed}"));
    let mut sockets = HashSet::new();
    for cycle in 0..CYCLES {
        let mut server = Victim::start(path);
        sleep(Duration::from_micros(mix(seed ^ cycle) % 8000));
        server.kill();
        // One that was killed early leaves its predecessor's.
        sockets.extend(fs::metadata(path).and_then(|socket| socket.modified()));
    }
    let listened = sockets.len();
    announce(&format!("of {CYCLES} servers killed while they start, {listened} listened already"));
    let server = Victim::start(path);
    call(&mut connect(path).await, "hello".into()).await;
    server.end();
    assert_eq!(names(directory.path()), [""; 0]);
}
