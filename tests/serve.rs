//! The accept loop, over connections in memory.

#[path = "serve/events.rs"]
mod events;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use events::Events;
use framewire::{
    Accepted, Endpoint, Error, ErrorKind, Result,
    frame::Frames,
    serve::{Closing, Served, Server},
    tcp,
};
use futures::{
    SinkExt, StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    stream,
};
use tokio::{
    io::DuplexStream,
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

/// Far more than anything here takes; a hang is all that it tells.
const HANG: Duration = Duration::from_secs(60);

type Client = Frames<DuplexStream>;

fn connection() -> (Client, Accepted) {
    let (ours, theirs) = tokio::io::duplex(64);
    (Frames::new(ours), Accepted { peer: None, io: Box::pin(Frames::new(theirs)) })
}

fn come(door: &UnboundedSender<Result<Accepted>>) -> Client {
    let (client, accepted) = connection();
    door.unbounded_send(Ok(accepted)).expect("the server accepts");
    client
}

fn failure(kind: ErrorKind) -> Result<Accepted> {
    Err(Error::new(kind, "as the test wants it"))
}

async fn echo(accepted: Accepted, closing: Closing) -> Result<()> {
    let (sink, stream) = accepted.io.split();
    stream.take_until(closing).forward(sink).await
}

async fn call(client: &mut Client, message: &'static str) {
    let answer = async {
        client.send(message.into()).await.expect("send");
        client.next().await.expect("an answer").expect("no error")
    };
    assert_eq!(timeout(HANG, answer).await.expect("in time"), message);
}

/// Counts those who hold one.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_the_door_tells_the_handlers_and_waits() {
    let (door, listener) = unbounded();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(Server::new(listener).run(
        |accepted, closing: Closing| async move {
            echo(accepted, closing.clone()).await?;
            assert!(closing.has_begun());
            // Work that is left to do when the shutdown begins.
            sleep(Duration::from_secs(3)).await;
            Ok(())
        },
        stopped,
    ));
    let (mut one, mut two) = (come(&door), come(&door));
    call(&mut one, "one").await;
    call(&mut two, "two").await;

    let begun = Instant::now();
    stop.send(()).expect("the server runs");
    assert!(timeout(HANG, one.next()).await.expect("in time").is_none(), "closed in order");
    assert!(door.is_closed(), "the listener is dropped before the handlers have ended");
    assert!(!server.is_finished());
    let served = timeout(HANG, server).await.expect("in time").expect("no panic");
    assert!((3000..3100).contains(&begun.elapsed().as_millis()));
    let served = served.expect("no error");
    assert_eq!((served.accepted, served.failed, served.aborted), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_has_not_ended_when_draining_is_over_is_aborted() {
    let held = Arc::new(AtomicUsize::new(0));
    let (door, listener) = unbounded();
    let (stop, stopped) = oneshot::channel::<()>();
    let deaf = {
        let held = Arc::clone(&held);
        move |accepted, _| {
            let held = Held::new(&held);
            async move {
                let _all = (held, accepted);
                pending().await
            }
        }
    };
    let server = tokio::spawn(
        Server::new(listener).drain(Duration::from_secs(2)).run::<Accepted, _, _>(deaf, stopped),
    );
    let (mut one, _two) = (come(&door), come(&door));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(held.load(SeqCst), 2);

    let begun = Instant::now();
    stop.send(()).expect("the server runs");
    let served = timeout(HANG, server).await.expect("in time").expect("no panic");
    assert!((2000..2100).contains(&begun.elapsed().as_millis()));
    let served = served.expect("no error");
    assert_eq!((served.accepted, served.failed, served.aborted), (2, 0, 2));
    assert_eq!(held.load(SeqCst), 0, "nothing of the handlers is left when `run` returns");
    assert!(one.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_full_server_accepts_when_one_ends() {
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (clients, accepted): (Vec<_>, Vec<_>) = (0..10).map(|_| connection()).unzip();
    let count = {
        let most = Arc::clone(&most);
        move |accepted: Accepted, _| {
            let held = Held::new(&open);
            most.fetch_max(open.load(SeqCst), SeqCst);
            async move {
                sleep(Duration::from_secs(1)).await;
                drop((accepted, held));
                Ok(())
            }
        }
    };
    let begun = Instant::now();
    let server = Server::new(stream::iter(accepted).map(Ok)).max_connections(3);
    let served = timeout(HANG, server.run(count, pending::<()>())).await.expect("in time");
    assert_eq!(served.expect("no error").accepted, 10);
    assert_eq!(most.load(SeqCst), 3);
    assert!((4000..4100).contains(&begun.elapsed().as_millis()), "four rounds of three");
    drop(clients);
}

#[tokio::test(start_paused = true)]
async fn panics_and_errors_harm_their_connection_only_and_are_told() {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let (door, listener) = unbounded();
    let endpoint: Endpoint = "unix:///run/e.sock".parse().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let turn = AtomicUsize::new(0);
    let moody = move |accepted: Accepted, closing| {
        let turn = turn.fetch_add(1, SeqCst);
        assert_ne!(turn, 1, "a panic before there is a future");
        async move {
            match turn {
                2 => panic!("a panic {} a future", "within"),
                3 => Err(Error::new(ErrorKind::Io, "the disk is full")),
                _ => echo(accepted, closing).await,
            }
        }
    };
    let server = tokio::spawn(Server::new(listener).on(endpoint).run(moody, stopped));
    let mut good = come(&door);
    call(&mut good, "before").await;
    for _ in 1..=3 {
        let mut bad = come(&door);
        assert!(timeout(HANG, bad.next()).await.expect("in time").is_none());
        call(&mut good, "after").await;
    }
    stop.send(()).expect("the server runs");
    let served = timeout(HANG, server).await.expect("in time").expect("no panic");
    let served = served.expect("no error");
    assert_eq!((served.accepted, served.panicked, served.failed), (4, 2, 1));
    for told in ["a panic before there is a future", "a panic within a future", "the disk is full"]
    {
        let told = events.with(told);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("unix:///run/e.sock"), "with the endpoint: {told:?}");
    }
}

/// On one thread, whose subscriber is this test's own.
#[tokio::test]
async fn connecting_accepting_and_closing_are_told_with_the_endpoint() {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let mut listener = tcp::listen("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("endpoint={}", listener.endpoint());
    let client = tcp::connect(listener.local_addr().to_string());
    let (client, server) = timeout(HANG, async { tokio::join!(client, listener.next()) })
        .await
        .expect("both are there");
    let (mut client, mut server) = (client.expect("it connects"), server.unwrap().expect("comes"));
    client.close().await.expect("it closes");
    assert!(server.next().await.is_none());

    for (event, span) in [("connected", "connect"), ("accepted", "accept")] {
        let told = events.with(&format!("message={event}"));
        let within = format!("in {span} {endpoint}");
        assert!(told.iter().any(|told| told.contains(&within)), "{event}: {told:?}");
    }
    assert!(events.spans().contains(&format!("close {endpoint}")), "{:?}", events.spans());
    assert!(events.with("the peer closed").iter().any(|told| told.contains(&endpoint)));
}

#[tokio::test(start_paused = true)]
async fn errors_of_accepting_are_waited_out() {
    let (mut client, accepted) = connection();
    let listener = stream::iter([
        failure(ErrorKind::Closed),
        failure(ErrorKind::Exhausted),
        failure(ErrorKind::Exhausted),
        failure(ErrorKind::Exhausted),
        failure(ErrorKind::Denied),
        Ok(accepted),
    ]);
    let begun = Instant::now();
    let shutdown = async {
        call(&mut client, "served in spite of all").await;
        let waited = begun.elapsed().as_millis();
        assert!((70..200).contains(&waited), "10 + 20 + 40 ms and next to nothing: {waited}");
    };
    let server = Server::new(listener.chain(stream::pending()));
    let served = timeout(HANG, server.run(echo, shutdown)).await.expect("in time");
    assert_eq!(served.expect("no error").accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_yields_errors_only_is_no_busy_loop() {
    for (kind, most) in [(ErrorKind::Exhausted, 20), (ErrorKind::Closed, 10_100)] {
        let mut tries = 0;
        let listener = stream::repeat_with(|| {
            tries += 1;
            failure(kind)
        });
        let server = Server::new(listener);
        let served = timeout(HANG, server.run(echo, sleep(Duration::from_secs(10)))).await;
        assert_eq!(served.expect("in time").expect("no error"), Served::default());
        assert!((10..=most).contains(&tries), "{tries} tries in 10 s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_breaks_ends_the_server_in_order() {
    for last in [ErrorKind::Io, ErrorKind::Closed] {
        let (mut client, accepted) = connection();
        let server = Server::new(stream::iter([Ok(accepted), failure(last)]));
        // Whoever is being served is let go first.
        let (ended, error) =
            timeout(HANG, async { tokio::join!(client.next(), server.run(echo, pending::<()>())) })
                .await
                .expect("in time");
        assert!(ended.is_none());
        assert_eq!(error.expect_err("the listener's").kind(), last);
    }
    let server = Server::new(stream::empty::<Result<Accepted>>());
    assert_eq!(server.run(echo, pending::<()>()).await.expect("no error"), Served::default());
}

#[tokio::test]
async fn dropping_the_server_leaves_nothing() {
    let (door, listener) = unbounded();
    let held = Arc::new(AtomicUsize::new(0));
    let hold = holding(&held);
    let mut server = Box::pin(Server::new(listener).run(hold, pending::<()>()));
    let mut client = come(&door);
    let running = timeout(HANG, async {
        tokio::select! {
            _ = &mut server => panic!("nobody stopped it"),
            () = call(&mut client, "hello") => {}
        }
    });
    running.await.expect("in time");
    assert_eq!(held.load(SeqCst), 1);
    drop(server);
    assert!(door.is_closed());
    assert!(timeout(HANG, client.next()).await.expect("in time").is_none());
    assert_eq!(held.load(SeqCst), 0);
}

#[test]
fn a_runtime_is_not_held_up() {
    use tokio::runtime::Builder;
    for mut flavour in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = flavour.worker_threads(2).enable_all().build().expect("a runtime");
        let held = Arc::new(AtomicUsize::new(0));
        let (door, listener) = unbounded();
        runtime.spawn(Server::new(listener).run(holding(&held), pending::<()>()));
        let mut client = come(&door);
        runtime.block_on(call(&mut client, "hello"));
        let (done, dropped) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(runtime);
            done.send(())
        });
        dropped.recv_timeout(HANG).expect("the runtime ends");
        assert_eq!(held.load(SeqCst), 0);
    }
}

#[test]
fn without_a_runtime_it_is_an_error() {
    let server = Server::new(stream::empty::<Result<Accepted>>());
    let error = futures::executor::block_on(server.run(echo, pending::<()>())).expect_err("none");
    assert!(error.to_string().contains("runtime"), "{error}");
}

#[test]
fn it_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let listener = stream::empty::<framewire::Result<framewire::Accepted>>();
    is_send(Server::new(listener).run(echo, pending::<()>()));
}

/// An echo that is counted for as long as anything of it is there.
fn holding(
    held: &Arc<AtomicUsize>,
) -> impl Fn(Accepted, Closing) -> futures::future::BoxFuture<'static, Result<()>> + use<> {
    let held = Arc::clone(held);
    move |accepted, closing| {
        let held = Held::new(&held);
        Box::pin(async move {
            let _held = held;
            echo(accepted, closing).await
        })
    }
}
