//! The promise that a peer does not change what it has sent.

#![allow(unsafe_code)]

/// The promise that the peers of a connection do not change what they have sent before it was
/// received.
///
/// Without it all that comes through shared memory is copied before it is looked at, since a peer
/// could change it meanwhile. With it messages are lent where they lie, and large ones received
/// without a copy.
///
/// # Examples
///
/// ```
/// use framewire::shm;
///
/// // SAFETY: both ends are this program, which changes nothing that it has sent.
/// let trust = unsafe { shm::Trust::new() };
/// let options = shm::Options::new().trust(trust);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust(());

impl Trust {
    /// Makes the promise.
    ///
    /// # Examples
    ///
    /// See [`Trust`].
    ///
    /// # Safety
    ///
    /// Every peer that is connected with these options uses this crate, in a version of the same
    /// layout, and has no code that writes to the memory of its connections by other means. A
    /// program that is taken over by an attacker is no such peer: what it changes while we look at
    /// it is undefined behaviour here.
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self(())
    }
}
