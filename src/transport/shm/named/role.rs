//! Who plays which part in a file, and whether that is still so.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use super::layout::{HOLDERS, Layout};
use crate::{
    shared::{Memory, Region, Word},
    sync::Ordering,
    sys::{self, Entry},
    wait::BellWord,
};

/// A part that one at a time plays, in all processes. To have it is to have the lock on its byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The producer of the one ring.
    Sender = 1,
    /// Its consumer.
    Receiver = 2,
}

/// The same of a file with a ring each way: the one of whose making it is, …
pub(super) const SERVER: Role = Role::Sender;
/// … and the one who has found it.
pub(super) const CLIENT: Role = Role::Receiver;

impl Role {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }

    /// What who has it does.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Sender => "sends to",
            Self::Receiver => "receives from",
        }
    }

    /// Whose lock it is to have.
    fn byte(self) -> u16 {
        self as u16
    }

    fn holder(self) -> (Word, Word) {
        HOLDERS[self as usize - 1]
    }
}

/// Whether anybody plays any part in a file, whatever is in it.
pub(super) fn is_played(file: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(sys::is_byte_locked(file, Role::Sender.byte())?
        || sys::is_byte_locked(file, Role::Receiver.byte())?)
}

/// A file of ours that is mapped.
#[derive(Debug)]
pub(super) struct Attached {
    file: OwnedFd,
    rings: Vec<Arc<Region>>,
}

impl Attached {
    /// The file is laid out like that.
    pub(super) fn new(file: OwnedFd, layout: Layout) -> io::Result<Arc<Self>> {
        let map = |nth| Region::share(file.as_fd(), nth, layout.capacity).map(Arc::new);
        let rings = (0..layout.rings).map(map).collect::<io::Result<_>>()?;
        Ok(Arc::new(Self { file, rings }))
    }

    pub(super) fn ring(&self, nth: usize) -> &Arc<Region> {
        &self.rings[nth]
    }

    pub(super) fn bell(&self, nth: usize, word: Word) -> BellWord {
        BellWord::new(&self.rings[nth], word)
    }

    /// The right to play a part, unless somebody else has it.
    pub(super) fn take(self: &Arc<Self>, role: Role) -> io::Result<Option<Hold>> {
        if !sys::try_lock_byte(self.file.as_fd(), role.byte())? {
            return Ok(None);
        }
        let hold = Hold { attached: Arc::clone(self), role };
        hold.tell(std::process::id().into(), sys::we_began().unwrap_or_default());
        Ok(Some(hold))
    }

    /// Whether somebody else plays this part.
    pub(super) fn has(&self, role: Role) -> io::Result<bool> {
        sys::is_byte_locked(self.file.as_fd(), role.byte())
    }

    /// Whether nobody plays any, but for ourselves.
    pub(super) fn is_deserted(&self) -> io::Result<bool> {
        Ok(!is_played(self.file.as_fd())?)
    }

    /// Who says that it does, or did: the number of its process, and when that began.
    pub(super) fn holder(&self, role: Role) -> (u64, u64) {
        let (pid, began) = role.holder();
        // Acquire: partner of the Release in `Hold::tell`. Nothing depends on the two being of one
        // writer: that is found out by looking at the process.
        (self.ring(0).load(pid, Ordering::Acquire), self.ring(0).load(began, Ordering::Acquire))
    }

    /// What the system says of the file.
    pub(super) fn entry(&self) -> io::Result<Entry> {
        Entry::of(&self.file)
    }
}

/// A part that is played by us, until this is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    attached: Arc<Attached>,
    role: Role,
}

impl Hold {
    pub(super) fn attached(&self) -> &Arc<Attached> {
        &self.attached
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Whether the other part is played.
    pub(super) fn has_peer(&self) -> io::Result<bool> {
        self.attached.has(self.role.other())
    }

    fn tell(&self, pid: u64, began: u64) {
        let (pid_word, began_word) = self.role.holder();
        // Release: partner of the Acquire in `Attached::holder`.
        self.attached.ring(0).store(began_word, began, Ordering::Release);
        self.attached.ring(0).store(pid_word, pid, Ordering::Release);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Who has just begun to start a child has lent it our descriptor for a moment: to close it
        // is not enough.
        self.tell(0, 0);
        if let Err(error) = sys::unlock_byte(self.attached.file.as_fd(), self.role.byte()) {
            tracing::error!(%error, "a lock that is ours could not be given up");
        }
    }
}
