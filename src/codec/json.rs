//! Values as JSON.

use std::{fmt, marker::PhantomData};

use bytes::{BufMut, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Error, ErrorKind, Result};

/// One JSON document a message: receives `In`, sends `Out`.
///
/// The message's boundary is the document's: there is no delimiter, and pretty-printed documents
/// are as good as others. White space around the document is allowed, a second one is not.
/// Documents nest up to 128 levels deep, as `serde_json` has it.
///
/// It is made for [`Typed`](super::Typed), where messages have boundaries. In a `Framed` over
/// bytes it finds none before the end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::{codec::{Json, Typed}, frame::Frames};
/// use futures::{SinkExt, StreamExt};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Job {
///     id: u64,
/// }
///
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let mut ours = Typed::new(Frames::new(ours), Json::<Job>::new());
/// let mut theirs = Frames::new(theirs);
///
/// ours.send(Job { id: 7 }).await?;
/// assert_eq!(theirs.next().await.transpose()?.as_deref(), Some(&br#"{"id":7}"#[..]));
/// theirs.send(r#"{ "id": 8 }"#.into()).await?;
/// assert_eq!(ours.next().await.transpose()?, Some(Job { id: 8 }));
/// # Ok(())
/// # }
/// ```
pub struct Json<In, Out = In>(PhantomData<fn(Out) -> In>);

impl<In, Out> Json<In, Out> {
    /// The codec; it has no options.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::codec::Json;
    ///
    /// let both_ways = Json::<String>::new();
    /// let server = Json::<String, Vec<u64>>::new(); // strings in, lists out
    /// ```
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<In: DeserializeOwned, Out> Decoder for Json<In, Out> {
    type Item = In;
    type Error = Error;

    /// Nothing: a document ends where its message does.
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<In>> {
        Ok(None)
    }

    fn decode_eof(&mut self, message: &mut BytesMut) -> Result<Option<In>> {
        let value = serde_json::from_slice(message)
            .map_err(|cause| Error::new(ErrorKind::Malformed, cause))?;
        message.clear();
        Ok(Some(value))
    }
}

impl<In, Out: Serialize> Encoder<Out> for Json<In, Out> {
    type Error = Error;

    fn encode(&mut self, value: Out, message: &mut BytesMut) -> Result<()> {
        serde_json::to_writer(message.writer(), &value)
            .map_err(|cause| Error::new(ErrorKind::Malformed, cause))
    }
}

// Derived, these would ask the same of the values.
impl<In, Out> Clone for Json<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Json<In, Out> {}

impl<In, Out> Default for Json<In, Out> {
    fn default() -> Self {
        Self::new()
    }
}

impl<In, Out> fmt::Debug for Json<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}
