//! One `select!` over three mechanisms: clients on a Unix socket, clients over TCP, and a child.
//!
//! ```text
//! cargo run --example select
//! ```
//!
//! It runs its own clients and ends when each has been answered.

use std::error::Error;

use framewire::{Result, pipe, tcp, unix};
use futures::{SinkExt, StreamExt};
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let directory = framewire::names::Directory::private("framewire-select")?;
    let path = directory.path().join(format!("{}.sock", std::process::id()));

    let mut near = unix::listen(&*path).await?;
    let mut far = tcp::listen("127.0.0.1:0").await?;
    // Frames go through `cat` and come back as they are.
    let mut cat = pipe::Options::new().stdio(true).spawn(Command::new("cat"))?;

    let ask_near = ask(unix::connect(&*path).await?, "over a Unix socket");
    let ask_far = ask(tcp::connect(far.local_addr().to_string()).await?, "over TCP");
    let clients = tokio::spawn(async { tokio::try_join!(ask_near, ask_far) });
    cat.connection.send("through a child".into()).await?;

    for _ in 0..3 {
        tokio::select! {
            Some(client) = near.next() => { tokio::spawn(answer(client?)); }
            Some(client) = far.next() => { tokio::spawn(answer(client?)); }
            Some(message) = cat.connection.next() => println!("{:?}", message?),
        }
    }
    clients.await??;
    cat.finish().await?;
    Ok(())
}

/// Sends each message back. `unix` and `tcp` connections are one type.
async fn answer(client: unix::Connection) -> Result<()> {
    let (sink, stream) = client.split();
    stream.forward(sink).await
}

async fn ask(mut server: tcp::Connection, question: &'static str) -> Result<()> {
    server.send(question.into()).await?;
    if let Some(answer) = server.next().await {
        println!("{:?}", answer?);
    }
    server.finish().await
}
