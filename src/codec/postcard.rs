//! Values in postcard's compact binary form.

use std::{fmt, marker::PhantomData};

use bytes::{Buf, BufMut, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Error, ErrorKind, Result};

/// One value a message in postcard's form: receives `In`, sends `Out`.
///
/// The form does not describe itself: both ends must agree on the type, to the order of its fields
/// and variants. A value without content, such as `()`, is an empty message.
///
/// It is made for [`Typed`](super::Typed), where messages have boundaries. In a `Framed` over
/// bytes it finds none before the end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::{codec::{Postcard, Typed}, frame::Frames};
/// use futures::{SinkExt, StreamExt};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// enum Command {
///     Seek { to: u64 },
///     Stop,
/// }
///
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let mut ours = Typed::new(Frames::new(ours), Postcard::<Command>::new());
/// let mut theirs = Typed::new(Frames::new(theirs), Postcard::<Command>::new());
///
/// ours.send(Command::Seek { to: 7 }).await?;
/// assert_eq!(theirs.next().await.transpose()?, Some(Command::Seek { to: 7 }));
/// theirs.send(Command::Stop).await?;
/// assert_eq!(ours.next().await.transpose()?, Some(Command::Stop));
/// # Ok(())
/// # }
/// ```
pub struct Postcard<In, Out = In>(PhantomData<fn(Out) -> In>);

impl<In, Out> Postcard<In, Out> {
    /// The codec; it has no options.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::codec::Postcard;
    ///
    /// let both_ways = Postcard::<String>::new();
    /// let server = Postcard::<String, Vec<u64>>::new(); // strings in, lists out
    /// ```
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<In: DeserializeOwned, Out> Decoder for Postcard<In, Out> {
    type Item = In;
    type Error = Error;

    /// Nothing: a value ends where its message does.
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<In>> {
        Ok(None)
    }

    fn decode_eof(&mut self, message: &mut BytesMut) -> Result<Option<In>> {
        let (value, rest) = postcard::take_from_bytes(message)
            .map_err(|cause| Error::new(ErrorKind::Malformed, cause))?;
        let used = message.len() - rest.len();
        message.advance(used);
        Ok(Some(value))
    }
}

impl<In, Out: Serialize> Encoder<Out> for Postcard<In, Out> {
    type Error = Error;

    fn encode(&mut self, value: Out, message: &mut BytesMut) -> Result<()> {
        postcard::to_io(&value, message.writer())
            .map_err(|cause| Error::new(ErrorKind::Malformed, cause))?;
        Ok(())
    }
}

// Derived, these would ask the same of the values.
impl<In, Out> Clone for Postcard<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Postcard<In, Out> {}

impl<In, Out> Default for Postcard<In, Out> {
    fn default() -> Self {
        Self::new()
    }
}

impl<In, Out> fmt::Debug for Postcard<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Postcard")
    }
}
