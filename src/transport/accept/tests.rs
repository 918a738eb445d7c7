use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::time::{Instant, timeout};

use super::*;
use crate::wait::{Direction, Fd, Wait};

/// Long enough for seven pauses: 10 + 20 + … + 640 ms.
const EXHAUSTED: Duration = Duration::from_millis(1500);
/// Far more than anything here takes; a hang is all that it tells.
const HANG: Duration = Duration::from_secs(20);
/// Says to the test binary that it is the process to be starved.
const STARVED: &str = "FRAMEWIRE_TEST_STARVED";

fn os<T>(number: i32) -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::Error::from_raw_os_error(number)))
}

async fn scripted(backlog: &mut Backlog, script: &mut VecDeque<Poll<io::Result<u32>>>) -> u32 {
    let mut next = |_: &mut Context<'_>| script.pop_front().expect("the script is long enough");
    poll_fn(|cx| backlog.poll_accept(cx, &mut next)).await.expect("accepts")
}

#[tokio::test(start_paused = true)]
async fn running_out_is_waited_out_and_told_to_one_peer_a_time() {
    let mut backlog = Backlog::new();
    let mut script = VecDeque::from([
        os(libc::EMFILE),
        Poll::Ready(Ok(1)), // accepted with the reserve
        os(libc::EMFILE),
        os(libc::EMFILE), // somebody was faster to take what the reserve freed
        os(libc::ENFILE),
        Poll::Pending, // nobody waits any more
        Poll::Ready(Ok(2)),
        Poll::Ready(Ok(3)),
        os(libc::ENOBUFS),
        Poll::Ready(Ok(4)),
        Poll::Ready(Ok(5)),
    ]);
    let begun = Instant::now();
    assert_eq!(scripted(&mut backlog, &mut script).await, 2);
    assert!(begun.elapsed() >= Duration::from_millis(10 + 20 + 40));
    assert_eq!(backlog.turned_away(), 1);
    assert!(backlog.reserve.is_some());

    // A success has reset the pause.
    let begun = Instant::now();
    assert_eq!(scripted(&mut backlog, &mut script).await, 3);
    assert_eq!(scripted(&mut backlog, &mut script).await, 5);
    assert!((10..20).contains(&begun.elapsed().as_millis()));
    assert_eq!(backlog.turned_away(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_neither_ends_nor_spins() {
    let (mut backlog, mut tries) = (Backlog::new(), 0);
    let never = poll_fn(|cx| {
        backlog.poll_accept::<()>(cx, |_| {
            tries += 1;
            os(libc::EMFILE)
        })
    });
    timeout(Duration::from_secs(10), never).await.expect_err("nobody is ever accepted");
    // Two for each of seven pauses below a second and nine or so of a second.
    assert!((20..=40).contains(&tries), "{tries} tries in 10 s");
}

#[tokio::test(start_paused = true)]
async fn connections_that_failed_are_passed_over_at_once() {
    let mut backlog = Backlog::new();
    let passing = [libc::ECONNABORTED, libc::EINTR, libc::EPROTO, libc::EPERM];
    let mut script: VecDeque<_> = passing.into_iter().map(os).collect();
    script.push_back(Poll::Ready(Ok(1)));
    let begun = Instant::now();
    assert_eq!(scripted(&mut backlog, &mut script).await, 1);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(backlog.turned_away(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_that_all_fail_are_no_busy_loop() {
    let (mut backlog, mut tries) = (Backlog::new(), 0);
    let never = poll_fn(|cx| {
        backlog.poll_accept::<()>(cx, |_| {
            tries += 1;
            os(libc::EPERM)
        })
    });
    timeout(Duration::from_secs(1), never).await.expect_err("nobody is ever accepted");
    assert!((64..=64 * 1001).contains(&tries), "{tries} tries in a second");
}

#[tokio::test]
async fn a_flood_of_failing_connections_leaves_other_tasks_their_turn() {
    let done = Arc::new(AtomicBool::new(false));
    let flood = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let mut backlog = Backlog::new();
            let end = |_: &mut Context<'_>| {
                // Relaxed: it carries nothing but itself; partner of the store below.
                if done.load(Ordering::Relaxed) { Poll::Ready(Ok(())) } else { os(libc::EPROTO) }
            };
            poll_fn(|cx| backlog.poll_accept(cx, end)).await
        }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    // Relaxed: partner of the load above.
    done.store(true, Ordering::Relaxed);
    timeout(HANG, flood).await.expect("the flood ends").expect("no panic").expect("no error");
}

#[tokio::test]
async fn what_does_not_pass_is_answered() {
    let mut backlog = Backlog::new();
    let error = poll_fn(|cx| backlog.poll_accept::<()>(cx, |_| os(libc::EINVAL))).await;
    assert_eq!(error.expect_err("broken").raw_os_error(), Some(libc::EINVAL));
}

/// The process of this test lowers its limits and must be its own: the binary runs itself.
#[test]
fn a_process_without_descriptors_waits_and_recovers() {
    if std::env::var_os(STARVED).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        return runtime.expect("a runtime").block_on(starve());
    }
    let name = "transport::accept::tests::a_process_without_descriptors_waits_and_recovers";
    let child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(STARVED, "1")
        .output()
        .expect("runs");
    let told = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{}{told}", String::from_utf8_lossy(&child.stdout));
    assert!(told.contains("recovered"), "the test was not found: {told}");
}

async fn starve() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("socket");
    let limit = Some(48);
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).expect("lower");

    let listener = UnixListener::bind(&path).expect("bind");
    listener.set_nonblocking(true).expect("non-blocking");
    let mut ready = Fd::new(listener.try_clone().expect("a duplicate").into()).expect("a runtime");
    let mut backlog = Backlog::new();
    let mut accept = |cx: &mut Context<'_>| {
        backlog.poll_accept(cx, |cx| {
            ready.poll_io(cx, Direction::Receive, || listener.accept().map(|(peer, _)| peer))
        })
    };

    let (cpu, begun) = (cpu_time(), Instant::now());
    let mut clients = flood(&path);
    timeout(EXHAUSTED, poll_fn(&mut accept)).await.expect_err("no descriptor to accept with");
    let wall = begun.elapsed();

    // The first learned at once that it was turned away; there was a descriptor for nobody.
    let first = &mut clients[0];
    first.set_nonblocking(true).expect("non-blocking");
    assert_eq!(first.read(&mut [0]).expect("closed, not waiting"), 0);

    // Free some, and a client that comes now is served: within the longest pause, a second.
    clients.truncate(clients.len() / 2);
    let spent = cpu_time() - cpu;
    assert!(spent < wall / 5, "{spent:?} of CPU time in {wall:?}");
    let mut late = UnixStream::connect(&path).expect("a descriptor is free again");
    late.write_all(b"late").expect("send");
    let served = async {
        loop {
            let mut peer = poll_fn(&mut accept).await.expect("accepts");
            peer.set_nonblocking(true).expect("non-blocking");
            let mut said = [0; 4];
            if peer.read_exact(&mut said).is_ok() && said == *b"late" {
                break;
            }
        }
    };
    timeout(HANG, served).await.expect("the late client is served");
    let turned_away = backlog.turned_away();
    assert!((3..=10).contains(&turned_away), "{turned_away} turned away");
    assert!(backlog.reserve.is_some());
    eprintln!("recovered");
}

/// Connects until no descriptor is left.
fn flood(path: &Path) -> Vec<UnixStream> {
    let mut clients = Vec::new();
    loop {
        match UnixStream::connect(path) {
            Ok(client) => clients.push(client),
            Err(error) if sys::is_exhausted(&error) => return clients,
            Err(error) => panic!("connect: {error}"),
        }
    }
}

/// What this process has used of the CPU; proc_pid_stat(5), fields 14 and 15.
#[cfg(target_os = "linux")]
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("proc");
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>());
    Duration::from_millis(ticks.map(|ticks| ticks.expect("a number") * 10).sum())
}

/// Not measured here.
#[cfg(not(target_os = "linux"))]
fn cpu_time() -> Duration {
    Duration::ZERO
}
