//! A daemon that starts its next version while clients come and stay, and none is refused.
//!
//! ```text
//! cargo run --example upgrade -- serve unix:///tmp/e.sock   # says its pid
//! kill -USR2 PID                                            # in another shell, again and again
//!
//! cargo run --example upgrade -- load          # starts one, upgrades it five times under load
//! cargo run --example upgrade -- load 50000 20 # requests, upgrades
//! ```
//!
//! `load` prints what became of each request and exits with 1 if one was refused or lost.

mod common;
#[path = "upgrade/load.rs"]
mod load;

use std::{
    env,
    path::Path,
    process::{ExitCode, id},
    time::Duration,
};

use common::{Outcome, exit_code};
use framewire::{
    Accepted, Endpoint,
    handover::{Handle, Handover, Sockets},
    serve::Server,
};
use futures::{
    StreamExt,
    future::{Either, select},
};
use tokio::{
    process::Command,
    signal::{
        ctrl_c,
        unix::{Signal, SignalKind, signal},
    },
};
use tokio_util::sync::CancellationToken;

const USAGE: &str = "upgrade serve ENDPOINT | load [REQUESTS [UPGRADES]]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await)
}

async fn run() -> Outcome {
    // While it has that name: the file may be replaced by the next version's.
    let program = env::current_exe()?;
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", endpoint] => serve(&program, endpoint).await,
        ["load"] => load::run(&program, 10_000, 5).await,
        ["load", requests] => load::run(&program, requests.parse()?, 5).await,
        ["load", requests, upgrades] => {
            load::run(&program, requests.parse()?, upgrades.parse()?).await
        }
        _ => Err(format!("usage: {USAGE}").into()),
    }
}

/// Echoes until Ctrl-C, or until the next version does.
async fn serve(program: &Path, endpoint: &str) -> Outcome {
    let mut upgrades = signal(SignalKind::user_defined2())?;
    let mut sockets = Sockets::inherited()?;
    let inherited = sockets.names().any(|name| name == "echo");
    let listener = if inherited {
        sockets.listener("echo")?
    } else {
        endpoint.parse::<Endpoint>()?.listen().await?
    };
    let handle = listener.handle().ok_or("this listener cannot be handed over")?;
    sockets.ready().await?;
    println!("{} listens on {}", id(), listener.endpoint());

    let interrupted = CancellationToken::new();
    let echo = {
        let interrupted = interrupted.clone();
        move |client: Accepted, _| {
            let (sink, stream) = client.io.split();
            // Not at the upgrade: who has connected is served for as long as there are requests.
            stream.take_until(interrupted.clone().cancelled_owned()).forward(sink)
        }
    };
    let end = async {
        let upgraded = std::pin::pin!(upgraded(program, endpoint, &handle, &mut upgrades));
        if let Either::Left(_) = select(std::pin::pin!(ctrl_c()), upgraded).await {
            interrupted.cancel();
        }
    };
    let served = Server::new(listener).drain(Duration::from_secs(60)).run(echo, end).await?;
    println!("{} ends: {served:?}", id());
    Ok(())
}

/// Starts the next version whenever it is told to, until one has taken over.
async fn upgraded(program: &Path, endpoint: &str, handle: &Handle, upgrades: &mut Signal) {
    while upgrades.recv().await.is_some() {
        let mut next = Command::new(program);
        next.args(["serve", endpoint]);
        match Handover::new(next).listener("echo", handle).spawn().await {
            Ok(_) => return,
            Err(error) => eprintln!("{} goes on: {error}", id()),
        }
    }
    std::future::pending().await
}
