//! Whose signals count.

use framewire::signal::{self, Options, Policy, Value};
use futures::{SinkExt, StreamExt};

use super::{
    common::{role, within},
    full::limit,
    sends::{sender, sent},
};

pub(crate) fn keeps_out() {
    role::block_on(async {
        let mut welcome = sender("RTMIN+3", "count 10");
        let mut stranger = sender("RTMIN+3", "count 7");
        let uid = rustix::process::getuid().as_raw();
        let policy = Policy::anyone().uid(uid).pid(welcome.id());
        let mut queued = Options::new().policy(policy).queued("RTMIN+3").await.unwrap();
        let mut others =
            Options::new().policy(Policy::anyone().uid(uid + 1)).queued("RTMIN+3").await.unwrap();
        for process in [&mut stranger, &mut welcome] {
            assert_eq!(process.answer(), "ready");
            process.order("go");
            sent(process);
            assert!(process.wait().success());
        }
        for value in 0..10 {
            let signal = within(queued.next()).await.unwrap().unwrap();
            assert_eq!((signal.int(), signal.pid()), (Some(value), Some(welcome.id())));
        }
        assert_eq!(queued.denied(), 7);
        let nothing = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(nothing, others.next()).await.is_err());
        assert_eq!(others.denied(), 17);
    });
}

#[test]
fn those_of_others_are_dropped_and_counted() {
    role::must_pass("keeps out");
}

/// The kernel has no room to note who sent a signal: as it tells it, root's process 0 did.
pub(crate) fn knows_nobody() {
    role::block_on(async {
        let policy = Policy::anyone().uid(0);
        let mut roots = Options::new().policy(policy).queued("USR1").await.unwrap();
        let mut all = signal::queued("USR1").await.unwrap();
        limit(0);
        let mut sender = signal::sender(format!("USR1@{}", std::process::id())).await.unwrap();
        sender.send(Value::Int(7)).await.unwrap();
        let signal = within(all.next()).await.unwrap().unwrap();
        assert_eq!((signal.int(), signal.pid(), signal.uid()), (None, None, None));
        let nothing = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(nothing, roots.next()).await.is_err());
        assert_eq!(roots.denied(), 1);
    });
}

#[test]
fn what_was_not_noted_is_not_roots() {
    role::must_pass("knows nobody");
}
