//! What systemd starts a process with.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use framewire::{Endpoint, ErrorKind, SocketName, handover::Sockets, tcp, unix};
use futures::{SinkExt, StreamExt};

use super::{
    common::{is_installed, role, within},
    daemon::Line,
    starter::activated,
};

fn unix_endpoint(path: &Path) -> Endpoint {
    Endpoint::Unix(SocketName::Path(path.to_owned()))
}

/// One that nobody listens on, at an address of the loopback network that nobody else connects from.
fn free_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let here = Ipv4Addr::new(127, 66, high, low);
    TcpListener::bind((here, 0)).unwrap().local_addr().unwrap()
}

/// What the daemon would listen on if it inherited nothing; it could not.
const NOWHERE: &str = "web=unix:///nowhere/web.sock;api=unix:///nowhere/api.sock";

async fn answers(line: &Line, api: &Endpoint) {
    let daemon = line.who().await;
    let mut connection = api.connect().await.unwrap();
    connection.send("hello".into()).await.unwrap();
    let answer = within(connection.next()).await.expect("an answer").unwrap();
    assert_eq!(answer, format!("{daemon} hello"));
}

#[tokio::test]
async fn two_named_sockets_are_served_and_left_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.sock");
    // As systemd makes them, which shares the open files with the service.
    let web = UnixListener::bind(&path).unwrap();
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Endpoint::Tcp(api.local_addr().unwrap().into());
    let sockets = || vec![web.try_clone().unwrap().into(), api.try_clone().unwrap().into()];
    for _ in 0..2 {
        let command = activated(&Line::command(NOWHERE), sockets(), "web:api", &[]);
        let mut line = Line::start(command, unix_endpoint(&path)).await;
        assert_eq!(line.who().await, line.current());
        answers(&line, &address).await;

        // Those who connect see the daemon as their peer, and not who made the socket.
        let client = unix::connect(&*path).await.unwrap();
        assert_eq!(client.peer().pid(), Some(line.current()));
        drop(client);

        // Nothing of it is open in a child, whatever numbers it had.
        let listed = line.ask("list").await;
        assert!(!listed.contains("socket:"), "{listed}");
        line.quit().await;
        assert!(path.exists(), "systemd's name is gone");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "more than the socket");
    }
}

#[tokio::test]
async fn systemd_itself_starts_it() {
    if !is_installed("systemd-socket-activate") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.sock");
    let api = free_address().to_string();
    let daemon = Line::command(NOWHERE);
    let mut systemd = std::process::Command::new("systemd-socket-activate");
    systemd.arg("-l").arg(&path).args(["-l", &api, "--fdname=web:api"]);
    for (name, value) in daemon.get_envs() {
        let (name, value) = (name.to_str().unwrap(), value.unwrap().to_str().unwrap());
        systemd.arg("-E").arg(format!("{name}={value}"));
    }
    systemd.arg(daemon.get_program()).args(daemon.get_args());
    systemd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It becomes the daemon when somebody connects.
    let mut line = Line::start(systemd, unix_endpoint(&path)).await;
    assert_eq!(line.who().await, line.current());
    answers(&line, &format!("tcp://{api}").parse().unwrap()).await;
    line.quit().await;
    assert!(path.exists(), "systemd's name is gone");
}

/// What came from systemd goes on to the next version, and stays systemd's.
#[tokio::test]
async fn what_was_inherited_is_handed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.sock");
    let web = UnixListener::bind(&path).unwrap();
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Endpoint::Tcp(api.local_addr().unwrap().into());
    let sockets = vec![web.into(), api.into()];
    let command = activated(&Line::command(NOWHERE), sockets, "web:api", &[]);
    let mut line = Line::start(command, unix_endpoint(&path)).await;
    for _ in 0..2 {
        let next = line.upgrade("").await;
        assert_eq!(line.who().await, next);
        answers(&line, &address).await;
    }
    line.quit().await;
    assert!(path.exists(), "systemd's name is gone");
}

pub(crate) fn is_for_one_connection() {
    role::block_on(async {
        let mut sockets = Sockets::inherited().unwrap();
        assert_eq!(sockets.names().collect::<Vec<_>>(), ["connection"]);
        let error = sockets.listener("connection").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("is a connected"), "{error}");
        let connection = sockets.connection("connection").unwrap();
        assert!(connection.peer.is_some());
        sockets.ready().await.unwrap();
        let (sink, stream) = connection.io.split();
        stream.forward(sink).await.unwrap();
    });
}

/// `Accept=yes`.
#[tokio::test]
async fn a_process_for_one_connection() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let command = |socket: OwnedFd| {
        activated(&role::command("is for one connection"), vec![socket], "connection", &[])
    };
    let listener = UnixListener::bind(&path).unwrap();
    let mut over_unix = unix::connect(&*path).await.unwrap();
    let mut child = command(listener.accept().unwrap().0.into()).spawn().unwrap();
    over_unix.send("hello".into()).await.unwrap();
    assert_eq!(within(over_unix.next()).await.expect("an echo").unwrap(), "hello");
    over_unix.close().await.unwrap();
    assert!(child.wait().unwrap().success());

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut over_tcp = tcp::connect(listener.local_addr().unwrap().to_string()).await.unwrap();
    let mut child = command(listener.accept().unwrap().0.into()).spawn().unwrap();
    over_tcp.send("hello".into()).await.unwrap();
    assert_eq!(within(over_tcp.next()).await.expect("an echo").unwrap(), "hello");
    over_tcp.close().await.unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn what_is_adopted_has_to_be_what_it_is_adopted_for() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let local = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = TcpStream::connect(local.local_addr().unwrap()).unwrap();
    let datagrams = || std::os::unix::net::UnixDatagram::unbound().unwrap().into();
    let file = || OwnedFd::from(fs::File::open("/").unwrap());
    let (unix, tcp) = (unix::Options::new(), tcp::Options::new());
    let clone = |fd: &dyn std::os::fd::AsFd| fd.as_fd().try_clone_to_owned().unwrap();
    let errors = [
        (unix.adopt_listener(datagrams()).unwrap_err(), "a Unix datagram socket"),
        (unix.adopt_listener(file()).unwrap_err(), "a directory"),
        (unix.adopt_listener(clone(&ours)).unwrap_err(), "a connected Unix stream socket"),
        (unix.adopt_listener(clone(&local)).unwrap_err(), "a listening TCP socket"),
        (unix.adopt(clone(&local)).unwrap_err(), "a listening TCP socket"),
        (unix.adopt(clone(&remote)).unwrap_err(), "a connected TCP socket"),
        (unix.adopt(datagrams()).unwrap_err(), "a Unix datagram socket"),
        (tcp.adopt_listener(clone(&remote)).unwrap_err(), "a connected TCP socket"),
        (tcp.adopt_listener(datagrams()).unwrap_err(), "a Unix datagram socket"),
        (tcp.adopt(clone(&theirs)).unwrap_err(), "a connected Unix stream socket"),
        (tcp.adopt(clone(&local)).unwrap_err(), "a listening TCP socket"),
        (tcp.adopt(file()).unwrap_err(), "a directory"),
    ];
    for (error, says) in errors {
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains(&format!("it is {says}, not")), "{says}: {error}");
    }
}

/// systemd's sockets block unless somebody says otherwise: accepting must not.
#[tokio::test]
async fn a_listener_that_blocks_does_not_once_it_is_adopted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let socket = OwnedFd::from(UnixListener::bind(&path).unwrap());
    let mut listener = unix::Options::new().adopt_listener(socket).unwrap();
    let begun = Instant::now();
    let waited = tokio::time::timeout(Duration::from_millis(50), listener.next()).await;
    assert!(waited.is_err() && begun.elapsed() < super::common::HANG);
    let mut client = unix::connect(&*path).await.unwrap();
    let mut server = within(listener.next()).await.expect("a listener never ends").unwrap();
    client.send("hello".into()).await.unwrap();
    assert_eq!(within(server.next()).await.expect("it was sent").unwrap(), "hello");
    drop(listener);
    assert!(path.exists(), "it is not the listener's own");
}
