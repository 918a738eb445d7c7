//! What is dropped without anybody being told but whoever watches.

use std::collections::HashMap;

/// How many messages were dropped, by why.
///
/// The first is told of, the second, the fourth, the eighth and so on: whoever floods a socket must
/// not flood a log.
#[derive(Debug, Default)]
pub(super) struct Losses(HashMap<&'static str, u64>);

impl Losses {
    /// One more. Says how many there were if this is to be told.
    #[cold]
    pub(super) fn count(&mut self, why: &'static str) -> Option<u64> {
        let count = self.0.entry(why).or_default();
        *count = count.saturating_add(1);
        count.is_power_of_two().then_some(*count)
    }

    /// One more, told of as an event where it is to be.
    #[cold]
    pub(super) fn note(&mut self, why: &'static str) {
        if let Some(count) = self.count(why) {
            tracing::warn!(count, why, "dropped messages");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_of_a_few_times() {
        let mut losses = Losses::default();
        let told: Vec<_> = (0..1_000_000).filter_map(|_| losses.count("a flood")).collect();
        assert_eq!(told.len(), 20);
        assert_eq!(told[..4], [1, 2, 4, 8]);
        assert_eq!(losses.count("something else"), Some(1));
    }
}
