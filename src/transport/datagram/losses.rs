//! What is dropped without anybody being told but whoever watches.

use std::collections::HashMap;

/// How many messages were dropped, by why.
///
/// The first is told of, and then each time that there are twice as many: whoever floods a socket
/// must not flood a log.
#[derive(Debug, Default)]
pub(super) struct Losses(HashMap<&'static str, u64>);

impl Losses {
    /// So many more. Says how many there were if this is to be told.
    #[cold]
    pub(super) fn count(&mut self, why: &'static str, more: u64) -> Option<u64> {
        let count = self.0.entry(why).or_default();
        let before = count.checked_ilog2();
        *count = count.saturating_add(more);
        (count.checked_ilog2() != before).then_some(*count)
    }

    /// So many more, told of as an event where it is to be.
    #[cold]
    pub(super) fn note(&mut self, why: &'static str, more: u64) {
        if let Some(count) = self.count(why, more) {
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
        let told: Vec<_> = (0..1_000_000).filter_map(|_| losses.count("a flood", 1)).collect();
        assert_eq!(told.len(), 20);
        assert_eq!(told[..4], [1, 2, 4, 8]);
        assert_eq!(losses.count("something else", 5), Some(5));
        assert_eq!(losses.count("something else", 2), None);
        assert_eq!(losses.count("something else", 1), Some(8));
    }
}
