//! Whose signals count.

use std::collections::BTreeSet;

use super::received;
use crate::sys::SignalInfo;

/// Whose signals count; those of others are dropped, and counted.
///
/// The kernel lets root and processes of our own user send to us, and nobody else. Among these a
/// policy keeps out mistakes, such as a `kill` by hand, and not forgers: see
/// [`Received`](super::Received).
///
/// # Examples
///
/// ```
/// use framewire::signal::{Options, Policy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// let ours_alone = Policy::anyone().pid(std::process::id());
/// let jobs = Options::new().policy(ours_alone).queued("RTMIN+5").await?;
/// assert_eq!(jobs.denied(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    uids: Option<BTreeSet<u32>>,
    pids: Option<BTreeSet<u32>>,
}

impl Policy {
    /// Whoever may send, the kernel itself included.
    ///
    /// # Examples
    ///
    /// See [`Policy`].
    pub fn anyone() -> Self {
        Self::default()
    }

    /// Processes of this user, and of others that are named like this: of its real user, as
    /// getuid(2) has it.
    ///
    /// # Examples
    ///
    /// ```
    /// use framewire::signal::Policy;
    ///
    /// let root_or_1000 = Policy::anyone().uid(0).uid(1000);
    /// ```
    pub fn uid(mut self, uid: u32) -> Self {
        self.uids.get_or_insert_default().insert(uid);
        self
    }

    /// This process, and others that are named like this. Where users are named as well, a signal
    /// has to be of both.
    ///
    /// # Examples
    ///
    /// See [`Policy`].
    pub fn pid(mut self, pid: u32) -> Self {
        self.pids.get_or_insert_default().insert(pid);
        self
    }

    #[inline]
    pub(super) fn allows(&self, info: &SignalInfo) -> bool {
        let listed = |list: &Option<BTreeSet<u32>>, who: fn(&SignalInfo) -> Option<u32>| match list
        {
            Some(list) => who(info).is_some_and(|who| list.contains(&who)),
            None => true,
        };
        listed(&self.uids, received::uid) && listed(&self.pids, received::pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pid: u32, uid: u32) -> SignalInfo {
        SignalInfo { number: 40, code: libc::SI_QUEUE, pid, uid, int: 0, word: 0 }
    }

    #[test]
    fn only_those_on_the_lists_count() {
        assert!(Policy::anyone().allows(&from(5, 6)));
        let both = Policy::anyone().uid(6).uid(7).pid(5);
        assert!(both.allows(&from(5, 6)) && both.allows(&from(5, 7)));
        assert!(!both.allows(&from(5, 8)) && !both.allows(&from(4, 6)));
    }

    #[test]
    fn what_nobody_has_sent_is_on_no_list() {
        let root = Policy::anyone().uid(0);
        assert!(root.allows(&from(5, 0)));
        assert!(!root.allows(&SignalInfo { code: libc::SI_USER, ..from(0, 0) }));
        assert!(!root.allows(&SignalInfo { code: libc::SI_TIMER, ..from(5, 0) }));
        assert!(Policy::anyone().allows(&SignalInfo { code: libc::SI_TIMER, ..from(5, 0) }));
    }
}
