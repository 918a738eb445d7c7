//! Messages that are written where they are read.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::{Channel, Connection};
use crate::{Error, ErrorKind, Result, message::TrySend};

/// Room for one message in the memory that the peer reads from, as a slice to be written:
/// [`commit`](Self::commit) makes a message of it, without a copy of any byte. Dropped, it was
/// nothing.
///
/// What is there at first is whatever was there, perhaps bytes of earlier messages: all of it is to
/// be written. The peer's program has that memory mapped and could look at any time, also at what is
/// never committed; nobody but us can change it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// use framewire::shm;
/// use futures::{SinkExt, StreamExt};
///
/// let (mut ours, mut theirs) = shm::pair()?;
/// let mut loan = ours.loan(100_000).await?;
/// for (i, byte) in loan.iter_mut().enumerate() {
///     *byte = i as u8;
/// }
/// loan.commit();
/// ours.flush().await?;
///
/// let message = theirs.next().await.transpose()?.expect("it was committed");
/// assert_eq!((message.len(), message[300]), (100_000, 44));
/// # Ok(())
/// # }
/// ```
#[must_use = "it is nothing until it is committed"]
pub struct Loan<'a> {
    channel: &'a mut Channel,
    len: usize,
}

impl Loan<'_> {
    /// Makes a message of it, behind all that was sent before. As one that was fed, it goes with the
    /// next flush or earlier; `send` of another message flushes both.
    ///
    /// # Examples
    ///
    /// See [`Loan`].
    pub fn commit(self) {
        self.channel.commit(self.len);
    }

    /// Gives back what is behind so many bytes: for who learns only while writing how many there
    /// are. With `len` beyond the end it does nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use std::io::Write;
    ///
    /// # let (mut ours, _theirs) = framewire::shm::pair()?;
    /// let mut loan = ours.loan(4096).await?;
    /// let mut rest = &mut loan[..];
    /// write!(rest, "{} bottles", 99)?;
    /// let left = rest.len();
    /// loan.truncate(4096 - left);
    /// assert_eq!(&loan[..], b"99 bottles");
    /// # Ok(())
    /// # }
    /// ```
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.channel.reserved(self.len)
    }
}

impl DerefMut for Loan<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.channel.reserved_mut(self.len)
    }
}

impl fmt::Debug for Loan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Connection {
    /// Waits for room for a message of `len` bytes, to be written in place: at the cost of a small
    /// message, whatever its length. What was accepted before goes first.
    ///
    /// One record is the most that it can be: half of the
    /// [`capacity`](super::Options::capacity) less eight bytes. `send` has no such limit. The two
    /// halves of a connection that was split have no loans.
    ///
    /// # Examples
    ///
    /// See [`Loan`].
    ///
    /// # Errors
    ///
    /// As sending; and [`TooLarge`](ErrorKind::TooLarge), which says which of the two limits it is.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: nothing is kept for who stops waiting, and messages that were accepted before
    /// stay so.
    pub async fn loan(&mut self, len: usize) -> Result<Loan<'_>> {
        self.fits(len)?;
        self.in_turn(|channel| channel.reserve(len)).await?;
        Ok(Loan { channel: self.get_mut(), len })
    }

    /// The same without waiting: `None` where there is no room now, or messages are in front that
    /// there is none for.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> framewire::Result<()> {
    /// use futures::SinkExt;
    ///
    /// let (mut ours, _theirs) = framewire::shm::pair()?;
    /// while let Some(mut loan) = ours.try_loan(100_000)? {
    ///     loan.fill(7);
    ///     loan.commit();
    /// }
    /// ours.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`loan`](Self::loan).
    pub fn try_loan(&mut self, len: usize) -> Result<Option<Loan<'_>>> {
        self.fits(len)?;
        let mut reserved = self.now(|channel| channel.reserve(len))?;
        if reserved.is_none() {
            // Nobody waits who would hear that the peer is gone.
            reserved = self.now(|channel| channel.look().and_then(|()| channel.reserve(len)))?;
        }
        Ok(reserved.map(|()| Loan { channel: self.get_mut(), len }))
    }

    fn fits(&self, len: usize) -> Result<()> {
        let (record, max_len) = (self.get_ref().max_record(), self.get_ref().max_len());
        let (limit, remedy) = if len > max_len {
            let remedy = "send it in parts, or raise `max_len` of the options at both ends";
            (format!("{max_len}"), remedy)
        } else if len > record {
            let remedy = "`send` it, or raise `capacity` of the options at this end";
            (format!("{record}, that of one record"), remedy)
        } else {
            return Ok(());
        };
        let cause = format!("loan of {len} bytes, limit {limit}");
        Err(self.refused(Error::new(ErrorKind::TooLarge, cause).remedy(remedy)))
    }
}
