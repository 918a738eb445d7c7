//! Who may be at the other end.

use std::collections::BTreeSet;

use crate::{Error, ErrorKind, Peer, Result};

/// Who may be at the other end of a connection, by the user that the kernel says it is.
///
/// It is applied before the first message: a listener closes such a connection and goes on, a
/// connect fails. Listeners on abstract names, which have no permissions, and all who connect to
/// one allow [`same_user`](Self::same_user) unless told otherwise; for paths the socket's own mode
/// (0600) does the same, and the default is [`anyone`](Self::anyone).
///
/// # Examples
///
/// ```
/// use framewire::unix::{self, Allow};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> framewire::Result<()> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("e.sock");
/// let listener = unix::Options::new().allow(Allow::uids([0, 1000])).listen(path).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow(Who);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Anyone,
    Uids(BTreeSet<u32>),
}

impl Allow {
    /// Whoever gets through.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::Options::new().allow(framewire::unix::Allow::anyone());
    /// ```
    pub fn anyone() -> Self {
        Self(Who::Anyone)
    }

    /// Processes of our own effective user, and root's.
    ///
    /// # Examples
    ///
    /// ```
    /// let options = framewire::unix::Options::new().allow(framewire::unix::Allow::same_user());
    /// ```
    pub fn same_user() -> Self {
        Self::uids([0, rustix::process::geteuid().as_raw()])
    }

    /// Processes of these users, and of nobody else, root included.
    ///
    /// # Examples
    ///
    /// See [`Allow`].
    pub fn uids(uids: impl IntoIterator<Item = u32>) -> Self {
        Self(Who::Uids(uids.into_iter().collect()))
    }

    pub(super) fn check(&self, peer: &Peer) -> Result<()> {
        let Who::Uids(uids) = &self.0 else { return Ok(()) };
        let uid = peer.uid();
        if uid.is_some_and(|uid| uids.contains(&uid)) {
            return Ok(());
        }
        let who = uid.map_or("of an unknown user".into(), |uid| format!("of user {uid}"));
        let pid = peer.pid().map_or(String::new(), |pid| format!(", process {pid},"));
        Err(Error::new(ErrorKind::Denied, format!("the peer{pid} is {who}, allowed: {uids:?}"))
            .remedy("allow its user with `unix::Options::allow`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_users_on_the_list_get_through() {
        let peer = |uid| Peer { uid, ..Peer::default() };
        assert!(Allow::anyone().check(&peer(None)).is_ok());
        assert!(Allow::uids([7]).check(&peer(Some(7))).is_ok());
        for stranger in [Some(0), Some(8), None] {
            let refused = Allow::uids([7]).check(&peer(stranger)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Denied);
        }
        assert!(Allow::same_user().check(&peer(Some(0))).is_ok());
    }
}
