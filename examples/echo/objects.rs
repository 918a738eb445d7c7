//! What goes one way, and to nobody in particular: an object of the kernel's each way.
//!
//! A side receives before the other is told where to send: a signal that nobody takes would end its
//! process. The names go away as soon as both sides have opened what they stand for, so that nothing
//! is left of a side that is killed.

use std::{os::unix::process::parent_id, process};

use framewire::{BoxDuplex, BoxReceiver, BoxSender, Endpoint, Result, mq, semaphore};

use crate::{halves::Halves, row::segment};

/// What the two sides receive from: the client gives names to both.
struct Objects {
    there: Endpoint,
    back: Endpoint,
}

impl Objects {
    fn new(scheme: &str, client: u32, server: u32) -> Result<Self> {
        let [there, back] = match scheme {
            // Every process has its own.
            "signal" => [server, client].map(|pid| format!("signal://RTMIN+7@{pid}")),
            _ => names(client).map(|name| format!("{scheme}://{name}")),
        };
        Ok(Self { there: there.parse()?, back: back.parse()? })
    }
}

fn names(client: u32) -> [String; 2] {
    ["there", "back"].map(|direction| format!("/framewire-echo-{client}-{direction}"))
}

/// The queues of a connection, which its listener makes and removes.
fn pair() -> [String; 2] {
    ["requests", "replies"].map(|direction| format!("/{}.{direction}", segment()))
}

/// Opens what is received from; where a process is named, that is who sends to it.
async fn receiver(endpoint: &Endpoint) -> Result<BoxReceiver> {
    let text = endpoint.to_string();
    let Some((unnamed, _)) = text.split_once('@') else { return endpoint.receiver().await };
    unnamed.parse::<Endpoint>()?.receiver().await
}

/// The client's end to receive from, before there is a server.
pub(crate) async fn receiving(scheme: &str) -> Result<BoxReceiver> {
    let nobody_yet = process::id();
    receiver(&Objects::new(scheme, process::id(), nobody_yet)?.back).await
}

/// The client's end to send to, where the server has said that it receives.
pub(crate) async fn sending(row: &str, endpoint: &str) -> Result<BoxSender> {
    let sender = endpoint.parse::<Endpoint>()?.sender().await?;
    left(row)?;
    Ok(sender)
}

/// The server's connection, and where it receives.
pub(crate) async fn serving(scheme: &str) -> Result<(Endpoint, BoxDuplex)> {
    let objects = Objects::new(scheme, parent_id(), process::id())?;
    let receiver = receiver(&objects.there).await?;
    let sender = objects.back.sender().await?;
    Ok((objects.there, Box::pin(Halves { receiver, sender })))
}

/// Before a row begins: removes what an earlier process of our number has left, and starts what stays
/// with this one, the thread that takes signals and what that has open.
pub(crate) async fn prepare(row: &str) -> Result<()> {
    left(row)?;
    if row == "signal" {
        drop(receiving(row).await?);
    }
    Ok(())
}

/// Removes the names that a row has, and says how many were there.
pub(crate) fn left(row: &str) -> Result<usize> {
    let remove: fn(String) -> Result<bool> = match row {
        "mq" | "mq:pair" => |name: String| mq::remove(name),
        "semaphore" => |name: String| semaphore::remove(name),
        _ => return Ok(0),
    };
    let names = names(process::id()).into_iter().chain(pair());
    let removed = names.map(remove).collect::<Result<Vec<bool>>>()?;
    Ok(removed.into_iter().filter(|was_there| *was_there).count())
}
