//! More signals than there is room for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use framewire::signal;
use futures::StreamExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    common::{Flavour, role, within},
    sends::{sender, sent},
};

/// At most so many signals wait for this process, those for others of its user counted: what opens
/// a receiver then may find no room to ask threads.
pub(crate) fn limit(most: u64) {
    let maximum = getrlimit(Resource::Sigpending).maximum;
    setrlimit(Resource::Sigpending, Rlimit { current: Some(most), maximum }).unwrap();
}

fn is_flooded(flavour: Flavour) {
    flavour.run(async {
        let mut queued = signal::queued("RTMIN+3").await.unwrap();
        // So that the sender meets the limit, however fast we are.
        limit(500);
        let mut notice = signal::receiver("RTMIN+3").await.unwrap();
        let ticks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&ticks);
        let ticker = tokio::spawn(async move {
            let mut ticker = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticker.tick().await;
                // Relaxed: a count that orders nothing else.
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut process = sender("RTMIN+3", "flood 2000");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        let begun = Instant::now();
        let mut came = 0;
        while begun.elapsed() < Duration::from_millis(2500) {
            let next = tokio::time::timeout(Duration::from_millis(100), queued.next());
            let Ok(next) = next.await else { continue };
            assert_eq!(next.unwrap().unwrap().int(), Some(came));
            came += 1;
        }
        let (accepted, full) = sent(&mut process);
        while came < accepted {
            assert_eq!(within(queued.next()).await.unwrap().unwrap().int(), Some(came));
            came += 1;
        }
        let nothing = tokio::time::timeout(Duration::from_millis(100), queued.next()).await;
        assert!(nothing.is_err(), "more came than were accepted");
        let ticks = ticks.load(Ordering::Relaxed);
        println!("{came} came, full {full} times, {ticks} ticks");
        assert!(ticks > 10, "others hardly run: {ticks}");
        assert_eq!(within(notice.next()).await.unwrap().unwrap(), signal::AtLeastOne);
        ticker.abort();
    });
}

pub(crate) fn is_flooded_on_one_thread() {
    is_flooded(Flavour::CurrentThread);
}

pub(crate) fn is_flooded_on_two_workers() {
    is_flooded(Flavour::TwoWorkers);
}

#[test]
fn a_flood_drowns_nobody_on_one_thread() {
    role::must_pass("is flooded on one thread");
}

#[test]
fn a_flood_drowns_nobody_on_two_workers() {
    role::must_pass("is flooded on two workers");
}

/// Of eight, while nobody reads.
pub(crate) fn has_little_room() {
    role::block_on(async {
        let options = signal::Options::new().capacity(256);
        let mut queued = options.queued("RTMIN+3").await.unwrap();
        limit(8);
        let mut process = sender("RTMIN+3", "count 2000");
        assert_eq!(process.answer(), "ready");
        process.order("go");
        tokio::time::sleep(Duration::from_millis(200)).await;
        for value in 0..2000 {
            assert_eq!(within(queued.next()).await.unwrap().unwrap().int(), Some(value));
        }
        let (accepted, full) = sent(&mut process);
        assert_eq!(accepted, 2000);
        assert!(full > 0, "it never waited");
        assert!(process.wait().success());
    });
}

#[test]
fn who_finds_no_room_waits_and_all_arrive() {
    role::must_pass("has little room");
}
