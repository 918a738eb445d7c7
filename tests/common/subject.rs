//! What the suite has to know of a transport.

use async_trait::async_trait;
use framewire::{Profile, Result};
use tokio::{
    io::AsyncWrite,
    process::{Child, Command},
};

use super::End;

/// The bytes of a peer that frames them itself, or does not.
pub(crate) type Bare = Box<dyn AsyncWrite + Send + Unpin>;

/// What "a message" means where nothing else is said, in bytes.
pub(crate) const LEN: usize = 1000;

/// A transport under test. Each call makes a channel of its own.
#[async_trait]
pub(crate) trait Subject: Send + Sync + 'static {
    /// What it promises.
    fn profile(&self) -> &'static Profile;

    /// Two ends of one channel, each with its limit. The first sends and the second receives,
    /// whatever else they can do.
    async fn open_with(&self, near: usize, far: usize) -> Result<(End, End)>;

    /// The bare bytes of a peer, and the end that they come to; only of byte streams.
    async fn bare(&self, max_len: usize) -> Result<(Bare, End)>;

    /// Starts a process whose role is played with the peer of the end that is returned.
    async fn process(&self, command: Command) -> Result<(Child, End)>;

    /// Names that are there though nobody should have one by now.
    fn left(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether an end that nobody announced is an error, even between two messages.
    fn tells_of_death(&self) -> bool {
        false
    }

    /// Whether the far end sends as well.
    fn both_ways(&self) -> bool {
        self.profile().duplex
    }

    /// How many messages of [`LEN`] bytes lie between two processes, at least.
    fn fit(&self) -> u64 {
        50
    }

    /// Two ends of one channel with the default limits.
    async fn open(&self) -> Result<(End, End)> {
        let usual = self.max_len();
        self.open_with(usual, usual).await
    }

    /// The largest message where nothing was said about it.
    fn max_len(&self) -> usize {
        self.profile().max_len.by_default()
    }
}
