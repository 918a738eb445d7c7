//! What can be missing: a runtime, its I/O driver, a descriptor.

use std::{fs::File, os::unix::net::UnixStream, time::Duration};

use framewire::{
    ErrorKind, Result,
    frame::Frames,
    pipe,
    serve::Server,
    tcp, unix,
    wait::{Fd, Io, Strategy},
};
use futures::{SinkExt, StreamExt, executor::block_on};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    process::Command,
    runtime::Builder,
    time::{sleep, timeout},
};

use super::common::{body, role, same};

#[test]
fn without_a_runtime_it_is_an_error() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let error = Fd::new(ours.into()).unwrap_err();
    assert!(error.to_string().contains("no Tokio runtime"), "{error}");
    assert!(Io::socket(theirs.into()).is_err());

    let directory = tempfile::tempdir().unwrap();
    let error = unix::pair().unwrap_err();
    assert!(error.to_string().contains("no Tokio runtime"), "{error}");
    assert!(pipe::pair().is_err());
    assert!(pipe::spawn(Command::new("true")).is_err());
    let path = directory.path().join("e.sock");
    assert!(block_on(unix::listen(&*path)).is_err());
    let late = unix::Options::new().wait_for_listener(true);
    assert!(block_on(late.connect(path)).is_err());
    for address in ["127.0.0.1:0", "localhost:0"] {
        assert!(block_on(tcp::listen(address)).is_err());
        assert!(block_on(tcp::connect(address)).is_err());
    }
    assert!(block_on(Frames::new(tokio::io::empty()).finish()).is_err());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn on_a_runtime_without_io_it_is_an_error_where_it_has_to_wait() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for strategy in [Strategy::Park, Strategy::Adaptive] {
            let (mut ours, mut theirs) = unix::Options::new().strategy(strategy).pair().unwrap();
            // What is there already needs no wait.
            ours.send("hello".into()).await.unwrap();
            let first = theirs.next().await.unwrap();
            if strategy == Strategy::Adaptive {
                assert_eq!(first.unwrap(), "hello");
            }
            let error = match theirs.next().await {
                Some(error) => error.unwrap_err(),
                None => continue,
            };
            assert!(error.to_string().contains("enable_io()"), "what to do: {error}");
        }
    });
}

#[test]
fn on_a_runtime_without_io_nothing_is_opened_that_needs_it_at_once() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for error in [
            tcp::listen("127.0.0.1:0").await.unwrap_err(),
            tcp::connect("127.0.0.1:1").await.unwrap_err(),
            pipe::spawn(Command::new("true")).unwrap_err(),
        ] {
            assert!(error.to_string().contains("enable_io()"), "what to do: {error}");
        }
    });
}

#[test]
fn on_a_runtime_without_timers_it_is_an_error_where_there_is_a_deadline() {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let late = unix::Options::new().wait_for_listener(true);
        let listener = tcp::listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().to_string();
        let never = |_: tcp::Connection, _| async { Ok(()) };
        for error in [
            late.connect(directory.path().join("e.sock")).await.unwrap_err(),
            tcp::connect(address).await.unwrap_err(),
            unix::pair().unwrap().0.finish().await.unwrap_err(),
            Server::new(listener).run(never, async {}).await.unwrap_err(),
        ] {
            assert!(error.to_string().contains("enable_time()"), "what to do: {error}");
        }
    });
}

#[test]
fn out_of_descriptors_it_waits_for_one() {
    role::must_pass("runs out of descriptors");
}

/// Opens files until there is no descriptor left.
fn take_all() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// In a process of its own: the limit is the whole process's.
pub(crate) fn runs_out_of_descriptors() {
    let usual = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..usual }).unwrap();
    role::block_on(async {
        second_direction().await;
        opening().await.unwrap();
        tcp_goes_on().await;
    });
}

/// Waiting in the second direction takes a descriptor, and there is none.
async fn second_direction() {
    for strategy in [Strategy::Park, Strategy::Adaptive] {
        let (ours, theirs) = unix::Options::new().strategy(strategy).pair().unwrap();
        let (mut sink, mut stream) = ours.split();
        let mut theirs = Frames::new(theirs.into_io().0);
        // The first direction is waited for while there are descriptors.
        assert!(timeout(Duration::from_millis(20), stream.next()).await.is_err());
        let all = take_all();
        let sending = tokio::spawn(async move {
            for n in 0..40 {
                sink.send(body(n, 100_000)).await.unwrap();
            }
            sink
        });
        sleep(Duration::from_millis(100)).await;
        assert!(!sending.is_finished(), "it waits");
        // A reader of its own makes room, which nobody can be told of yet: the retry finds it.
        let (received, sink) = timeout(Duration::from_secs(60), async {
            let receiving = async {
                for n in 0..40 {
                    same(&theirs.next().await.unwrap().unwrap(), &body(n, 100_000));
                    if n == 20 {
                        sleep(Duration::from_millis(50)).await;
                    }
                }
            };
            let freeing = async {
                sleep(Duration::from_millis(50)).await;
                drop(all);
            };
            let ((), (), sink) = tokio::join!(receiving, freeing, sending);
            ((), sink.unwrap())
        })
        .await
        .expect("it goes on once there is a descriptor");
        drop((received, sink, stream));
    }
}

/// What cannot be opened is an error that says so, and leaves nothing half open.
async fn opening() -> Result<()> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("e.sock");
    let mut all = take_all();
    assert!(unix::connect(&*path).await.is_err() && tcp::listen("127.0.0.1:0").await.is_err());
    // With one descriptor more each time, each gets a step further and fails there.
    for free in 0..8 {
        let errors = [
            unix::pair().err(),
            pipe::pair().err(),
            unix::listen(&*path).await.err(),
            pipe::spawn(Command::new("true")).err(),
        ];
        assert!(free > 0 || errors.iter().all(Option::is_some));
        for error in errors.into_iter().flatten() {
            assert_eq!(error.kind(), ErrorKind::Exhausted, "{free} free: {error}");
        }
        let left = std::fs::symlink_metadata(&path);
        assert!(left.is_err(), "a name is left of what could not be opened, {free} free");
        all.pop();
    }
    drop(all);
    unix::pair()?;
    drop(unix::listen(&*path).await?);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left");
    Ok(())
}

/// A connection that is there goes on, whatever cannot be opened beside it.
async fn tcp_goes_on() {
    let mut listener = tcp::listen("127.0.0.1:0").await.unwrap();
    let mut ours = tcp::connect(listener.local_addr().to_string()).await.unwrap();
    let mut theirs = listener.next().await.unwrap().unwrap();
    let all = take_all();
    for n in 0..100 {
        ours.send(body(n, 1000)).await.unwrap();
        same(&theirs.next().await.unwrap().unwrap(), &body(n, 1000));
    }
    drop(all);
}
