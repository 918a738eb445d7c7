//! The next version, while clients come and stay.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use framewire::{BoxDuplex, Endpoint, ErrorKind, Result, SocketName, unix};
use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;

use super::{common::within, daemon::Line, starter::activated};

/// How many clients there are: half of them with a connection a request.
const CLIENTS: usize = 8;
/// What each asks for at least.
const REQUESTS: usize = 400;
/// How often one that stays asks before it connects anew.
const STAY: usize = 50;
const UPGRADES: usize = 3;

/// What became of one client's requests.
#[derive(Default)]
struct Tally {
    answered: usize,
    /// Who has answered.
    versions: BTreeSet<String>,
}

impl Tally {
    /// One request. Nothing is tried again.
    async fn ask(&mut self, connection: &mut BoxDuplex) -> Result<()> {
        let body = format!("request {}", self.answered);
        connection.send(body.clone().into()).await?;
        let answer = within(connection.next()).await.expect("lost: the connection was closed")?;
        let answer = String::from_utf8(answer.to_vec()).expect("text");
        let (version, back) = answer.split_once(' ').expect("a pid and an echo");
        assert_eq!(back, body);
        self.versions.insert(version.to_owned());
        self.answered += 1;
        Ok(())
    }
}

/// Asks, until enough was asked and all upgrades are done.
async fn client(endpoint: Endpoint, stay: usize, upgrades: Arc<AtomicUsize>) -> Tally {
    let mut tally = Tally::default();
    while tally.answered < REQUESTS || upgrades.load(Relaxed) < UPGRADES {
        let mut connection = endpoint.connect().await.expect("refused");
        for _ in 0..stay {
            tally.ask(&mut connection).await.expect("lost");
        }
    }
    tally
}

async fn goes_on_under_load(command: Command, endpoint: Endpoint) {
    let mut line = Line::start(command, endpoint.clone()).await;
    let upgrades = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let stay = if number % 2 == 0 { 1 } else { STAY };
        clients.spawn(client(endpoint.clone(), stay, Arc::clone(&upgrades)));
    }
    for _ in 0..UPGRADES {
        tokio::time::sleep(Duration::from_millis(50)).await;
        line.upgrade("").await;
        upgrades.fetch_add(1, Relaxed);
    }
    let (mut answered, mut versions) = (0, BTreeSet::new());
    while let Some(tally) = clients.join_next().await {
        let tally = tally.expect("no request was refused or lost");
        answered += tally.answered;
        versions.extend(tally.versions);
    }
    eprintln!("{endpoint}: {answered} requests, {} versions", versions.len());
    assert!(answered >= CLIENTS * REQUESTS);
    assert!(versions.len() > 1 && versions.len() <= line.versions(), "{versions:?}");
    line.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_refuses_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let endpoint = Endpoint::Unix(SocketName::Path(path));
    goes_on_under_load(Line::command(&format!("echo={endpoint}")), endpoint).await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abstract_name_refuses_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let name = format!("{}-e", directory.path().display());
    let endpoint = Endpoint::Unix(SocketName::Abstract(name.clone()));
    goes_on_under_load(Line::command(&format!("echo={endpoint}")), endpoint).await;
    let names = fs::read_to_string("/proc/net/unix").unwrap();
    assert!(!names.contains(&name), "the name is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tcp_refuses_nobody() {
    let (listener, endpoint) = port();
    let command = Line::command(&format!("echo={endpoint}"));
    let command = activated(&command, vec![listener.into()], "echo", &[]);
    goes_on_under_load(command, endpoint).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_keep_boundaries_refuse_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let endpoint = Endpoint::Seqpacket(SocketName::Path(path));
    goes_on_under_load(Line::command(&format!("echo={endpoint}")), endpoint).await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");

    let name = format!("{}-e", directory.path().display());
    let endpoint = Endpoint::Seqpacket(SocketName::Abstract(name.clone()));
    goes_on_under_load(Line::command(&format!("echo={endpoint}")), endpoint).await;
    let names = fs::read_to_string("/proc/net/unix").unwrap();
    assert!(!names.contains(&name), "the name is left");
}

/// A port that nobody else takes before the daemon has it.
fn port() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::Tcp(listener.local_addr().unwrap().into());
    (listener, endpoint)
}

fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::symlink_metadata(path).unwrap())
}

#[tokio::test]
async fn the_name_and_its_lock_go_along() {
    let directory = tempfile::tempdir().unwrap();
    // With all that a name can have in it.
    let path = directory.path().join("e =+%:\n\u{e9}.sock");
    let lock = directory.path().join("e =+%:\n\u{e9}.sock.lock");
    let endpoint = Endpoint::Unix(SocketName::Path(path.clone()));
    let command = Line::command(&format!("e c h o+%={endpoint}"));
    let mut line = Line::start(command, endpoint).await;
    let before = (inode(&path), inode(&lock));
    let second = line.upgrade("").await;
    let third = line.upgrade("").await;
    assert_ne!(second, third);
    assert_eq!((inode(&path), inode(&lock)), before);

    // The third one is who has it, for all who ask.
    let error = unix::listen(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    assert!(error.to_string().contains(&format!("process {third} owns")), "{error}");
    let client = unix::connect(&*path).await.unwrap();
    assert_eq!(client.peer().pid(), Some(third));
    drop(client);

    // Its children find none of it, and what they find in their environment is nothing to them.
    let listed = line.ask("list").await;
    assert!(!listed.contains("socket:") && !listed.contains(".lock"), "{listed}");
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
    drop(unix::listen(&*path).await.unwrap());
}

#[tokio::test]
async fn the_old_version_can_be_killed_once_it_has_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let endpoint = Endpoint::Unix(SocketName::Path(path.clone()));
    let command = Line::command(&format!("echo={endpoint}"));
    let mut line = Line::start(command, endpoint).await;
    let old = line.current();
    // Somebody stays, and so does the old version.
    let mut stays = unix::connect(&*path).await.unwrap();
    stays.send("hello".into()).await.unwrap();
    assert!(within(stays.next()).await.expect("an answer").is_ok());
    let new = line.hand_over("").await;
    stays.send("still there".into()).await.unwrap();
    let answer = within(stays.next()).await.expect("an answer").unwrap();
    assert_eq!(answer, format!("{old} still there"));
    line.kill(old).await;

    assert_eq!(line.who().await, new);
    let error = unix::listen(&*path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}

/// Two at once, of different kinds.
#[tokio::test]
async fn all_listeners_go_together() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.sock");
    let (listener, api) = port();
    let web = Endpoint::Unix(SocketName::Path(path));
    let command = Line::command(&format!("web={web};api={api}"));
    // One from systemd, and one of its own.
    let command = activated(&command, vec![listener.into()], "api", &[]);
    let mut line = Line::start(command, web).await;
    for _ in 0..2 {
        let next = line.upgrade("").await;
        let mut connection = api.connect().await.unwrap();
        connection.send("hello".into()).await.unwrap();
        let answer = within(connection.next()).await.expect("an answer").unwrap();
        assert_eq!(answer, format!("{next} hello"));
    }
    line.quit().await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "something is left");
}
