//! What a signal carries: siginfo_t as the kernel has it.

#![allow(unsafe_code)]

use std::ffi::c_int;

/// What is known of a signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignalInfo {
    pub(crate) number: c_int,
    /// `si_code`: who made it.
    pub(crate) code: c_int,
    /// These mean something only as the code says.
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) int: i32,
    pub(crate) word: u64,
}

/// What a signal is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalValue {
    Int(i32),
    Word(usize),
}

/// Who sends, as a signal with a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignalSender {
    pid: i32,
    uid: u32,
}

impl SignalSender {
    /// This process, as it is now.
    pub(crate) fn ours() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self { pid, uid: rustix::process::getuid().as_raw() }
    }
}

/// The union that C calls `sigval`: the integer is what the first bytes of the word are, which is
/// its low half on a little-endian machine and its high half on the others.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union RawValue {
    pub(super) int: i32,
    pub(super) word: usize,
}

/// The part of siginfo_t for signals that a process sends, as every Linux lays it out: the word
/// decides whether there is a gap in front.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Sent {
    pid: i32,
    uid: u32,
    pub(super) value: RawValue,
}

/// Its fields in the kernel's order, which is another on MIPS.
#[derive(Clone, Copy)]
#[repr(C)]
struct Fields {
    number: c_int,
    #[cfg(not(any(target_arch = "mips", target_arch = "mips64")))]
    errno: c_int,
    code: c_int,
    #[cfg(any(target_arch = "mips", target_arch = "mips64"))]
    errno: c_int,
    sent: Sent,
}

/// siginfo_t: 128 bytes, whatever is in them.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union RawInfo {
    fields: Fields,
    whole: [usize; 128 / size_of::<usize>()],
}

const _: () = assert!(size_of::<RawInfo>() == size_of::<libc::siginfo_t>());
const _: () = assert!(align_of::<RawInfo>() == align_of::<libc::siginfo_t>());

impl RawInfo {
    pub(crate) const EMPTY: Self = Self { whole: [0; 128 / size_of::<usize>()] };

    /// One that this process sends with a value: sigqueue(3).
    pub(crate) fn queued(number: c_int, value: SignalValue) -> Self {
        Self::queued_by(SignalSender::ours(), number, value)
    }

    pub(super) fn queued_by(sender: SignalSender, number: c_int, value: SignalValue) -> Self {
        // All of the word is written first: what is beside a shorter integer is sent too.
        let mut raw = RawValue { word: 0 };
        match value {
            SignalValue::Int(int) => raw.int = int,
            SignalValue::Word(word) => raw.word = word,
        }
        let sent = Sent { pid: sender.pid, uid: sender.uid, value: raw };
        let mut info = Self::EMPTY;
        info.fields = Fields { number, errno: 0, code: libc::SI_QUEUE, sent };
        info
    }

    fn fields(&self) -> Fields {
        // SAFETY: all bytes of the union are initialised from its making on, by `EMPTY` or by the
        // kernel, and each field is an integer or a union of such, for which every bit pattern is
        // a value.
        unsafe { self.fields }
    }

    /// The value as a word, whoever sent it.
    pub(super) fn word(&self) -> usize {
        // SAFETY: as in `fields`: a word of initialised bytes.
        unsafe { self.fields().sent.value.word }
    }

    pub(crate) fn parsed(&self) -> SignalInfo {
        let Fields { number, code, sent, .. } = self.fields();
        // SAFETY: as in `fields`: four initialised bytes.
        let int = unsafe { sent.value.int };
        let (pid, word) = (sent.pid as u32, self.word() as u64);
        SignalInfo { number, code, pid, uid: sent.uid, int, word }
    }

    /// The bytes of one, as they go through a pipe.
    pub(super) fn bytes(&self) -> [u8; size_of::<Self>()] {
        // SAFETY: as in `fields`: words of initialised bytes.
        let whole = unsafe { self.whole };
        let mut bytes = [0; size_of::<Self>()];
        for (to, from) in bytes.chunks_exact_mut(size_of::<usize>()).zip(whole) {
            to.copy_from_slice(&from.to_ne_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; size_of::<Self>()]) -> Self {
        let mut whole = [0; 128 / size_of::<usize>()];
        for (to, from) in whole.iter_mut().zip(bytes.chunks_exact(size_of::<usize>())) {
            let mut word = [0; size_of::<usize>()];
            word.copy_from_slice(from);
            *to = usize::from_ne_bytes(word);
        }
        Self { whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_parsed() {
        let info = RawInfo::queued(40, SignalValue::Int(-7)).parsed();
        assert_eq!((info.number, info.code, info.int), (40, libc::SI_QUEUE, -7));
        assert_eq!(info.pid, std::process::id());
        assert_eq!(info.uid, rustix::process::getuid().as_raw());
        let word = usize::MAX - 5;
        let raw = RawInfo::queued(40, SignalValue::Word(word));
        assert_eq!(raw.parsed().word, word as u64);
        assert_eq!(RawInfo::from_bytes(&raw.bytes()).parsed(), raw.parsed());
    }

    /// C's accessors see what we have written.
    #[test]
    fn the_layout_is_the_c_librarys() {
        let raw = RawInfo::queued(40, SignalValue::Int(5));
        // SAFETY: both are 128 bytes of plain data, of the same alignment (checked above).
        let theirs: libc::siginfo_t = unsafe { std::mem::transmute(raw) };
        assert_eq!((theirs.si_signo, theirs.si_code), (40, libc::SI_QUEUE));
        // SAFETY: a signal with this code has these fields.
        assert_eq!(unsafe { theirs.si_pid() } as u32, std::process::id());
        // SAFETY: as above.
        let value = unsafe { theirs.si_value() };
        assert_eq!(value.sival_ptr as usize, raw.word());
        let int = if cfg!(target_endian = "little") { 5 } else { 5 << (usize::BITS - 32) };
        assert_eq!(raw.word(), int);
    }
}
