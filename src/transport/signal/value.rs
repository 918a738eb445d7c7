//! What a signal is sent with.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{Error, ErrorKind, Result};

/// What a signal is sent with: C's `union sigval`, which is an integer or a word.
///
/// Both ends have to mean the same one: a receiver is not told which it was.
///
/// # Examples
///
/// ```
/// use framewire::signal::Value;
///
/// assert_eq!(Value::from(-7), Value::Int(-7));
/// assert_eq!(Value::from_body(&[0, 0, 1, 0])?, Value::Int(256));
/// assert_eq!(Value::from_body(&[])?, Value::Plain);
/// # Ok::<(), framewire::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Nothing: as kill(2) sends it. A real-time signal goes with the integer 0 instead, since the
    /// kernel drops one without a value, and tells nobody, where the queue is full.
    Plain,
    /// An integer, `sival_int`.
    Int(i32),
    /// A word, `sival_ptr`: of 8 bytes on a 64-bit system at both ends; elsewhere of 4, and what is
    /// larger is refused.
    Word(u64),
}

impl Value {
    /// The value that a message's body is: none of no bytes, an integer of 4 bytes, a word of 8,
    /// big-endian.
    ///
    /// # Examples
    ///
    /// See [`Value`].
    ///
    /// # Errors
    ///
    /// [`TooLarge`](ErrorKind::TooLarge) of more than 8 bytes, [`Malformed`](ErrorKind::Malformed)
    /// of another number.
    pub fn from_body(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Ok(Self::Plain);
        }
        if let Ok(int) = body.try_into() {
            return Ok(Self::Int(i32::from_be_bytes(int)));
        }
        if let Ok(word) = body.try_into() {
            return Ok(Self::Word(u64::from_be_bytes(word)));
        }
        let kind = if body.len() > 8 { ErrorKind::TooLarge } else { ErrorKind::Malformed };
        let cause = format!("a signal has no room for a body of {} bytes", body.len());
        Err(Error::new(kind, cause).remedy("send 0, 4 or 8 bytes"))
    }

    /// The body that [`from_body`](Self::from_body) makes this value of.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::signal::Value;
    ///
    /// assert_eq!(Value::Int(256).body(), [0, 0, 1, 0][..]);
    /// ```
    pub fn body(self) -> Bytes {
        let mut body = BytesMut::with_capacity(8);
        match self {
            Self::Plain => return Bytes::new(),
            Self::Int(int) => body.put_i32(int),
            Self::Word(word) => body.put_u64(word),
        }
        body.freeze()
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::Int(int)
    }
}

impl From<u64> for Value {
    fn from(word: u64) -> Self {
        Self::Word(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_values_and_back() {
        for value in [Value::Plain, Value::Int(i32::MIN), Value::Int(5), Value::Word(u64::MAX)] {
            assert_eq!(Value::from_body(&value.body()).unwrap(), value);
        }
        assert_eq!(Value::from_body(&[0; 9]).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(Value::from_body(&[0; 5]).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
