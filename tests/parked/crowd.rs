//! A server with hundreds of clients, in two processes.

use framewire::{serve::Server, shm};
use futures::{SinkExt, StreamExt, future::join_all};
use tokio::sync::oneshot;

use super::{
    common::{
        Process, body,
        process::{answer, next_order},
        role::{self, WORD},
        same, within,
    },
    raise_our_descriptors,
};

const CLIENTS: u64 = 300;
const MESSAGES: u64 = 20;

/// The part of the server.
pub(crate) fn serves() {
    raise_our_descriptors();
    role::block_on(async {
        let listener = shm::listen(&*role::word()).await.unwrap();
        answer("listening");
        let (ended, end) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            next_order();
            drop(ended);
        });
        let echo = |client: shm::Connection, closing| async move {
            let (sink, stream) = client.split();
            stream.take_until(closing).forward(sink).await
        };
        let server = Server::new(listener).max_per_uid(usize::MAX);
        let served = server.run(echo, end).await.unwrap();
        answer(&format!("{served:?}"));
    });
}

/// The part of all clients: they connect at the same time, and stay until all are done.
pub(crate) fn calls() {
    raise_our_descriptors();
    let path = role::word();
    role::block_on(async {
        let calls = (0..CLIENTS).map(|client| {
            let path = &*path;
            async move {
                let mut connection = within(shm::connect(path)).await.unwrap();
                for number in 0..MESSAGES {
                    let said = body(client * MESSAGES + number, (number * 997) as usize);
                    connection.send(said.clone()).await.unwrap();
                    same(&within(connection.next()).await.unwrap().unwrap(), &said);
                }
                connection
            }
        });
        for mut connection in join_all(calls).await {
            connection.close().await.unwrap();
            assert!(within(connection.next()).await.is_none());
        }
        answer("done");
    });
}

#[test]
fn three_hundred_clients_are_all_answered() {
    let directory = tempfile::tempdir().unwrap();
    let start = |role: &str| {
        let mut command = role::command(role);
        command.env(WORD, directory.path().join("e.sock"));
        Process::start(command)
    };
    let mut server = start("serves");
    assert_eq!(server.answer(), "listening");
    let mut clients = start("calls");
    assert_eq!(clients.answer(), "done");
    assert!(clients.wait().success());
    server.order("end");
    let served = server.answer();
    assert!(served.contains("accepted: 300") && served.contains("failed: 0"), "{served}");
    assert!(server.wait().success());
}
