//! An echo server over a Unix socket, and its client.
//!
//! ```text
//! cargo run --example unix -- serve unix:///tmp/e.sock
//! cargo run --example unix -- call  unix:///tmp/e.sock hello
//! ```
//!
//! With `--framing lines` its peer can be `socat - UNIX-CONNECT:/tmp/e.sock`.

mod common;

use std::{io::Write as _, process::ExitCode};

use common::{Args, Outcome, call, echo, exit_code, usage_error};
use framewire::{Endpoint, SocketName, serve::Server, unix};
use tokio::signal::ctrl_c;

const USAGE: &str = "unix serve ENDPOINT | call ENDPOINT [MESSAGE…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read(USAGE)).await)
}

async fn run(args: Args) -> Outcome {
    let [endpoint, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    let name = name(endpoint)?;
    if !args.serve {
        let (socket, _) = unix::connect(name).await?.into_io();
        return call(socket, args.framing, messages).await;
    }

    let listener = unix::listen(name).await?;
    println!("listening on {}", listener.endpoint());
    std::io::stdout().flush()?;
    let echo = move |client: unix::Connection, _| async move {
        echo(client.into_io().0, args.framing).await.map_err(|e| std::io::Error::other(e).into())
    };
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}

fn name(endpoint: &str) -> Outcome<SocketName> {
    match endpoint.parse()? {
        Endpoint::Unix(name) => Ok(name),
        other => Err(format!("{other} is not the address of a Unix socket").into()),
    }
}
