//! An echo server on two sockets that it was started with, `echo` and `admin`.
//!
//! ```text
//! cargo build --example activated
//! systemd-socket-activate -l 7000 -l /tmp/admin.sock --fdname=echo:admin target/debug/examples/activated
//! cargo run --example tcp  -- call tcp://127.0.0.1:7000 hello       # in another shell: starts it
//! cargo run --example unix -- call unix:///tmp/admin.sock hello
//! ```
//!
//! Without systemd, any program will do that leaves two listening sockets as descriptors 3 and 4 and
//! sets `LISTEN_FDS=2`, `LISTEN_FDNAMES=echo:admin` and `LISTEN_PID` to the number of the process.

mod common;

use std::{io::Write as _, process::ExitCode};

use common::{Outcome, exit_code};
use framewire::{Accepted, BoxListener, handover::Sockets, serve::Server};
use futures::{StreamExt, future::try_join_all};
use tokio::signal::ctrl_c;

const NAMES: [&str; 2] = ["echo", "admin"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> Outcome {
    let mut sockets = Sockets::inherited()?;
    for name in sockets.names().filter(|name| !NAMES.contains(name)) {
        eprintln!("nobody will answer on the socket {name}");
    }
    let mut servers = Vec::new();
    for name in NAMES {
        let listener = sockets.listener(name)?;
        println!("{name} is {}", listener.endpoint());
        servers.push(serve(name, listener));
    }
    std::io::stdout().flush()?;
    sockets.ready().await?;
    try_join_all(servers).await?;
    Ok(())
}

/// Sends everything back until Ctrl-C, and says on which socket it came.
async fn serve(name: &'static str, listener: BoxListener) -> Outcome {
    let echo = move |client: Accepted, closing| async move {
        println!("somebody came to {name}");
        let (sink, stream) = client.io.split();
        stream.take_until(closing).forward(sink).await
    };
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{name}: {served:?}");
    Ok(())
}
