//! Our message queues: a queue each way, whose names go away as soon as both sides have them open.

use framewire::mq::{self, Unlink, WaitBy};
use futures::stream;

use crate::halves::Halves;
use crate::load;
use crate::side::announce;
use crate::trial::{Fault, Mechanism, Outcome, Trial, Waiting};

/// Attributes are the system's own, as by hand.
fn options(trial: &Trial) -> mq::Options {
    let options = mq::Options::new().strategy(trial.waiting.strategy());
    match (trial.mechanism, trial.waiting) {
        (Mechanism::Packed, _) => options.packed(),
        (_, Waiting::Blocking | Waiting::BlockingPark) => options.wait_by(WaitBy::Blocking),
        _ => options,
    }
}

/// The serving side: makes both queues.
pub(crate) async fn serve(trial: &Trial) -> Result<Outcome, Fault> {
    let (there, back) = (trial.object("there"), trial.object("back"));
    let options = options(trial).unlink(Unlink::OnDrop);
    let receiver = options.receiver(&there).await?;
    let sender = options.sender(&back).await?;
    announce(&trial.address)?;
    load::serve(trial, stream::iter([Ok::<_, Fault>(Halves::new(receiver, sender))])).await
}

/// The driving side: finds them.
pub(crate) async fn drive(trial: &Trial) -> Result<Outcome, Fault> {
    let (there, back) = (trial.object("there"), trial.object("back"));
    let options = options(trial);
    let receiver = options.receiver(&back).await?;
    let sender = options.sender(&there).await?;
    mq::remove(&there)?;
    mq::remove(&back)?;
    load::drive(trial, vec![Halves::new(receiver, sender)]).await
}
