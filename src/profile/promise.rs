//! A mechanism's promises.

use super::{Boundary, Built, MaxLen, Reach, Survives, Writers, rows, table};

/// What one mechanism promises at its default options.
///
/// # Examples
///
/// Everything of this version that goes both ways:
///
/// ```
/// use framewire::{Profile, profile::Built};
///
/// let both_ways: Vec<_> = Profile::all()
///     .iter()
///     .filter(|row| row.duplex && row.built == Built::Yes)
///     .map(|row| row.scheme)
///     .collect();
/// # #[cfg(unix)]
/// assert!(both_ways.contains(&"unix"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// What stands before `://`, and for what has no address (`pipe`) the module's name.
    pub scheme: &'static str,
    /// An address of each form, which parse; empty for what has no address.
    pub addresses: &'static [&'static str],
    /// What can be done with it: `listen`, `connect`, `receiver`, `sender`, `pair`, `spawn`.
    pub verbs: &'static [&'static str],
    /// Whether one connection carries messages both ways.
    pub duplex: bool,
    /// Who gets a message.
    pub reach: Reach,
    /// How many may write at a time.
    pub writers: Writers,
    /// How a message that was accepted for sending can fail to arrive, repeat or change its place
    /// while both processes live and read; `None`: it cannot.
    pub loss: Option<&'static str>,
    /// Whether a receiver learns that its sender has ended: closed, dropped, or was killed. Where
    /// not, a stream of messages has no end.
    pub tells_end: bool,
    /// The largest message in bytes, and who sets that limit.
    pub max_len: MaxLen,
    /// What an accepted message outlives before it is received.
    pub survives: Survives,
    /// Who keeps one message apart from the next.
    pub boundary: Boundary,
    /// Whether this version has it, on the platform it was compiled for.
    pub built: Built,
}

impl Profile {
    /// Every mechanism's, in the order of the README's table.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::Profile;
    ///
    /// assert!(Profile::all().iter().any(|row| row.scheme == "shm+broadcast"));
    /// ```
    pub fn all() -> &'static [Self] {
        &rows::ALL
    }

    /// The mechanism of this scheme, or module name for what has no address.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::Profile;
    ///
    /// assert!(Profile::of("pipe").is_some_and(|pipe| pipe.addresses.is_empty()));
    /// assert!(Profile::of("carrier-pigeon").is_none());
    /// ```
    pub fn of(scheme: &str) -> Option<&'static Self> {
        rows::ALL.iter().find(|row| row.scheme == scheme)
    }

    /// All of them as a Markdown table, ending in a newline.
    ///
    /// # Examples
    ///
    /// ```
    /// let table = framewire::Profile::table();
    /// assert!(table.starts_with("| mechanism |"));
    /// assert!(table.contains("| `mq` | `mq:///jobs` |"));
    /// ```
    ///
    /// # Platform
    ///
    /// The last column speaks of the platform that the crate was compiled for.
    pub fn table() -> String {
        table::markdown(Self::all())
    }
}
