//! What needs a peer with a uid, which only this crate can make.

use std::time::Duration;

use futures::{SinkExt, StreamExt, channel::mpsc};
use tokio::{io::DuplexStream, sync::oneshot, time::timeout};

use super::*;
use crate::{Accepted, Peer, Result, frame::Frames};

const HANG: Duration = Duration::from_secs(20);

/// A connection of this user, and its other end.
fn of(uid: Option<u32>) -> (Frames<DuplexStream>, Result<Accepted>) {
    let (ours, theirs) = tokio::io::duplex(64);
    let peer = Some(Peer { uid, ..Peer::default() });
    (Frames::new(ours), Ok(Accepted { peer, io: Box::pin(Frames::new(theirs)) }))
}

async fn echo(accepted: Accepted, closing: Closing) -> Result<()> {
    let (sink, stream) = accepted.io.split();
    stream.take_until(closing).forward(sink).await
}

/// Whether an echo comes back, and not the end.
async fn is_served(client: &mut Frames<DuplexStream>) -> bool {
    let _ = client.send("?".into()).await;
    let answer = timeout(HANG, client.next()).await.expect("an answer or the end");
    matches!(answer, Some(Ok(_)))
}

#[tokio::test(start_paused = true)]
async fn no_user_takes_more_than_its_share() {
    let (door, listener) = mpsc::unbounded();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(Server::new(listener).max_per_uid(2).run(echo, stopped));
    let come = |uid| {
        let (client, accepted) = of(uid);
        door.unbounded_send(accepted).expect("the server accepts");
        client
    };

    let (mut first, mut second, mut third) = (come(Some(7)), come(Some(7)), come(Some(7)));
    assert!(is_served(&mut first).await);
    assert!(is_served(&mut second).await);
    assert!(!is_served(&mut third).await, "one too many");
    assert!(!is_served(&mut come(Some(7))).await, "still one too many");

    // Others have shares of their own, and who has no uid is not counted.
    let mut others: Vec<_> = [Some(8), Some(8), None, None, None].map(come).into();
    for other in &mut others {
        assert!(is_served(other).await);
    }

    // A connection that ends makes room for another.
    first.close().await.expect("close");
    assert!(first.next().await.is_none());
    let mut fourth = come(Some(7));
    assert!(is_served(&mut fourth).await);

    stop.send(()).expect("the server runs");
    let served = timeout(HANG, server).await.expect("ends").expect("no panic").expect("no error");
    assert_eq!((served.accepted, served.refused), (8, 2));
    assert_eq!((served.failed, served.panicked, served.aborted), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_gives_its_share_back() {
    let clients: Vec<_> = (0..5).map(|_| of(Some(7))).collect();
    let (_clients, accepted): (Vec<_>, Vec<_>) = clients.into_iter().unzip();
    // One after the other, since the next is accepted when the last has ended.
    let server = Server::new(futures::stream::iter(accepted)).max_connections(1).max_per_uid(1);
    let panicking = |accepted: Accepted, _| async move {
        drop(accepted);
        panic!("as the test wants it");
    };
    let served = timeout(HANG, server.run(panicking, std::future::pending::<()>()));
    let served = served.await.expect("ends").expect("no error");
    assert_eq!((served.accepted, served.refused, served.panicked), (5, 0, 5));
}
