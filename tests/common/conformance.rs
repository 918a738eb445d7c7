//! One suite for every transport: what `Stream` and `Sink` of messages promise, whatever is below.
//!
//! A transport's profile says what does not apply to it; everything else does.

mod carrying;
mod dropping;
mod ending;
mod flow;
mod hostile;

use std::sync::Arc;

use framewire::{
    BoxDuplex, BoxReceiver, BoxSender,
    profile::{Boundary, Survives},
};

use super::{Census, Flavour, Subject, within};

/// What other processes do for the suite.
pub(crate) const ROLES: &[(&str, fn())] =
    &[("sends what fits", ending::sends_what_fits), ("floods", ending::floods)];

/// Runs the suite on a runtime of this flavour.
pub(crate) fn suite(flavour: Flavour, subject: impl Subject) {
    run(flavour, &Arc::new(subject));
}

/// Runs the suite on both, in a process that does nothing else, and fails if anything is left.
pub(crate) fn leaves_nothing<S: Subject>(subject: impl Fn() -> S) {
    let mut before = None;
    // What a process keeps for good once it has used it is there after the first round.
    for round in 0..2 {
        for flavour in [Flavour::CurrentThread, Flavour::TwoWorkers] {
            run(flavour, &Arc::new(subject()));
        }
        match &before {
            None => before = Some(Census::settled()),
            Some(before) => before.assert_back(),
        }
        eprintln!("round {round}: nothing left");
    }
}

/// Runs what of the suite asks nothing of a body, and of an end that is told: for what carries a
/// fact alone.
pub(crate) fn bodiless(flavour: Flavour, subject: impl Subject) {
    let subject = Arc::new(subject);
    let ours = Arc::clone(&subject);
    flavour.run(async move {
        let subject = &*ours;
        step("sizes", carrying::sizes(subject)).await;
        step("reopen", carrying::reopen(subject)).await;
        step("receiving dropped at every poll", dropping::receive(subject)).await;
    });
    assert_eq!(subject.left(), [""; 0], "names are left");
}

/// Fails to compile unless a transport's ends can go where Tokio's tasks go.
pub(crate) fn is_channel<T: Send + Unpin + 'static>() {}

/// Fails to compile unless this future can be spawned.
pub(crate) fn is_task<F: Future + Send>(_: F) {}

fn run<S: Subject>(flavour: Flavour, subject: &Arc<S>) {
    is_channel::<BoxDuplex>();
    is_channel::<BoxReceiver>();
    is_channel::<BoxSender>();
    flavour.run(all(Arc::clone(subject)));
    assert_eq!(subject.left(), [""; 0], "names are left");
}

async fn all<S: Subject>(subject: Arc<S>) {
    let subject = &*subject;
    let profile = subject.profile();
    step("order", carrying::order(subject)).await;
    step("sizes", carrying::sizes(subject)).await;
    step("one too large to send", carrying::too_large_to_send(subject)).await;
    step("one too large to receive", carrying::too_large_to_receive(subject)).await;
    step("reopen", carrying::reopen(subject)).await;
    step("the sender dropped", ending::drop_of_the_sender(subject)).await;
    step("the sender killed", ending::kill_of_the_sender(subject)).await;
    step("receiving dropped at every poll", dropping::receive(subject)).await;
    if profile.loss.is_none() {
        step("back-pressure", carrying::back_pressure(subject)).await;
        // What outlives its receivers waits for the next one, unless they say that they leave.
        if profile.tells_end || profile.survives == Survives::Nothing {
            step("the receiver dropped", ending::drop_of_the_receiver(subject)).await;
        }
        step("the sender killed in mid-stream", ending::kill_in_mid_stream(subject)).await;
        step("sending dropped at every poll", dropping::send(subject)).await;
    }
    if profile.loss.is_none() && subject.both_ways() {
        step("both ways", carrying::both_ways(subject)).await;
    }
    if profile.tells_end {
        step("end by close", ending::close(subject)).await;
    }
    if profile.tells_end && subject.both_ways() {
        step("half-close", ending::half_close(subject)).await;
    }
    if profile.boundary == Boundary::LengthPrefix {
        step("truncated", hostile::truncated(subject)).await;
        step("announced too large", hostile::announced_too_large(subject)).await;
        step("garbage", hostile::garbage(subject)).await;
        step("byte by byte", hostile::byte_by_byte(subject)).await;
        step("receiving dropped between pieces", dropping::receive_in_pieces(subject)).await;
    }
}

/// One step, named in the output of a test that fails.
async fn step(name: &str, step: impl Future<Output = ()>) {
    eprintln!("conformance: {name}");
    let begun = std::time::Instant::now();
    within(step).await;
    eprintln!("    {:?}", begun.elapsed());
}
