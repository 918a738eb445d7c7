//! An echo server over a Unix socket, and its client.
//!
//! ```text
//! cargo run --example unix -- serve unix:///tmp/e.sock
//! cargo run --example unix -- call  unix:///tmp/e.sock hello
//! ```
//!
//! With `--framing lines` its peer can be `socat - UNIX-CONNECT:/tmp/e.sock`. Over
//! `seqpacket:///tmp/e.sock` and `datagram:///tmp/e.sock` the kernel keeps the messages apart.

mod common;

use std::{io::Write as _, process::ExitCode};

use common::{Args, Outcome, call, call_messages, echo, echo_messages, exit_code, usage_error};
use framewire::{Accepted, Endpoint, SocketName, serve::Server, unix};
use tokio::signal::ctrl_c;

const USAGE: &str = "unix serve ENDPOINT | call ENDPOINT [MESSAGE…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read(USAGE)).await)
}

async fn run(args: Args) -> Outcome {
    let [endpoint, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    match endpoint.parse()? {
        Endpoint::Unix(name) => bytes(name, &args, messages).await,
        kept @ (Endpoint::Seqpacket(_) | Endpoint::Datagram(_)) => {
            whole_messages(kept, args.serve, messages).await
        }
        other => Err(format!("{other} is not the address of a Unix socket").into()),
    }
}

/// Over a byte stream, with the framing that was asked for.
async fn bytes(name: SocketName, args: &Args, messages: &[String]) -> Outcome {
    let framing = args.framing;
    if !args.serve {
        let (socket, _) = unix::connect(name).await?.into_io();
        return call(socket, framing, messages).await;
    }

    let listener = unix::listen(name).await?;
    announce(listener.endpoint())?;
    let echo = move |client: unix::Connection, _| async move {
        echo(client.into_io().0, framing).await.map_err(|e| std::io::Error::other(e).into())
    };
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}

/// Over what has a framing of its own: the program is the same whatever that is.
async fn whole_messages(endpoint: Endpoint, serve: bool, messages: &[String]) -> Outcome {
    if !serve {
        return call_messages(endpoint.connect().await?, messages).await;
    }

    let listener = endpoint.listen().await?;
    announce(listener.endpoint())?;
    let echo = |client: Accepted, closing| echo_messages(client.io, closing);
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}

fn announce(endpoint: &Endpoint) -> std::io::Result<()> {
    println!("listening on {endpoint}");
    std::io::stdout().flush()
}
