//! A signal that came, and who sent it.

use bytes::Bytes;

use super::{Value, number::name_of};
use crate::sys::SignalInfo;

/// A signal that came, with what the kernel tells of it: siginfo_t.
///
/// Who sent it is believed only where a process did, by kill(2), tgkill(2) or sigqueue(3), and a
/// value only where sigqueue(3) did. What kill(2) has sent is described by the kernel. What
/// sigqueue(3) has sent is described by the sender: a process that may send to this one at all (our
/// user's or root's) can write any pid and any uid there.
///
/// # Examples
///
/// See [`queued`](super::queued).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    info: SignalInfo,
    wide: bool,
}

impl Received {
    pub(super) fn new(info: SignalInfo, wide: bool) -> Self {
        Self { info, wide }
    }

    /// The signal by its name, such as `RTMIN+3`.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn name(&self) -> String {
        name_of(self.info.number)
    }

    /// The signal by its number on this system.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn number(&self) -> i32 {
        self.info.number
    }

    /// The value as an integer, `sival_int`; `None` where it was not sent with one.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn int(&self) -> Option<i32> {
        has_value(&self.info).then_some(self.info.int)
    }

    /// The value as a word, `sival_ptr`; `None` where it was not sent with one. Of one that was
    /// sent as an integer the rest may be anything.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn word(&self) -> Option<u64> {
        has_value(&self.info).then_some(self.info.word)
    }

    /// The process that sent it, as it says; `None` where the kernel did, or one that has no number
    /// here.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn pid(&self) -> Option<u32> {
        pid(&self.info)
    }

    /// Its real user, as it says; `None` where the kernel sent it, and where nothing is known: a
    /// signal without a value that found the queue full comes as if from process 0 of user 0.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn uid(&self) -> Option<u32> {
        uid(&self.info)
    }

    /// The value as a message: the integer as 4 bytes, or with
    /// [`Options::wide`](super::Options::wide) the word as 8, big-endian; empty without a value.
    ///
    /// # Examples
    ///
    /// See [`queued`](super::queued).
    pub fn body(&self) -> Bytes {
        let value = match (self.int(), self.word()) {
            (Some(_), Some(word)) if self.wide => Value::Word(word),
            (Some(int), _) => Value::Int(int),
            _ => Value::Plain,
        };
        value.body()
    }
}

/// Whether a process has sent it, by a call that says who.
fn is_sent(info: &SignalInfo) -> bool {
    matches!(info.code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL)
}

fn has_value(info: &SignalInfo) -> bool {
    info.code == libc::SI_QUEUE
}

pub(super) fn pid(info: &SignalInfo) -> Option<u32> {
    (is_sent(info) && info.pid != 0).then_some(info.pid)
}

pub(super) fn uid(info: &SignalInfo) -> Option<u32> {
    (is_sent(info) && (info.pid, info.uid) != (0, 0)).then_some(info.uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(code: i32, pid: u32, uid: u32) -> Received {
        let info = SignalInfo { number: 40, code, pid, uid, int: 7, word: 1 << 32 | 7 };
        Received::new(info, false)
    }

    #[test]
    fn only_what_a_process_sends_has_a_sender() {
        for code in [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL] {
            assert_eq!((came(code, 5, 6).pid(), came(code, 5, 6).uid()), (Some(5), Some(6)));
        }
        // A timer of ours, a message queue, input, the kernel, a child that ended.
        for code in [libc::SI_TIMER, libc::SI_MESGQ, libc::SI_SIGIO, 0x80, libc::CLD_EXITED] {
            let came = came(code, 5, 6);
            assert_eq!((came.pid(), came.uid(), came.int(), came.word()), (None, None, None, None));
            assert!(came.body().is_empty());
        }
    }

    #[test]
    fn only_what_is_queued_has_a_value() {
        assert_eq!(came(libc::SI_QUEUE, 5, 6).int(), Some(7));
        assert_eq!(came(libc::SI_QUEUE, 5, 6).word(), Some(1 << 32 | 7));
        assert_eq!(came(libc::SI_QUEUE, 5, 6).body(), [0, 0, 0, 7][..]);
        assert_eq!(came(libc::SI_USER, 5, 6).int(), None);
        assert_eq!(came(libc::SI_TKILL, 5, 6).word(), None);
    }

    /// What the kernel makes of a signal that it had no room to describe is not root's.
    #[test]
    fn nobody_is_not_root() {
        assert_eq!(came(libc::SI_USER, 0, 0).uid(), None);
        assert_eq!(came(libc::SI_QUEUE, 0, 0).uid(), None);
        // From another namespace of processes.
        assert_eq!(
            (came(libc::SI_USER, 0, 6).pid(), came(libc::SI_USER, 0, 6).uid()),
            (None, Some(6))
        );
        assert_eq!(came(libc::SI_USER, 9, 0).uid(), Some(0));
    }
}
