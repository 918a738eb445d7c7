//! How long to try again before parking.

use std::time::Duration;

/// How a waiting task spends the time until its message comes.
///
/// The default suits nearly everything: it costs an idle channel nothing, and no more CPU time
/// than parking does where it spins.
///
/// | | tries again | idle cost | round trip between two CPUs |
/// |---|---|---|---|
/// | [`Adaptive`](Self::Adaptive) | up to 50 µs, as long as that pays | none | a few µs |
/// | [`Park`](Self::Park) | never | none | about 50 µs |
/// | [`Spin`](Self::Spin) | for as long as you say | that long, once a wait | a few µs |
///
/// While it tries again, a task gives the runtime a turn between the tries, so that other tasks
/// and the I/O driver go on; at most one task a thread spins.
///
/// # Examples
///
/// ```
/// use framewire::wait::Strategy;
///
/// assert_eq!(Strategy::default(), Strategy::Adaptive);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Tries again for 20 µs, then parks. The bound moves between 0 and 50 µs with how often that
    /// paid lately; after eight fruitless spins in a row it is 0 and is probed at one park in 64.
    /// It is always 0 where one CPU is online or the control group's quota is one CPU or less, and
    /// for a wait that follows one during which the thread served four others or more: such a
    /// thread does not sleep.
    #[default]
    Adaptive,
    /// Parks at once.
    Park,
    /// Tries again for this long, whatever else the thread has to do, then parks: for who owns a
    /// core.
    Spin(Duration),
}
