//! Other processes: this program again, with a role to play.
//!
//! Each test program has a test `role` that calls [`play`]: it passes at once in a process that
//! was given no role.

use std::{
    env,
    process::{Command, Stdio},
};

use framewire::{BoxReceiver, Endpoint, Result};
use futures::stream;
use tokio::runtime::Builder;

use super::{End, conformance};

const ROLE: &str = "FRAMEWIRE_TEST_ROLE";
/// Where the peer of a role listens; without it, the role talks over inherited pipes.
pub(crate) const ENDPOINT: &str = "FRAMEWIRE_TEST_ENDPOINT";
/// Set where that is to be sent to, though it could be connected to as well.
pub(crate) const ONE_WAY: &str = "FRAMEWIRE_TEST_ONE_WAY";
/// What else a role needs to know.
pub(crate) const WORD: &str = "FRAMEWIRE_TEST_WORD";

/// This program, to be started in a role. What it prints goes where ours goes.
pub(crate) fn command(role: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("our own path"));
    command
        .args(["--exact", "role", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::null());
    command
}

/// Starts this program in a role of its own and fails if it fails.
#[track_caller]
pub(crate) fn must_pass(role: &str) {
    let output = command(role).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{role}: {}\n{said}\n{complained}", output.status);
}

/// Plays the role that this process was started in, if it was: one of `own`, or of the suite's.
pub(crate) fn play(own: &[(&str, fn())]) {
    let Ok(role) = env::var(ROLE) else { return };
    let roles = own.iter().chain(conformance::ROLES);
    let (_, play) = roles.into_iter().find(|(name, _)| *name == role).expect("a known role");
    play();
}

/// Runs what a role does, on one thread.
pub(crate) fn block_on<T>(part: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(part)
}

/// The word that this role was given.
pub(crate) fn word() -> String {
    env::var(WORD).expect("a word")
}

/// The largest message that can be sent to whoever started this process.
pub(crate) fn max_len() -> usize {
    let endpoint = env::var(ENDPOINT).ok().and_then(|endpoint| endpoint.parse::<Endpoint>().ok());
    endpoint.map_or(usize::MAX, |endpoint| endpoint.profile().max_len.by_default())
}

/// Connects to whoever started this process.
pub(crate) async fn peer() -> Result<End> {
    if let Ok(endpoint) = env::var(ENDPOINT) {
        let endpoint: Endpoint = endpoint.parse()?;
        if endpoint.profile().duplex && env::var_os(ONE_WAY).is_none() {
            return Ok(endpoint.connect().await?.into());
        }
        let nothing_comes: BoxReceiver = Box::pin(stream::pending());
        return Ok((endpoint.sender().await?, nothing_comes).into());
    }
    #[cfg(unix)]
    return Ok(End::Both(Box::pin(framewire::pipe::inherited()?)));
    #[cfg(not(unix))]
    panic!("{ENDPOINT} is not set");
}
