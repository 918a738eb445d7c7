//! Names: what stands at one, who removes it, and what an earlier run has left there.

use std::{sync::Barrier, thread};

use framewire::{
    Error, ErrorKind,
    mq::{self, Unlink},
};
use futures::{SinkExt, StreamExt};

use super::{
    common::{Flavour, role, within},
    subject::{BOTH, Name, small},
};

/// Whether an end can be opened without making anything.
async fn is_there(name: &str) -> bool {
    match mq::Options::new().create(false).sender(name).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.is_retryable());
            false
        }
    }
}

fn tells(error: &Error, kind: ErrorKind, told: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for told in told {
        assert!(error.to_string().contains(told), "{told} in: {error}");
    }
}

#[tokio::test]
async fn either_end_can_be_first_and_what_is_sent_waits() {
    for wait_by in BOTH {
        let name = Name::new();
        assert!(!is_there(&name).await);
        let options = small().wait_by(wait_by);
        let mut sender = options.sender(&*name).await.unwrap();
        sender.send("before".into()).await.unwrap();
        sender.close().await.unwrap();
        drop(sender);
        // Nobody has it open now.
        assert!(is_there(&name).await);
        let mut receiver = options.receiver(&*name).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "before");
        let mut sender = options.sender(&*name).await.unwrap();
        sender.send("after".into()).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "after");
    }
}

#[tokio::test]
async fn leftovers_of_other_sizes_are_told_with_what_to_do() {
    for wait_by in BOTH {
        let name = Name::new();
        let left = small().sender(&*name).await.unwrap();
        drop(left);
        let purge = format!("mq::remove({:?})", &*name);
        let asked = mq::Options::new().wait_by(wait_by);
        for (options, told) in [
            (asked.clone().capacity(5), "asked for were 5 of 64"),
            (asked.clone().max_len(65), "asked for were 4 of 65"),
            (asked.clone().max_len(63), "asked for were 4 of 63"),
            (asked.clone().capacity(3).max_len(128), "asked for were 3 of 128"),
        ] {
            for error in [
                options.receiver(&*name).await.unwrap_err(),
                options.sender(&*name).await.unwrap_err(),
            ] {
                let found = "holds 4 messages of 64 bytes";
                let endpoint = format!("mq://{}", &*name);
                tells(&error, ErrorKind::Malformed, &[found, told, &purge, &endpoint]);
                assert!(!error.is_retryable());
            }
        }
        // What is not asked for is as it is.
        let receiver = asked.clone().capacity(4).receiver(&*name).await.unwrap();
        assert_eq!((receiver.get_ref().capacity(), receiver.get_ref().max_len()), (4, 64));
        asked.clone().max_len(64).sender(&*name).await.unwrap();

        assert!(mq::remove(&*name).unwrap());
        let sender = asked.capacity(3).max_len(128).sender(&*name).await.unwrap();
        assert_eq!(sender.get_ref().capacity(), 3);
    }
}

#[tokio::test]
async fn a_name_goes_only_with_who_was_asked_to_remove_it() {
    for wait_by in BOTH {
        let name = Name::new();
        let keeps = small().wait_by(wait_by);
        let removes = keeps.clone().unlink(Unlink::OnDrop);
        drop((keeps.receiver(&*name).await.unwrap(), keeps.sender(&*name).await.unwrap()));
        assert!(is_there(&name).await);
        // Whoever has made it.
        drop(removes.receiver(&*name).await.unwrap());
        assert!(!is_there(&name).await);
        drop(removes.sender(&*name).await.unwrap());
        assert!(!is_there(&name).await);
        drop(removes.sender(&*name).await.unwrap().detailed());
        assert!(!is_there(&name).await);

        // What is in it is there for those who have it open.
        let mut receiver = keeps.receiver(&*name).await.unwrap();
        let mut sender = removes.sender(&*name).await.unwrap();
        sender.send("last".into()).await.unwrap();
        drop(sender);
        assert!(!is_there(&name).await);
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "last");
    }
}

#[tokio::test]
async fn a_successor_s_name_is_left_alone() {
    for wait_by in BOTH {
        let name = Name::new();
        let removes = small().wait_by(wait_by).unlink(Unlink::OnDrop);
        let receiver = removes.receiver(&*name).await.unwrap();
        let sender = removes.sender(&*name).await.unwrap();
        assert!(mq::remove(&*name).unwrap());
        drop(receiver);
        let mut successor = small().sender(&*name).await.unwrap();
        drop(sender);
        successor.send("mine".into()).await.unwrap();
        assert!(is_there(&name).await);
        let mut receiver = small().receiver(&*name).await.unwrap();
        assert_eq!(within(receiver.next()).await.unwrap().unwrap(), "mine");
    }
}

/// All end up with one queue, whoever is first.
#[test]
fn many_that_come_at_once_meet() {
    const RIVALS: usize = 8;
    for wait_by in BOTH {
        for _ in 0..10 {
            let (name, barrier) = (Name::new(), Barrier::new(RIVALS));
            let inodes: Vec<u64> = thread::scope(|scope| {
                let rivals = (0..RIVALS).map(|_| {
                    scope.spawn(|| {
                        Flavour::CurrentThread.runtime().block_on(async {
                            barrier.wait();
                            let sender = small().wait_by(wait_by).sender(&*name).await.unwrap();
                            rustix::fs::fstat(sender.get_ref()).unwrap().st_ino
                        })
                    })
                });
                let rivals: Vec<_> = rivals.collect();
                rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
            });
            assert!(inodes.iter().all(|inode| *inode == inodes[0]), "{inodes:?}");
        }
    }
}

#[tokio::test]
async fn names_that_cannot_be_are_told() {
    let long = format!("/{}", "n".repeat(256));
    for name in ["", "jobs", "/", "/a/b", "/.", "/..", "/a\0b", &long] {
        for error in [
            mq::receiver(name).await.map(drop).unwrap_err(),
            mq::sender(name).await.map(drop).unwrap_err(),
            mq::remove(name).map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Address, "{name:?}: {error}");
        }
    }
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let name = Name::new();
    for wait_by in BOTH {
        let options = small().wait_by(wait_by);
        let error = futures::executor::block_on(options.receiver(&*name)).unwrap_err();
        assert!(error.to_string().contains("no Tokio runtime"), "{error}");
    }
    role::block_on(async { assert!(!is_there(&name).await) });
}
