//! Bodies that are larger than a queue carries: each lies in a file of memory.

use std::{
    ffi::OsString,
    fs,
    hash::{BuildHasher, RandomState},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};

use super::envelope::{LONGEST, Token};
use crate::{
    Error, ErrorKind, Result,
    names::{Directory, FileKind},
    sys::{self, Entry, SEGMENTS},
};

/// What names of such files begin with.
const PREFIX: &str = "spill.";
/// The longest name of a queue that leaves room for what is put in front of it, in bytes.
const NAME: usize = 255 - PREFIX.len() - 16 - 1 - 32 - 1;

/// Where the bodies of one queue lie.
///
/// A file is called `spill.<queue's inode>.<128 random bits>.<queue's name>`. It is 0600, and in a
/// directory that nobody else can look into: only processes of our user exchange such bodies. It is
/// written whole before it is named to anybody, and removed by who reads it.
#[derive(Clone, Debug)]
pub(super) struct Spill {
    directory: Arc<Directory>,
    /// What is in front of the random part, and what is behind it.
    around: Arc<(String, OsString)>,
    max_len: usize,
}

impl Spill {
    /// For a queue of this name (with or without its slash), and bodies of up to `max_len` bytes.
    pub(super) fn of(queue: BorrowedFd<'_>, name: &str, max_len: usize) -> Result<Self> {
        let name = plain(name);
        if name.len() > NAME {
            let cause = format!("a queue's name of {} bytes, limit {NAME} to spill", name.len());
            return Err(Error::new(ErrorKind::Address, cause).remedy("choose a shorter name"));
        }
        let front = format!("{PREFIX}{:016x}.", Entry::of(queue)?.identity.inode);
        let around = Arc::new((front, format!(".{name}").into()));
        Ok(Self { directory: directory()?.into(), around, max_len: max_len.min(LONGEST) })
    }

    /// The largest body, in bytes.
    #[inline]
    pub(super) fn max_len(&self) -> usize {
        self.max_len
    }

    /// Writes a body to a file of its own.
    pub(super) fn write(&self, body: &[u8]) -> io::Result<Token> {
        let token = random();
        let name = self.name(token);
        let file = sys::create_lock_at(&*self.directory, &name, 0o600)?;
        match sys::write_at(&file, body, 0) {
            Ok(()) => Ok(token),
            Err(cause) => {
                self.remove(token);
                if cause.kind() != io::ErrorKind::StorageFull {
                    return Err(cause);
                }
                let remedy = format!("make room in {SEGMENTS}, or receive sooner");
                Err(Error::new(ErrorKind::Exhausted, cause).remedy(remedy).into())
            }
        }
    }

    /// Reads a body of this length, and removes its file.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Denied`, `Truncated`, `Malformed`, `TooLarge`: what is there is not what was
    /// told, or not for us.
    pub(super) fn read(&self, len: usize, token: Token) -> Result<Bytes> {
        let name = self.name(token);
        let shown = || self.directory.path().join(&name);
        let file = sys::open_to_read_at(self.directory.as_fd(), &name).map_err(|cause| {
            let missing = cause.kind() == io::ErrorKind::NotFound;
            let error = Error::from(cause).doing(format!("open {}", shown().display()));
            if missing { error.remedy("both ends have to be of one user") } else { error }
        })?;
        // Whatever it is, nobody else will come for it.
        self.remove(token);
        let entry = Entry::of(&file)?;
        entry.expect(FileKind::File, &shown())?;
        let found = sys::file_len(file.as_fd())?;
        let told = format!("a body of {len} bytes, and {} has {found}", shown().display());
        if found != len as u64 {
            let short = found < len as u64;
            let kind = if short { ErrorKind::Truncated } else { ErrorKind::Malformed };
            return Err(Error::new(kind, told));
        }
        if len > self.max_len {
            let cause = format!("message of {len} bytes, limit {}: it is lost", self.max_len);
            return Err(Error::new(ErrorKind::TooLarge, cause)
                .remedy("raise the limit of `mq::Options::spill` at this end"));
        }
        let mut body = BytesMut::zeroed(len);
        if sys::read_start(&file, &mut body)? < len {
            return Err(Error::new(ErrorKind::Truncated, told));
        }
        Ok(body.freeze())
    }

    /// Removes a body that nobody will read.
    pub(super) fn remove(&self, token: Token) {
        // Who was to read it may have removed it.
        let _ = sys::remove_at(&*self.directory, &self.name(token));
    }

    /// Removes all bodies of this queue, which nobody will read any more.
    pub(super) fn sweep(&self) {
        let (front, back) = &*self.around;
        let _ = remove_where(&self.directory, |inode, name| {
            front.as_bytes()[PREFIX.len()..].starts_with(inode) && back.as_bytes()[1..] == *name
        });
    }

    fn name(&self, token: Token) -> OsString {
        let (front, back) = &*self.around;
        let mut name = OsString::with_capacity(front.len() + 32 + back.len());
        name.push(front);
        name.push(format!("{:032x}", u128::from_be_bytes(token)));
        name.push(back);
        name
    }
}

/// Removes all bodies that were meant for queues of this name, whichever had it, and says how many
/// there were.
pub(super) fn sweep(name: &str) -> Result<usize> {
    let name = plain(name).as_bytes();
    if !Path::new(SEGMENTS).join(private()).exists() {
        return Ok(0);
    }
    match directory() {
        Ok(directory) => remove_where(&directory, |_, of| of == name),
        // Nobody of our user has put a body where it is refused: the queue alone was there.
        Err(error) if error.kind() == ErrorKind::Denied => Ok(0),
        Err(error) => Err(error),
    }
}

/// Removes the files of bodies whose queue's inode and name are such.
fn remove_where(directory: &Directory, are: impl Fn(&[u8], &[u8]) -> bool) -> Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(directory.path())? {
        let name = entry?.file_name();
        if parts(name.as_bytes()).is_some_and(|(inode, of)| are(inode, of)) {
            match sys::remove_at(directory, &name) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(removed)
}

/// The inode and the name of the queue that a file has a body for; `None` where it has none.
fn parts(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = file.strip_prefix(PREFIX.as_bytes())?;
    let (inode, rest) = rest.split_at_checked(16)?;
    let (random, name) = rest.strip_prefix(b".")?.split_at_checked(32)?;
    let hex = |digits: &[u8]| digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (hex(inode) && hex(random)).then_some(())?;
    Some((inode, name.strip_prefix(b".")?))
}

/// The directory of our user, which is 0700.
fn directory() -> Result<Directory> {
    Directory::private_in(SEGMENTS.as_ref(), &private())
}

fn private() -> String {
    format!("framewire-{}", sys::our_uid())
}

fn plain(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// 128 bits that nobody can guess.
fn random() -> Token {
    // The standard library's hash keys come from the system's source of randomness, each new state
    // has another, and SipHash does not tell the key. The pid keeps apart two processes that were
    // forked from one and share keys.
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    (half() << 64 | half()).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Bodies of a queue that is a file here, under a name that nobody else has. As long as the
    /// file is open, nothing else has its inode.
    fn spill(test: &str, max_len: usize) -> (Spill, (String, fs::File)) {
        let name = format!("/unit-{test}-{}", std::process::id());
        let queue = tempfile::tempfile().unwrap();
        (Spill::of(queue.as_fd(), &name, max_len).unwrap(), (name, queue))
    }

    fn path(spill: &Spill, token: Token) -> std::path::PathBuf {
        spill.directory.path().join(spill.name(token))
    }

    #[test]
    fn a_body_is_read_once() {
        let (spill, _queue) = spill("once", 1 << 20);
        let body = vec![7; 1 << 20];
        let token = spill.write(&body).unwrap();
        let mode = fs::metadata(path(&spill, token)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(spill.read(body.len(), token).unwrap(), body);
        assert!(!path(&spill, token).exists());
        assert_eq!(spill.read(body.len(), token).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_is_not_as_it_was_told_is_refused_and_removed() {
        let (spill, _queue) = spill("told", 10);
        let refused = |len, told| {
            let token = spill.write(&vec![1; len]).unwrap();
            let refused = spill.read(told, token).unwrap_err();
            assert!(!path(&spill, token).exists());
            refused.kind()
        };
        assert_eq!(refused(3, 4), ErrorKind::Truncated);
        assert_eq!(refused(4, 3), ErrorKind::Malformed);
        assert_eq!(refused(11, 11), ErrorKind::TooLarge);
        let token = random();
        std::os::unix::fs::symlink("/etc/passwd", path(&spill, token)).unwrap();
        spill.read(4, token).unwrap_err();
        spill.remove(token);
        fs::create_dir(path(&spill, token)).unwrap();
        assert_eq!(spill.read(4, token).unwrap_err().kind(), ErrorKind::Denied);
        fs::remove_dir(path(&spill, token)).unwrap();
    }

    #[test]
    fn sweeping_is_exact() {
        let (one, (name, _one)) = spill("sweep", 10);
        let (other, _other) = spill("sweep", 10);
        let (longer, _longer) = spill("sweep-", 10);
        let (here, there, kept) =
            (one.write(b"a").unwrap(), other.write(b"b").unwrap(), longer.write(b"c").unwrap());
        one.sweep();
        assert!(!path(&one, here).exists() && path(&other, there).exists());
        assert_eq!(sweep(&name).unwrap(), 1);
        assert!(!path(&other, there).exists() && path(&longer, kept).exists());
        longer.remove(kept);
        assert_eq!(
            parts(b"spill.00000000000000aa.00112233445566778899aabbccddeeff."),
            Some((&b"00000000000000aa"[..], &b""[..]))
        );
        for other in ["spill.", "spill.aa.bb.jobs", "jobs.ring", "spill.00000000000000aa.x.jobs"] {
            assert_eq!(parts(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_name_with_no_room_for_more_cannot_spill() {
        let queue = tempfile::tempfile().unwrap();
        let of = |len| Spill::of(queue.as_fd(), &format!("/{}", "n".repeat(len)), 1);
        assert_eq!(of(NAME + 1).unwrap_err().kind(), ErrorKind::Address);
        let spill = of(NAME).unwrap();
        assert_eq!(spill.name(random()).len(), 255);
    }
}
