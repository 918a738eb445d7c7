//! A semaphore that nobody waits for costs nothing.

use std::{fs, thread::sleep, time::Duration};

use framewire::{semaphore, wait::Strategy};
use tokio::time::timeout;

use super::{
    common::{
        Process,
        process::{answer, next_order},
        role::{self, WORD},
        spent::switches,
    },
    subject::Name,
};

const QUIET: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(2);

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// The part of one that has waited, and does not any more.
pub(crate) fn idles() {
    let before = threads();
    let options = semaphore::Options::new().strategy(Strategy::Park);
    let gate = options.open(role::word()).unwrap();
    role::block_on(async {
        // Without a wait there is no thread.
        gate.post().unwrap();
        let permit = gate.acquire().await.unwrap();
        assert_eq!(threads(), before);
        // One that was given up, and one that came to its end.
        assert!(timeout(Duration::from_millis(10), gate.acquire()).await.is_err());
        assert_eq!(threads(), before + 1);
        let (next, ()) = tokio::join!(gate.acquire(), async { drop(permit) });
        assert_eq!(threads(), before + 1);
        next.unwrap().forget();

        tokio::time::sleep(QUIET).await;
        answer("idle");
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            next_order();
            let _ = ended.send(());
        });
        let _ = end.await;
    });
}

#[test]
fn who_does_not_wait_uses_no_processor_time() {
    let name = Name::new();
    let mut command = role::command("idles");
    command.env(WORD, name.as_ref());
    let mut idle = Process::start(command);
    assert_eq!(idle.answer(), "idle");
    sleep(QUIET);
    let before = switches(idle.id());
    assert!(before > 0);
    sleep(WATCHED);
    assert_eq!(switches(idle.id()), before);
    assert!(idle.wait().success());
}
