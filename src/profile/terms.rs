//! The terms in which a profile speaks.

use std::fmt;

/// Who gets a message.
///
/// # Examples
///
/// ```
/// use framewire::{Profile, profile::Reach};
///
/// assert_eq!(Profile::of("tcp").map(|tcp| tcp.reach), Some(Reach::Peer));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// The one at the other end: there is never a second one.
    Peer,
    /// One of those who read, whoever is first: readers share the work.
    OneReader,
    /// Everyone who reads.
    EveryReader,
}

/// How many may write at a time.
///
/// # Examples
///
/// ```
/// use framewire::{Profile, profile::Writers};
///
/// assert_eq!(Profile::of("mq").map(|mq| mq.writers), Some(Writers::Many));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Writers {
    /// One: of a connection, of a name, or of a direction.
    One,
    /// Any number, whole messages each.
    Many,
}

/// The largest message, and who sets that limit. One byte more is refused as
/// [`TooLarge`](crate::ErrorKind::TooLarge) before anything is allocated or sent.
///
/// # Examples
///
/// ```
/// use framewire::{Profile, profile::MaxLen};
///
/// assert_eq!(
///     Profile::of("tcp").map(|tcp| tcp.max_len),
///     Some(MaxLen::Configured { default: 8 * 1024 * 1024 })
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaxLen {
    /// The options of each end set it: a sender refuses what is larger than its own limit, a
    /// receiver what is larger than its own.
    Configured {
        /// In bytes, where nothing was set.
        default: usize,
    },
    /// The system sets it, and an open channel knows it.
    System {
        /// In bytes, on a Linux system at its defaults.
        usual: usize,
    },
    /// The mechanism sets it, in bytes: it is the same everywhere.
    Fixed(usize),
}

impl MaxLen {
    /// The limit in bytes where nobody changed a default.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::profile::MaxLen;
    ///
    /// assert_eq!(MaxLen::System { usual: 8192 }.by_default(), 8192);
    /// ```
    pub const fn by_default(self) -> usize {
        match self {
            Self::Configured { default: len } | Self::System { usual: len } | Self::Fixed(len) => {
                len
            }
        }
    }
}

/// What a message outlives that was accepted for sending and not received yet.
///
/// # Examples
///
/// ```
/// use framewire::{Profile, profile::Survives};
///
/// assert_eq!(Profile::of("file").map(|file| file.survives), Some(Survives::Reboot));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Survives {
    /// At most its sender: it is gone with the channel, as soon as no process holds that.
    Nothing,
    /// Every process: it is kept while the system runs, or until somebody removes the name.
    Process,
    /// The system: it is on a disk. Options say when it is there.
    Reboot,
}

/// Who keeps one message apart from the next.
///
/// # Examples
///
/// ```
/// use framewire::{Profile, profile::Boundary};
///
/// assert_eq!(Profile::of("unix").map(|unix| unix.boundary), Some(Boundary::LengthPrefix));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Boundary {
    /// A byte stream: four bytes of length, big-endian, in front of each body, and nothing else.
    LengthPrefix,
    /// The kernel: one call, one message, no byte of ours.
    Kernel,
    /// A record of ours, in shared memory or in a file.
    Record,
    /// The protocol spoken over it: gRPC's messages in HTTP/2.
    Protocol,
}

/// Whether this version has a mechanism, on the platform it was compiled for.
///
/// # Examples
///
/// ```
/// use framewire::{Profile, profile::Built};
///
/// for row in Profile::all() {
///     match row.built {
///         Built::Yes => println!("{}", row.scheme),
///         why_not => println!("{}: {why_not}", row.scheme),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Built {
    /// It is there.
    Yes,
    /// Its address parses; its verbs are still to be written.
    NotYet,
    /// It is there, on these platforms only, and this is none of them.
    Elsewhere(&'static str),
    /// It is there where a cargo feature is on.
    Feature {
        /// The feature's name.
        name: &'static str,
        /// Whether it is on in this build.
        on: bool,
    },
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peer => "the peer",
            Self::OneReader => "one reader",
            Self::EveryReader => "every reader",
        })
    }
}

impl fmt::Display for Writers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "one",
            Self::Many => "many",
        })
    }
}

impl fmt::Display for MaxLen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by_default() {
            0 => f.write_str("empty")?,
            len if len % (1 << 20) == 0 => write!(f, "{} MiB", len >> 20)?,
            len if len % (1 << 10) == 0 => write!(f, "{} KiB", len >> 10)?,
            len => write!(f, "{len} B")?,
        }
        f.write_str(match self {
            Self::Configured { .. } => " (option)",
            Self::System { .. } => " (system)",
            Self::Fixed(_) => "",
        })
    }
}

impl fmt::Display for Survives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Process => "every process",
            Self::Reboot => "a reboot",
        })
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LengthPrefix => "length prefix",
            Self::Kernel => "the kernel's",
            Self::Record => "record",
            Self::Protocol => "protocol's",
        })
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("yes"),
            Self::NotYet => f.write_str("not yet"),
            Self::Elsewhere(platforms) => write!(f, "on {platforms} only"),
            Self::Feature { name, .. } => write!(f, "feature `{name}`"),
        }
    }
}
