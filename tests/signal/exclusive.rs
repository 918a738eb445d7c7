//! Blocked in every thread, and read by one.

use framewire::{ErrorKind, signal};
use futures::StreamExt;

use super::{
    common::{Flavour, role, within},
    sends::{sender, sent, with_blocked},
};

const COUNT: i32 = 5000;

fn takes_alone(flavour: Flavour) {
    flavour.run(async {
        let mut taken = signal::exclusive("RTMIN+4").await.unwrap();
        let mut process = sender("RTMIN+4", &format!("count {COUNT}"));
        assert_eq!(process.answer(), "ready");
        process.order("go");
        for value in 0..COUNT / 2 {
            let signal = within(taken.next()).await.unwrap().unwrap();
            assert_eq!((signal.int(), signal.pid()), (Some(value), Some(process.id())));
            assert_eq!(signal.uid(), Some(rustix::process::getuid().as_raw()));
        }
        let mut rest = Vec::new();
        while rest.len() < COUNT as usize / 2 {
            let came = within(taken.recv_many(&mut rest)).await.unwrap();
            assert!((1..=64).contains(&came));
        }
        assert!(rest.iter().map(|signal| signal.int()).eq((COUNT / 2..COUNT).map(Some)));
        assert_eq!(sent(&mut process).0, COUNT);
        assert!(process.wait().success());
    });
}

pub(crate) fn on_one_thread() {
    takes_alone(Flavour::CurrentThread);
}

pub(crate) fn on_two_workers() {
    takes_alone(Flavour::TwoWorkers);
}

#[test]
fn all_come_in_order_on_one_thread() {
    with_blocked("RTMIN+4", || role::must_pass("takes alone on one thread"));
}

#[test]
fn all_come_in_order_on_two_workers() {
    with_blocked("RTMIN+4", || role::must_pass("takes alone on two workers"));
}

pub(crate) fn takes_in_turn() {
    role::block_on(async {
        let first = signal::exclusive("RTMIN+4").await.unwrap();
        let second = signal::exclusive("RTMIN+4").await.unwrap_err();
        assert_eq!(second.kind(), ErrorKind::InUse, "{second}");
        let queued = signal::queued("RTMIN+4").await.unwrap_err();
        assert_eq!(queued.kind(), ErrorKind::InUse, "{queued}");
        drop(first);

        // What is sent meanwhile waits for the next.
        let mut process = sender("RTMIN+4", "count 10");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        assert!(process.wait().success());
        let mut second = signal::exclusive("RTMIN+4").await.unwrap();
        for value in 0..10 {
            assert_eq!(within(second.next()).await.unwrap().unwrap().int(), Some(value));
        }
        drop(second);

        // And then for whoever queues, which is for good.
        let mut process = sender("RTMIN+4", "count 10");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        assert!(process.wait().success());
        let mut queued = signal::queued("RTMIN+4").await.unwrap();
        for value in 0..10 {
            assert_eq!(within(queued.next()).await.unwrap().unwrap().int(), Some(value));
        }
        drop(queued);
        let error = signal::exclusive("RTMIN+4").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    });
}

#[test]
fn one_takes_a_signal_at_a_time() {
    with_blocked("RTMIN+4", || role::must_pass("takes in turn"));
}
