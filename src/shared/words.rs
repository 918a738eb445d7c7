//! The control words of a ring of records, each group on a pair of cache lines of its own: the
//! processor fetches lines in pairs, and a word that changes often must not take others with it.

use super::Word;

/// Where what the producer has published ends. Written by the producer.
pub(super) const TAIL: Word = Word(128);
/// One of the states below. Written by the producer, beside [`TAIL`]: who looks for one has both.
pub(super) const TX_STATE: Word = Word(136);
/// The producer is to be woken when [`HEAD`] goes beyond this. Written by the producer.
pub(super) const WANT_SPACE: Word = Word(256);
/// Up to where the consumer needs nothing any more. Written by the consumer.
pub(super) const HEAD: Word = Word(384);
/// One of the states below. Written by the consumer.
pub(super) const RX_STATE: Word = Word(392);
/// The consumer is to be woken when [`TAIL`] goes beyond this. Written by the consumer.
pub(super) const WANT_DATA: Word = Word(512);

/// It goes on.
pub(super) const OPEN: u64 = 0;
/// It has ended in order.
pub(super) const CLOSED: u64 = 1;
/// It was given up.
pub(super) const ABORTED: u64 = 2;

/// No position is beyond this: at 10 GB/s a ring gets there after 14 years. So nothing that is added
/// to a position overflows.
pub(super) const FURTHEST: u64 = 1 << 62;

/// What the positions count in, and records begin at multiples of, in bytes.
pub(super) const ALIGN: u64 = 8;
