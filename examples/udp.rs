//! An echo server over UDP, and its client; and one who speaks to all who listen.
//!
//! ```text
//! cargo run --example udp -- serve udp://127.0.0.1:7000
//! cargo run --example udp -- call  udp://127.0.0.1:7000 hello
//!
//! cargo run --example udp -- subscribe udp://239.255.7.7:7000      # any number of these
//! cargo run --example udp -- publish   udp://239.255.7.7:7000 hello
//! ```
//!
//! A datagram is a message: its peer can be `socat - UDP:127.0.0.1:7000`.

mod common;

use std::{env, io::Write as _, process::ExitCode};

use common::{Args, Outcome, call_messages, echo_messages, exit_code, usage_error};
use framewire::{Endpoint, serve::Server, udp};
use futures::{SinkExt, StreamExt};
use tokio::signal::ctrl_c;

const USAGE: &str = "udp serve|subscribe ENDPOINT | call|publish ENDPOINT [MESSAGE…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    exit_code(match &words[..] {
        [verb, endpoint] if verb == "subscribe" => subscribe(endpoint).await,
        [verb, endpoint, messages @ ..] if verb == "publish" => publish(endpoint, messages).await,
        _ => run(Args::read(USAGE)).await,
    })
}

async fn run(args: Args) -> Outcome {
    let [endpoint, messages @ ..] = &args.rest[..] else { usage_error(USAGE) };
    let address = address(endpoint)?;
    if !args.serve {
        return call_messages(udp::connect(address).await?, messages).await;
    }

    let listener = udp::listen(address).await?;
    println!("listening on {}", listener.endpoint());
    std::io::stdout().flush()?;
    let served = Server::new(listener).run(echo_messages, ctrl_c()).await?;
    println!("{served:?}");
    Ok(())
}

/// Prints what is said to the group, until Ctrl-C.
async fn subscribe(endpoint: &str) -> Outcome {
    let receiver = udp::receiver(address(endpoint)?).await?;
    println!("listening on {endpoint}");
    std::io::stdout().flush()?;
    let mut heard = receiver.detailed().take_until(Box::pin(ctrl_c()));
    while let Some(received) = heard.next().await {
        match received {
            Ok(received) => {
                let from = received.from.map_or(String::new(), |from| from.to_string());
                println!("{from}: {}", String::from_utf8_lossy(&received.body));
            }
            // It was too slow, or a message too large: what comes next is as good as before.
            Err(error) => eprintln!("{error}"),
        }
    }
    Ok(())
}

/// Says each message to whoever is in the group.
async fn publish(endpoint: &str, messages: &[String]) -> Outcome {
    let mut sender = udp::sender(address(endpoint)?).await?;
    for message in messages {
        sender.send(message.clone().into()).await?;
    }
    Ok(())
}

fn address(endpoint: &str) -> Outcome<String> {
    match endpoint.parse()? {
        Endpoint::Udp(address) => Ok(address.to_string()),
        other => Err(format!("{other} is not the address of a UDP socket").into()),
    }
}
