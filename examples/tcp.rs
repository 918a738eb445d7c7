//! An echo server over TCP, and its client.
//!
//! ```text
//! cargo run --example tcp -- serve tcp://127.0.0.1:7000
//! cargo run --example tcp -- call  tcp://127.0.0.1:7000 hello
//! ```
//!
//! With `--framing lines` its peer can be `socat - TCP:127.0.0.1:7000`.

mod common;

use std::{io::Write as _, process::ExitCode};

use common::{Args, Outcome, call, echo, exit_code, usage_error};
use framewire::{Endpoint, serve::Server, tcp};
use tokio::signal::ctrl_c;

const USAGE: &str = "tcp serve ENDPOINT | call ENDPOINT [MESSAGE…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run(Args::read(USAGE)).await)
}

async fn run(args: Args) -> Outcome {
    let [endpoint, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    let address = address(endpoint)?;
    if !args.serve {
        let (socket, _) = tcp::connect(address).await?.into_io();
        return call(socket, args.framing, messages).await;
    }

    let listener = tcp::listen(address).await?;
    println!("listening on {}", listener.endpoint());
    std::io::stdout().flush()?;
    let echo = move |client: tcp::Connection, _| async move {
        echo(client.into_io().0, args.framing).await.map_err(|e| std::io::Error::other(e).into())
    };
    let served = Server::new(listener).run(echo, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}

fn address(endpoint: &str) -> Outcome<String> {
    match endpoint.parse()? {
        Endpoint::Tcp(address) => Ok(address.to_string()),
        other => Err(format!("{other} is not the address of a TCP socket").into()),
    }
}
