//! What the file of a name begins with.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use crate::{
    shared::{Region, Word},
    sys,
};

/// In front of every file of ours, and the version of what follows.
const MAGIC: u64 = u64::from_le_bytes(*b"framewr\x01");

/// Rung when there is something for the consumer of the ring.
pub(super) const DATA_BELL: Word = Word(640);
/// Rung when there is something for its producer.
pub(super) const SPACE_BELL: Word = Word(768);
/// Who has a role: the number of the process, and when it began. Written by who has its lock.
pub(super) const HOLDERS: [(Word, Word); 2] = [(Word(896), Word(904)), (Word(1024), Word(1032))];
/// Whether a client has taken it. Written by that client.
pub(super) const TAKEN: Word = Word(1152);
/// Rung when it was taken.
pub(super) const LISTENER_BELL: Word = Word(1280);

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// How many rings: one, or one each way.
    pub(super) rings: usize,
    /// How many bytes each has.
    pub(super) capacity: usize,
}

impl Layout {
    /// Makes a file of it out of an empty one, with the memory for all of it.
    pub(super) fn write(self, file: BorrowedFd<'_>) -> io::Result<()> {
        sys::take_memory(file, self.len())?;
        let words = [MAGIC, self.rings as u64, self.capacity as u64];
        sys::write_at(file, &words.map(u64::to_ne_bytes).concat(), 0)
    }

    /// What a file says, if it is one of ours and as long as it says: a shorter one would be a
    /// SIGBUS to touch.
    pub(super) fn read(file: impl AsFd, rings: usize) -> io::Result<Option<Self>> {
        let file = file.as_fd();
        let mut bytes = [0; 24];
        if sys::read_start(file, &mut bytes)? < bytes.len() {
            return Ok(None);
        }
        let word = |n: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[8 * n..8 * n + 8]);
            u64::from_ne_bytes(word)
        };
        let Ok(capacity) = usize::try_from(word(2)) else { return Ok(None) };
        let layout = Self { rings, capacity };
        let is_ours = word(0) == MAGIC
            && word(1) == rings as u64
            && Region::is_capacity(capacity)
            && sys::file_len(file)? == layout.len() as u64;
        Ok(is_ours.then_some(layout))
    }

    fn len(self) -> usize {
        self.rings * Region::file_len(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn only_what_is_whole_is_one_of_ours() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        let open = || {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false).open(&path).unwrap()
        };
        let file = open();
        assert_eq!(Layout::read(&file, 1).unwrap(), None);
        let layout = Layout { rings: 1, capacity: 64 << 10 };
        layout.write(file.as_fd()).unwrap();
        assert_eq!(Layout::read(&file, 1).unwrap(), Some(layout));
        assert_eq!(Layout::read(&file, 2).unwrap(), None);
        file.set_len(layout.len() as u64 - 1).unwrap();
        assert_eq!(Layout::read(&file, 1).unwrap(), None);
        file.set_len(10).unwrap();
        assert_eq!(Layout::read(&file, 1).unwrap(), None);
    }
}
