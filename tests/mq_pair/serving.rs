//! A daemon that serves whoever comes, for as long as they come.

use std::process::Command;

use framewire::{BoxListener, serve::Server};
use futures::{SinkExt, StreamExt};

use super::{
    common::{
        Process, id_of, numbered,
        role::{self, WORD},
        within,
    },
    subject::{Name, small},
};

/// Fifty in a row, every third of them killed, and one that stays through all of it. A pair of these
/// queues takes 1,280 bytes: none of them is kept for longer than it is used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_come_and_go() {
    const CLIENTS: u64 = 50;
    let name = Name::new();
    let listener = BoxListener::from(small().listen(&*name).await.unwrap());
    let echo = |client: framewire::Accepted, closing| async move {
        let (sink, stream) = client.io.split();
        stream.take_until(closing).forward(sink).await
    };
    let clients = async {
        let mut stays = small().connect(&*name).await.unwrap();
        for n in 0..CLIENTS {
            if n % 3 == 0 {
                let mut command: Command = role::command("connects");
                command.env(WORD, &*name);
                let mut killed = tokio::task::spawn_blocking(move || {
                    let mut process = Process::start(command);
                    assert_eq!(process.answer(), "connected");
                    process
                })
                .await
                .unwrap();
                killed.order("2");
                assert_eq!(killed.answer(), "sent");
                killed.kill();
            } else {
                let mut client = small().connect(&*name).await.unwrap();
                client.send(numbered(n, 64)).await.unwrap();
                assert_eq!(id_of(&client.next().await.unwrap().unwrap()), n);
                if n % 2 == 0 {
                    client.close().await.unwrap();
                    assert!(client.next().await.is_none());
                }
            }
            stays.send(numbered(n, 64)).await.unwrap();
            assert_eq!(id_of(&stays.next().await.unwrap().unwrap()), n);
        }
        Ok::<_, framewire::Error>(())
    };
    let served = within(Server::new(listener).run(echo, clients)).await.unwrap();
    assert_eq!(served.accepted, CLIENTS + 1);
    assert_eq!(name.left(), [""; 0]);
}
