//! Messages out of queue messages.

use std::io;

use bytes::Bytes;

use super::{
    envelope::{self, Record, Token, malformed},
    spill::Spill,
};
use crate::ErrorKind;

/// Takes messages out of the envelope: all of a queue message out of one buffer, and those that lie
/// in files out of these.
#[derive(Debug)]
pub(super) struct Unpacker {
    /// What is left of the queue message that was received last.
    row: Bytes,
    /// What it was sent with.
    priority: u32,
    spill: Option<Spill>,
    /// A body that could not be read for want of what others may give back: it comes next.
    owed: Option<(usize, Token)>,
    /// Whether the last error was of one message, and says nothing of the next.
    passing: bool,
}

impl Unpacker {
    pub(super) fn new(spill: Option<Spill>) -> Self {
        Self { row: Bytes::new(), priority: 0, spill, owed: None, passing: false }
    }

    /// Takes one message, with its priority. `receive` takes a queue message out of the queue;
    /// `None` is the end.
    #[inline]
    pub(super) fn next(
        &mut self,
        receive: impl FnOnce() -> io::Result<Option<(Bytes, u32)>>,
    ) -> io::Result<Option<(Bytes, u32)>> {
        if let Some((len, token)) = self.owed.take() {
            return self.read(len, token);
        }
        if self.row.is_empty() {
            self.passing = false;
            let Some((row, priority)) = receive()? else { return Ok(None) };
            self.passing = true;
            if row.is_empty() {
                return Err(malformed("an empty message where a length of 4 begins").into());
            }
            (self.row, self.priority) = (row, priority);
        }
        self.passing = true;
        match envelope::take(&mut self.row) {
            Ok(Record::Here(body)) => Ok(Some((body, self.priority))),
            Ok(Record::Spilled(len, token)) => self.read(len, token),
            Err(error) => {
                self.row = Bytes::new();
                Err(error.into())
            }
        }
    }

    #[cold]
    fn read(&mut self, len: usize, token: Token) -> io::Result<Option<(Bytes, u32)>> {
        let Some(spill) = &self.spill else {
            let cause = format!("a message of {len} bytes that lies in a file");
            return Err(malformed(cause).into());
        };
        match spill.read(len, token) {
            Ok(body) => Ok(Some((body, self.priority))),
            Err(error) => {
                // The file is still there.
                self.owed = (error.kind() == ErrorKind::Exhausted).then_some((len, token));
                Err(error.into())
            }
        }
    }

    /// Whether the last error was of one message, and says nothing of the next.
    pub(super) fn goes_on(&self) -> bool {
        self.passing
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        let Some(spill) = &self.spill else { return };
        if let Some((_, token)) = self.owed {
            spill.remove(token);
        }
        while !self.row.is_empty() {
            match envelope::take(&mut self.row) {
                Ok(Record::Here(_)) => {}
                Ok(Record::Spilled(_, token)) => spill.remove(token),
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind, Result};

    fn next(unpacker: &mut Unpacker, row: &'static [u8]) -> Result<Bytes> {
        let received = unpacker.next(|| Ok(Some((Bytes::from_static(row), 3))));
        let (body, priority) = received.map_err(Error::from)?.expect("it is not the end");
        assert_eq!(priority, 3);
        Ok(body)
    }

    #[test]
    fn messages_come_out_of_one_buffer_in_order() {
        let row = b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c";
        let mut unpacker = Unpacker::new(None);
        let first = next(&mut unpacker, row).unwrap();
        assert_eq!(first.as_ptr(), row[4..].as_ptr(), "it is no copy");
        assert_eq!(first, "ab");
        for expected in ["", "c"] {
            assert_eq!(next(&mut unpacker, b"not asked for").unwrap(), expected);
        }
        assert!(unpacker.next(|| Ok(None)).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_ends_its_queue_message_and_no_other() {
        let mut unpacker = Unpacker::new(None);
        for wrong in
            [&b""[..], b"abc", b"\0\0\0\x02a", b"\x80\0\0\0 too short", b"\xff\xff\xff\xff"]
        {
            assert_eq!(next(&mut unpacker, wrong).unwrap_err().kind(), ErrorKind::Malformed);
            assert!(unpacker.goes_on());
            assert_eq!(next(&mut unpacker, b"\0\0\0\x01x").unwrap(), "x");
        }
        let failed = unpacker.next(|| Err(io::ErrorKind::BrokenPipe.into())).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::BrokenPipe);
        assert!(!unpacker.goes_on());
    }

    #[test]
    fn a_file_is_refused_where_none_was_expected() {
        let mut unpacker = Unpacker::new(None);
        let row = b"\x80\0\0\x050123456789abcdef\0\0\0\x01x";
        assert_eq!(next(&mut unpacker, row).unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(next(&mut unpacker, b"not asked for").unwrap(), "x");
    }
}
