//! Processes in which something else is odd.
// What they do has no safe crate here: alarm(2), fork(2), prctl(2), signal(2).
#![allow(unsafe_code)]

use std::{
    sync::{Arc, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use framewire::{
    ErrorKind,
    signal::{self, Options, Queued, Value},
};
use futures::{SinkExt, StreamExt};

use super::{
    common::{role, within},
    full::limit,
    sends::{sender, sent},
    threads::unblock,
};

const NOTHING: Duration = Duration::from_millis(100);

async fn send(name: &str, value: impl Into<Value>) {
    let mut sender = signal::sender(format!("{name}@{}", std::process::id())).await.unwrap();
    sender.send(value.into()).await.unwrap();
}

/// A waker that owns another receiver.
struct Owner(#[expect(dead_code)] Mutex<Option<Queued>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

pub(crate) fn is_owned_by_a_waker() {
    role::block_on(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        for _ in 0..50 {
            let owned = signal::queued("RTMIN+3").await.unwrap();
            let mut waits = signal::queued("RTMIN+3").await.unwrap();
            let waker = Waker::from(Arc::new(Owner(Mutex::new(Some(owned)))));
            assert!(waits.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            drop(waits);
            send("RTMIN+3", 7).await;
            let next = tokio::time::timeout(Duration::from_secs(5), queued.next()).await;
            assert_eq!(next.unwrap().unwrap().unwrap().int(), Some(7));
        }
    });
}

#[test]
fn what_a_waker_owns_is_dropped_with_it() {
    role::must_pass("is owned by a waker");
}

pub(crate) fn forks() {
    role::block_on(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        let mut process = sender("RTMIN+3", "flood 2000");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(2) {
            // The thread is busy, and so at times has the lock.
            let mut some = Vec::new();
            let _ = tokio::time::timeout(NOTHING, queued.recv_many(&mut some)).await;
            // SAFETY: all that the child does is below.
            match unsafe { libc::fork() } {
                0 => {
                    // SAFETY: it ends this child if it hangs.
                    unsafe { libc::alarm(10) };
                    drop(queued);
                    // SAFETY: nothing is run at this exit.
                    unsafe { libc::_exit(0) }
                }
                child => {
                    let mut status = 0;
                    // SAFETY: the pointer is to a local that lives through the call.
                    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
                    assert_eq!((ended, status), (child, 0));
                }
            }
        }
    });
}

#[test]
fn a_child_that_was_forked_off_can_drop_it() {
    role::must_pass("forks");
}

pub(crate) fn loses_its_handler() {
    role::block_on(async {
        drop(signal::queued("RTMIN+3").await.unwrap());
        // SAFETY: this sets the default action, which needs nothing.
        unsafe { libc::signal(libc::SIGRTMIN() + 3, libc::SIG_DFL) };
        let (stop, stopped) = mpsc::channel::<()>();
        let (done, was_done) = mpsc::channel::<()>();
        let open = thread::spawn(move || {
            unblock();
            done.send(()).unwrap();
            let _ = stopped.recv();
        });
        was_done.recv().unwrap();
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        send("RTMIN+3", 7).await;
        assert_eq!(within(queued.next()).await.unwrap().unwrap().int(), Some(7));
        drop(stop);
        open.join().unwrap();
    });
}

#[test]
fn a_handler_that_was_removed_is_installed_again() {
    role::must_pass("loses its handler");
}

/// A signal that finds the queue full comes without a note of who sent it, even if that was us, to
/// ask a thread.
pub(crate) fn opens_when_full() {
    role::block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut notice = signal(SignalKind::user_defined1()).unwrap();
        limit(0);
        let mut queued = signal::queued("USR1").await.unwrap();
        let came = tokio::time::timeout(NOTHING, notice.recv()).await;
        assert!(came.is_err(), "nobody has sent one");
        let came = tokio::time::timeout(NOTHING, queued.next()).await;
        assert!(came.is_err(), "nor has anybody one to receive");
    });
}

#[test]
fn nobody_hears_of_a_signal_that_only_asks() {
    role::must_pass("opens when full");
}

/// As a sandbox has it, or a kernel that lacks the call.
fn refuse(call: libc::c_long) {
    let filter = |code: u32, jf, k| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let mut filters = [
        // The call's number, which is first.
        filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        filter(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call as u32),
        filter(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        filter(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filters.len() as u16, filter: filters.as_mut_ptr() };
    // SAFETY: the arguments are numbers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: the program and what it points to live through the call.
    let done =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(done, 0);
}

pub(crate) fn is_kept_from_holding() {
    refuse(libc::SYS_pidfd_open);
    role::block_on(async {
        let error = signal::sender(format!("URG@{}", std::process::id())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let error = signal::sender("URG@2147483647").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    });
}

#[test]
fn a_process_that_cannot_be_held_is_not_told_to_be_gone() {
    role::must_pass("is kept from holding");
}

/// Whether any signal waits in the kernel for this process; proc_pid_status(5).
pub(crate) fn any_waits() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let waits = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    waits.trim().contains(|digit| digit != '0')
}

/// More come to another thread than there is room for.
pub(crate) fn loses_some() {
    role::block_on(async {
        let mut queued = Options::new().capacity(256).queued("RTMIN+3").await.unwrap();
        let mut process = sender("RTMIN+3", "count 1500");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        let (stop, stopped) = mpsc::channel::<()>();
        let open = thread::spawn(move || {
            while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
                unblock();
            }
        });
        assert_eq!(sent(&mut process).0, 1500);
        assert!(process.wait().success());
        while any_waits() {
            thread::sleep(Duration::from_millis(1));
        }
        drop(stop);
        open.join().unwrap();
        let (mut came, mut lost) = (0, 0);
        while came + lost < 1500 {
            let Err(error) = within(queued.next()).await.unwrap() else {
                came += 1;
                continue;
            };
            assert_eq!(error.kind(), ErrorKind::Lagged, "{error}");
            let said = error.to_string();
            let (said, _) = said.split_once(" signals were lost").unwrap();
            lost += said.rsplit(' ').next().unwrap().parse::<i32>().unwrap();
        }
        assert_eq!(came + lost, 1500);
        assert!(came >= 256 && lost > 0, "{came} came");
        assert!(tokio::time::timeout(NOTHING, queued.next()).await.is_err());
    });
}

#[test]
fn what_is_lost_is_counted() {
    role::must_pass("loses some");
}
