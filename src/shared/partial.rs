//! A message of which there are parts.

use bytes::BytesMut;

/// What is reserved for a message before any of it has come: addresses, which cost memory only
/// when they are written to. Beyond that it grows as its parts come.
const EAGER: usize = 4 << 20;

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

    /// What has come, with room for this much more, which is missing.
    pub(super) fn grow(&mut self, len: usize) -> &mut BytesMut {
        debug_assert!(len <= self.missing());
        self.body.reserve(len);
        &mut self.body
    }

    /// All of it.
    pub(super) fn into_body(self) -> BytesMut {
        self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_costs_nothing_yet() {
        let mut partial = Partial::new(1 << 30);
        assert!(partial.body.capacity() <= EAGER);
        partial.grow(3).extend_from_slice(b"abc");
        assert_eq!(partial.missing(), (1 << 30) - 3);
        assert_eq!(partial.into_body(), "abc");
    }
}
