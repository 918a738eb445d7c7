//! A message's body, whatever travels beside it.

use bytes::Bytes;

/// What [`Messages`](super::Messages) moves: `Bytes`, or bytes with what a mechanism delivers
/// beside them (descriptors, an address, a priority).
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use framewire::message::Body;
///
/// struct Ranked {
///     body: Bytes,
///     priority: u32,
/// }
///
/// impl Body for Ranked {
///     fn body(&self) -> &Bytes {
///         &self.body
///     }
/// }
///
/// let urgent = Ranked { body: "fire".into(), priority: 31 };
/// assert_eq!((urgent.body().len(), urgent.priority), (4, 31));
/// ```
pub trait Body {
    /// The bytes alone.
    ///
    /// # Examples
    ///
    /// See [`Body`].
    fn body(&self) -> &Bytes;
}

impl Body for Bytes {
    #[inline]
    fn body(&self) -> &Bytes {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_a_message_with_nothing_beside_them() {
        let bytes = Bytes::from_static(b"hello");
        assert_eq!(bytes.body().as_ptr(), bytes.as_ptr(), "the body is no copy");
    }
}
