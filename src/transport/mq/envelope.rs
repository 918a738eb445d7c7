//! The envelope of messages that share a queue message, or lie in a file.
//!
//! A queue message is a row of records. Each begins with four bytes, big-endian: the length of the
//! body in the lower 31 bits. Where the top bit is zero, the body follows. Where it is one, the body
//! lies in a file, and the sixteen bytes that follow are a part of its name.

use bytes::{Buf, Bytes, BytesMut};

use crate::{Error, ErrorKind, Result};

/// How long a record's beginning is, in bytes.
pub(super) const PREFIX: usize = 4;
/// How long a record is whose body lies in a file.
pub(super) const REFERENCE: usize = PREFIX + size_of::<Token>();
/// The largest body that can be told, in bytes.
pub(super) const LONGEST: usize = (SPILLED - 1) as usize;

const SPILLED: u32 = 1 << 31;

/// What tells one file from all others.
pub(super) type Token = [u8; 16];

/// One message of a queue message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A body.
    Here(Bytes),
    /// How long a body is, and which file has it.
    Spilled(usize, Token),
}

/// Takes the first record off a row that is not empty, without a copy.
#[inline]
pub(super) fn take(row: &mut Bytes) -> Result<Record> {
    let Some(prefix) = row.first_chunk::<PREFIX>() else {
        return Err(malformed(format!("{} bytes where a length of 4 begins", row.len())));
    };
    let prefix = u32::from_be_bytes(*prefix);
    let len = (prefix & !SPILLED) as usize;
    row.advance(PREFIX);
    if prefix & SPILLED == 0 {
        if len > row.len() {
            return Err(malformed(format!("a message of {len} bytes in {} bytes", row.len())));
        }
        return Ok(Record::Here(row.split_to(len)));
    }
    let Some(token) = row.first_chunk::<{ size_of::<Token>() }>() else {
        return Err(malformed(format!("{} bytes where a file is named by 16", row.len())));
    };
    let record = Record::Spilled(len, *token);
    row.advance(size_of::<Token>());
    Ok(record)
}

/// A message that is no row of records.
#[cold]
pub(super) fn malformed(cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, cause.into())
        .remedy("choose `mq::Options::packed` or `spill` at both ends, or at neither")
}

/// Appends a body of [`LONGEST`] bytes at most.
#[inline]
pub(super) fn put(row: &mut BytesMut, body: &[u8]) {
    row.extend_from_slice(&(body.len() as u32).to_be_bytes());
    row.extend_from_slice(body);
}

/// Appends the name of a file with a body of [`LONGEST`] bytes at most.
pub(super) fn put_reference(row: &mut BytesMut, len: usize, token: Token) {
    row.extend_from_slice(&(len as u32 | SPILLED).to_be_bytes());
    row.extend_from_slice(&token);
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// All records of a row, and whether it ends as it should.
    fn all(row: &[u8]) -> (Vec<Record>, Option<Error>) {
        let (mut row, mut records) = (Bytes::copy_from_slice(row), Vec::new());
        while !row.is_empty() {
            match take(&mut row) {
                Ok(record) => records.push(record),
                Err(error) => return (records, Some(error)),
            }
        }
        (records, None)
    }

    fn record() -> impl Strategy<Value = Record> {
        prop_oneof![
            vec(any::<u8>(), 0..100).prop_map(|body| Record::Here(body.into())),
            (0..=LONGEST, any::<Token>()).prop_map(|(len, token)| Record::Spilled(len, token)),
        ]
    }

    fn row(records: &[Record]) -> BytesMut {
        let mut row = BytesMut::new();
        for record in records {
            match record {
                Record::Here(body) => put(&mut row, body),
                Record::Spilled(len, token) => put_reference(&mut row, *len, *token),
            }
        }
        row
    }

    proptest! {
        #[test]
        fn what_is_put_is_taken(records in vec(record(), 0..20)) {
            let (taken, error) = all(&row(&records));
            prop_assert!(error.is_none());
            prop_assert_eq!(taken, records);
        }

        #[test]
        fn whatever_comes_is_a_row_or_one_error(bytes in vec(any::<u8>(), 0..300)) {
            let (taken, error) = all(&bytes);
            // What was taken is what is there, and nothing from beyond.
            let whole = row(&taken);
            prop_assert!(bytes.starts_with(&whole));
            match error {
                None => prop_assert_eq!(whole.len(), bytes.len()),
                Some(error) => prop_assert_eq!(error.kind(), ErrorKind::Malformed),
            }
        }

        /// By less than the smallest record, which would be gone whole.
        #[test]
        fn what_is_cut_off_is_an_error(records in vec(record(), 1..5), cut in 1..4_usize) {
            let whole = row(&records);
            let (taken, error) = all(&whole[..whole.len() - cut]);
            prop_assert_eq!(&taken[..], &records[..records.len() - 1]);
            prop_assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Malformed));
        }
    }

    #[test]
    fn lengths_are_big_endian_and_files_have_the_top_bit() {
        let mut bytes = BytesMut::new();
        put(&mut bytes, b"ab");
        put_reference(&mut bytes, 0x0102_0304, [7; 16]);
        assert_eq!(bytes[..10], [0, 0, 0, 2, b'a', b'b', 0x81, 2, 3, 4]);
        assert_eq!(bytes.len(), 6 + REFERENCE);
    }
}
