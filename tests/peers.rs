//! Peers that know nothing of this crate but how its messages look: programs in Python and C that
//! frame by hand, and socat with lines.
//!
//! A test whose tool is missing is skipped, and says so; with `FRAMEWIRE_REQUIRE_PEERS=1` it fails.
#![cfg(unix)]

#[cfg(test)]
mod support;

#[cfg(test)]
mod peers {
    mod tool;

    use std::{
        fs,
        io::Write,
        path::{Path, PathBuf},
        process::Command,
    };

    use bytes::Bytes;
    use framewire::{BoxDuplex, BoxListener, pipe, serve::Server, tcp, unix};
    use futures::{SinkExt, StreamExt};
    use tempfile::TempDir;
    use tokio::{
        sync::oneshot,
        task::{JoinHandle, spawn_blocking},
        time::timeout,
    };
    use tokio_util::codec::{Framed, LinesCodec};
    use tool::{Program, find, run};

    use crate::support::HANG;

    const CLIENT: &str = include_str!("peers/client.py");
    const SERVER: &str = include_str!("peers/server.py");
    const CHILD: &str = include_str!("peers/echo.c");

    fn python(program: &'static str, script: &str, argument: &str) -> Program {
        Program::start(Command::new(program).args(["-c", script, argument]))
    }

    fn socket() -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("e.sock");
        (directory, path)
    }

    /// Bodies of all the sizes where something changes.
    fn bodies() -> impl Iterator<Item = Bytes> {
        let sizes = [0, 1, 3, 4, 255, 4096, 65_535, 65_536, 300_000, 1 << 20];
        sizes.into_iter().map(|size| (0..size).map(|i| (i * 7 + i / 251) as u8).collect())
    }

    /// Echoes until the future is ready.
    fn serve(listener: BoxListener) -> (oneshot::Sender<()>, JoinHandle<()>) {
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(async {
            let echo = |accepted: framewire::Accepted, _| async {
                let (sink, stream) = accepted.io.split();
                stream.forward(sink).await
            };
            let served = Server::new(listener).run(echo, ended).await.unwrap();
            assert_eq!((served.accepted, served.failed), (1, 0));
        });
        (end, serving)
    }

    async fn ends(mut program: Program) {
        spawn_blocking(move || program.end()).await.unwrap();
    }

    /// A Python client of our server.
    async fn serves_python(program: &'static str, listener: BoxListener, address: &str) {
        let (end, serving) = serve(listener);
        let mut client = python(program, CLIENT, address);
        let mut lines = client.lines();
        let said = timeout(HANG, spawn_blocking(move || lines.next())).await.unwrap().unwrap();
        assert_eq!(said, "4 frames came back");
        ends(client).await;
        end.send(()).unwrap();
        serving.await.unwrap();
    }

    /// Our client of a Python server.
    async fn calls_python(mut connection: BoxDuplex) {
        for body in bodies() {
            connection.send(body.clone()).await.unwrap();
            let answer = timeout(HANG, connection.next()).await.expect("an answer");
            assert!(answer.unwrap().unwrap() == body, "{} bytes", body.len());
        }
        connection.close().await.unwrap();
        assert!(timeout(HANG, connection.next()).await.expect("the end").is_none());
    }

    #[tokio::test]
    async fn a_python_client_over_a_unix_socket() {
        let Some(program) = find("a Python client over a Unix socket", &["python3"]) else {
            return;
        };
        let (_directory, path) = socket();
        let listener = unix::listen(&*path).await.unwrap();
        let listener = BoxListener::new(listener.endpoint().clone(), listener);
        serves_python(program, listener, path.to_str().unwrap()).await;
    }

    #[tokio::test]
    async fn a_python_client_over_tcp() {
        let Some(program) = find("a Python client over TCP", &["python3"]) else { return };
        let listener = tcp::listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().to_string();
        let listener = BoxListener::new(listener.endpoint().clone(), listener);
        serves_python(program, listener, &address).await;
    }

    #[tokio::test]
    async fn a_python_server_over_a_unix_socket() {
        let Some(program) = find("a Python server over a Unix socket", &["python3"]) else {
            return;
        };
        let (_directory, path) = socket();
        let mut server = python(program, SERVER, path.to_str().unwrap());
        let mut lines = server.lines();
        assert_eq!(lines.next(), path.to_str().unwrap());
        calls_python(Box::pin(unix::connect(path).await.unwrap())).await;
        assert_eq!(lines.next(), "the client ended");
        ends(server).await;
    }

    #[tokio::test]
    async fn a_python_server_over_tcp() {
        let Some(program) = find("a Python server over TCP", &["python3"]) else { return };
        let mut server = python(program, SERVER, "tcp");
        let mut lines = server.lines();
        let address = format!("127.0.0.1:{}", lines.next());
        calls_python(Box::pin(tcp::connect(address).await.unwrap())).await;
        assert_eq!(lines.next(), "the client ended");
        ends(server).await;
    }

    #[tokio::test]
    async fn socat_sends_lines_to_our_server() {
        let Some(program) = find("socat as a client with lines", &["socat"]) else { return };
        let (_directory, path) = socket();
        let mut listener = unix::listen(&*path).await.unwrap();
        let to = format!("UNIX-CONNECT:{}", path.display());
        let mut socat = Program::start(Command::new(program).args(["-t", "10", "-", &to]));
        let client = timeout(HANG, listener.next()).await.unwrap().unwrap().unwrap();
        let serving = tokio::spawn(async {
            let lines = LinesCodec::new_with_max_length(1 << 16);
            let (sink, stream) = Framed::new(client.into_io().0, lines).split();
            stream.forward(sink).await.unwrap();
        });

        let mut lines = socat.lines();
        let mut input = socat.input();
        let long = "x".repeat(60_000);
        for line in ["hello", "", "world", &long] {
            writeln!(input, "{line}").unwrap();
            let (answer, rest) = timeout(HANG, spawn_blocking(move || (lines.next(), lines)))
                .await
                .expect("an answer")
                .unwrap();
            assert!(answer == line, "{line}: {answer}");
            lines = rest;
        }
        drop(input);
        timeout(HANG, serving).await.unwrap().unwrap();
        ends(socat).await;
    }

    #[tokio::test]
    async fn socat_answers_the_lines_of_our_client() {
        let Some(program) = find("socat as a server with lines", &["socat"]) else { return };
        let (_directory, path) = socket();
        let at = format!("UNIX-LISTEN:{}", path.display());
        let socat = Program::start(Command::new(program).args(["-t", "10", &at, "EXEC:cat"]));
        let connecting = unix::Options::new().wait_for_listener(true).deadline(HANG);
        let (socket, leftover) = connecting.connect(&*path).await.unwrap().into_io();
        assert!(leftover.is_empty());
        let mut lines = Framed::new(socket, LinesCodec::new());
        for line in ["hello", "", "world"] {
            lines.send(line).await.unwrap();
            let answer = timeout(HANG, lines.next()).await.expect("an answer");
            assert_eq!(answer.unwrap().unwrap(), line);
        }
        SinkExt::<&str>::close(&mut lines).await.unwrap();
        assert!(timeout(HANG, lines.next()).await.expect("the end").is_none());
        ends(socat).await;
    }

    /// Compiles the child in C.
    fn compile(test: &str, directory: &Path) -> Option<PathBuf> {
        let compiler = find(test, &["cc", "gcc", "clang"])?;
        let (source, program) = (directory.join("echo.c"), directory.join("echo"));
        fs::write(&source, CHILD).unwrap();
        run(Command::new(compiler).arg("-o").arg(&program).arg(&source));
        Some(program)
    }

    /// What the child in C makes of every body, and how it ends.
    async fn talks_with_c(options: pipe::Options, program: &Path) {
        let mut child = options.spawn(Command::new(program)).unwrap();
        for body in bodies() {
            child.connection.send(body.clone()).await.unwrap();
            let answer = timeout(HANG, child.connection.next()).await.expect("an answer");
            let reversed: Bytes = body.iter().rev().copied().collect();
            assert!(answer.unwrap().unwrap() == reversed, "{} bytes", body.len());
        }
        let status = timeout(HANG, child.finish()).await.expect("it ends").unwrap();
        assert!(status.success(), "{status}");
    }

    #[tokio::test]
    async fn a_child_in_c_over_inherited_descriptors() {
        let directory = tempfile::tempdir().unwrap();
        let test = "a child in C over inherited descriptors";
        let Some(program) = compile(test, directory.path()) else { return };
        talks_with_c(pipe::Options::new(), &program).await;
    }

    #[tokio::test]
    async fn a_child_in_c_over_standard_input_and_output() {
        let directory = tempfile::tempdir().unwrap();
        let test = "a child in C over standard input and output";
        let Some(program) = compile(test, directory.path()) else { return };
        talks_with_c(pipe::Options::new().stdio(true), &program).await;
    }

    /// A child that is killed with a frame half sent: what came of it, and of the child, are two
    /// answers.
    #[tokio::test]
    async fn a_child_that_ends_in_mid_frame() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r"printf '\000\000\000\005hello\000\000\000\005hel'; exit 7"]);
        let mut child = pipe::Options::new().stdio(true).spawn(command).unwrap();
        assert_eq!(child.connection.next().await.unwrap().unwrap(), "hello");
        let error = child.connection.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), framewire::ErrorKind::Truncated, "{error:?}");
        assert!(error.to_string().contains("7 of 9 bytes"), "{error}");
        assert!(child.connection.next().await.is_none());
        assert_eq!(child.wait().await.unwrap().code(), Some(7));
    }
}
