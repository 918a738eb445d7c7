//! A message of which there are parts.

use bytes::BytesMut;

use crate::{Error, ErrorKind};

/// What is reserved for a message before any of it has come: addresses, which cost memory only
/// when they are written to. Beyond that it grows as its parts come.
const EAGER: usize = 4 << 20;

/// The least that a part has which is not the last one, in bytes: who sends them byte by byte only
/// has us busy.
pub(super) const LEAST: usize = 4096;

/// A message that is being put together.
#[derive(Debug)]
pub(super) struct Partial {
    total: usize,
    body: BytesMut,
}

impl Partial {
    /// One of this length, of which nothing has come.
    pub(super) fn new(total: usize) -> Self {
        Self { total, body: BytesMut::with_capacity(total.min(EAGER)) }
    }

    /// How many bytes have not come.
    pub(super) fn missing(&self) -> usize {
        self.total - self.body.len()
    }

    /// Whether the next part can have this length.
    pub(super) fn takes(&self, len: usize) -> bool {
        0 < len && len <= self.missing() && (LEAST <= len || len == self.missing())
    }

    /// What has come, with room for this much more, which is missing.
    pub(super) fn grow(&mut self, len: usize) -> &mut BytesMut {
        debug_assert!(self.takes(len));
        self.body.reserve(len);
        &mut self.body
    }

    /// How much memory it has.
    #[cfg(all(any(test, fuzzing), not(framewire_loom)))]
    pub(super) fn held(&self) -> usize {
        self.body.capacity()
    }

    /// All of it.
    pub(super) fn into_body(self) -> BytesMut {
        self.body
    }
}

/// A message of which no more comes.
#[cold]
pub(crate) fn cut_off() -> Error {
    let cause = "a message was cut off: its sender or its receiver was gone in the middle of it";
    Error::new(ErrorKind::Truncated, cause)
}

/// A message that this end does not accept.
#[cold]
pub(super) fn too_large(len: u64, max: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("message of {len} bytes, limit {max}"))
        .remedy("raise `max_len` of the options at this end, or send it in parts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_costs_nothing_yet() {
        let mut partial = Partial::new(1 << 30);
        assert!(partial.body.capacity() <= EAGER);
        partial.grow(LEAST).extend_from_slice(&[7; LEAST]);
        assert_eq!(partial.missing(), (1 << 30) - LEAST);
        assert_eq!(partial.into_body(), [7; LEAST][..]);
    }

    #[test]
    fn only_the_last_part_is_small() {
        let partial = Partial::new(3 * LEAST);
        for (len, taken) in [(0, false), (LEAST - 1, false), (LEAST, true), (3 * LEAST, true)] {
            assert_eq!(partial.takes(len), taken, "{len}");
        }
        assert!(!partial.takes(3 * LEAST + 1));
        assert!(Partial::new(1).takes(1));
        assert!(!Partial::new(0).takes(0));
    }
}
