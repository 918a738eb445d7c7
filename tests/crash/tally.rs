//! What was promised against what came.

use std::{collections::HashSet, fmt};

use super::script::{BATCH, Script};

/// What came of one victim's frames.
#[derive(Debug)]
pub(super) struct Delivery {
    script: Script,
    /// The numbers of the frames that are one of the script's, as they came.
    numbers: Vec<u64>,
    /// How many others came.
    torn: u64,
    /// The stream ended in the middle of a frame.
    pub(super) cut: bool,
}

impl Delivery {
    pub(super) fn new(script: Script) -> Self {
        Self { script, numbers: Vec::new(), torn: 0, cut: false }
    }

    pub(super) fn came(&mut self, body: &[u8]) {
        // The smallest frames do not tell their number: they are known by their place.
        let next = self.numbers.last().map_or(0, |last| last + 1);
        let known = self.script.is(next, body).then_some(next);
        match known.or_else(|| self.script.number_of(body)) {
            Some(number) => self.numbers.push(number),
            None => self.torn += 1,
        }
    }
}

impl Delivery {
    /// Whether all of these came, or something behind them.
    pub(super) fn is_beyond(&self, acknowledged: &[u64]) -> bool {
        self.numbers.iter().max() >= acknowledged.iter().max()
    }
}

/// The sum over all the cycles of a kill loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) cycles: u64,
    pub(super) acknowledged: u64,
    pub(super) delivered: u64,
    /// Acknowledged, and did not come.
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    /// Came after one that was sent later.
    pub(super) reordered: u64,
    /// Came, though it cannot have been sent yet.
    pub(super) unexpected: u64,
    /// Came, and is not as it was sent.
    pub(super) torn: u64,
    /// Streams that ended in the middle of a frame: that frame was not acknowledged, and is no loss.
    pub(super) cut: u64,
    /// Kills that hit while frames were on their way.
    pub(super) in_mid_stream: u64,
}

impl Tally {
    /// Adds a cycle: what came, and the numbers of the frames that were acknowledged.
    pub(super) fn add(&mut self, delivery: &Delivery, acknowledged: &[u64]) {
        self.cycles += 1;
        self.acknowledged += acknowledged.len() as u64;
        self.delivered += delivery.numbers.len() as u64;
        self.torn += delivery.torn;
        self.cut += u64::from(delivery.cut);
        self.in_mid_stream += u64::from(delivery.cut || !delivery.numbers.is_empty());

        // Who acknowledges after a flush is one batch behind at most.
        let begun = acknowledged.last().map_or(0, |last| last + 1) + BATCH;
        let mut came = HashSet::new();
        let mut latest = None;
        for &number in &delivery.numbers {
            if !came.insert(number) {
                self.duplicated += 1;
            } else if Some(number) < latest {
                self.reordered += 1;
            }
            latest = latest.max(Some(number));
            self.unexpected += u64::from(number >= begun);
        }
        self.lost += acknowledged.iter().filter(|number| !came.contains(number)).count() as u64;
    }

    /// Whether everything that was acknowledged came, whole, in order and once, and nothing else.
    pub(super) fn is_sound(&self) -> bool {
        let Self { lost, duplicated, reordered, unexpected, torn, .. } = *self;
        (lost, duplicated, reordered, unexpected, torn) == (0, 0, 0, 0, 0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cycles, acknowledged, delivered, lost, duplicated, .. } = self;
        let Self { reordered, unexpected, torn, cut, in_mid_stream, .. } = self;
        let share = 100 * in_mid_stream / cycles.max(&1);
        write!(
            f,
            "{cycles} cycles, {share} % of the kills in mid-stream, {acknowledged} acknowledged, \
             {delivered} delivered, {lost} lost, {duplicated} duplicated, {reordered} reordered, \
             {unexpected} unexpected, {torn} torn; {cut} streams cut in a frame"
        )
    }
}

/// A checker that finds nothing proves nothing.
#[test]
fn each_kind_of_fault_is_counted() {
    // A seed whose first frames are all long enough to tell their number.
    let long = |script: &Script| (0..6).all(|number| script.body(number).len() > 64);
    let script = (0..).map(|seed| Script::new(seed, "unix")).find(long).unwrap();
    let tally = |numbers: &[u64], acknowledged: u64| {
        let mut delivery = Delivery::new(script);
        numbers.iter().for_each(|number| delivery.came(&script.body(*number)));
        let mut tally = Tally::default();
        tally.add(&delivery, &(0..acknowledged).collect::<Vec<_>>());
        tally
    };
    assert!(tally(&[0, 1, 2, 3], 3).is_sound());
    assert!(tally(&[], 0).is_sound());
    assert_eq!(tally(&[0, 1, 3], 4).lost, 1);
    assert_eq!(tally(&[0, 1], 4).lost, 2);
    assert_eq!(tally(&[0, 1, 1, 2], 3).duplicated, 1);
    assert_eq!(tally(&[0, 2, 1], 3).reordered, 1);
    assert_eq!(tally(&[0, 20], 1).unexpected, 1);

    let mut delivery = Delivery::new(script);
    delivery.came(&script.body(0)[1..]);
    let mut torn = Tally::default();
    torn.add(&delivery, &[]);
    assert_eq!((torn.torn, torn.is_sound()), (1, false));
}
