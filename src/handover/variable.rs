//! What the previous version says in the environment.

use std::{
    ffi::OsString,
    fmt::Write as _,
    os::{
        fd::RawFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
};

use super::sockets::MAX;
use crate::sys::Identity;

/// `CONTROL:INODE NAME=SOCKET… NAME=SOCKET+LOCK+DIRECTORY+DEVICE+INODE+PATH…`: numbers of
/// descriptors, and of files; names and paths with `%` and two hexadecimal digits for what is not a
/// letter, a digit or one of `-._/`.
///
/// The inode number of the control socket tells whether the descriptors are those that are meant:
/// children of the next version find the variable too, and other descriptors, or none.
pub(super) const VARIABLE: &str = "FRAMEWIRE_SOCKETS";

/// The longest name, in bytes: systemd's limit.
const NAME_MAX: usize = 255;

/// Whether systemd could give a socket this name: ASCII without control characters and colons.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':')
}

/// All that is handed over, by the numbers of the descriptors.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) control: RawFd,
    pub(super) inode: u64,
    pub(super) sockets: Vec<(String, Given)>,
}

/// One socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) socket: RawFd,
    pub(super) path: Option<Named>,
}

/// The path that belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) lock: RawFd,
    pub(super) directory: RawFd,
    pub(super) identity: Identity,
    pub(super) path: PathBuf,
}

impl Left {
    pub(super) fn write(&self) -> String {
        let mut text = format!("{}:{}", self.control, self.inode);
        for (name, Given { socket, path }) in &self.sockets {
            text.push(' ');
            escape(&mut text, name.as_bytes());
            // Writing to a string cannot fail.
            let _ = write!(text, "={socket}");
            if let Some(Named { lock, directory, identity, path }) = path {
                let (device, inode) = (identity.device, identity.inode);
                let _ = write!(text, "+{lock}+{directory}+{device}+{inode}+");
                escape(&mut text, path.as_os_str().as_bytes());
            }
        }
        text
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (control, inode) = words.next()?.split_once(':')?;
        let (control, inode) = (descriptor(control)?, inode.parse().ok()?);
        let sockets: Option<Vec<_>> = words.take(MAX + 1).map(socket).collect();
        let sockets = sockets.filter(|sockets| sockets.len() <= MAX)?;
        Some(Self { control, inode, sockets })
    }
}

fn socket(word: &str) -> Option<(String, Given)> {
    let (name, rest) = word.split_once('=')?;
    let name = String::from_utf8(unescape(name)?).ok().filter(|name| is_name(name))?;
    let mut fields = rest.split('+');
    let socket = descriptor(fields.next()?)?;
    let path = match fields.next() {
        None => None,
        Some(lock) => Some(Named {
            lock: descriptor(lock)?,
            directory: descriptor(fields.next()?)?,
            identity: Identity {
                device: fields.next()?.parse().ok()?,
                inode: fields.next()?.parse().ok()?,
            },
            path: Path::new(&OsString::from_vec(unescape(fields.next()?)?)).to_owned(),
        }),
    };
    fields.next().is_none().then_some((name, Given { socket, path }))
}

/// A number that is not standard input, output or error.
fn descriptor(text: &str) -> Option<RawFd> {
    text.parse().ok().filter(|&fd| fd > 2)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._/".contains(&byte)
}

fn escape(text: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if is_plain(byte) {
            text.push(byte.into());
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                plain.push((high * 16 + low) as u8);
            }
            byte if is_plain(byte) => plain.push(byte),
            _ => return None,
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &[u8]) -> Given {
        let identity = Identity { device: u64::MAX, inode: 17 };
        let path = PathBuf::from(OsString::from_vec(path.to_vec()));
        Given { socket: 5, path: Some(Named { lock: 6, directory: 7, identity, path }) }
    }

    #[test]
    fn what_is_written_is_read() {
        let sockets = vec![
            ("web".into(), Given { socket: 4, path: None }),
            ("a b=c+%;@".into(), named(b"/run/app/e.sock")),
            ("".into(), named(&(1..=255).collect::<Vec<u8>>())),
        ];
        let left = Left { control: 3, inode: 12345, sockets };
        let text = left.write();
        assert!(text.starts_with(
            "3:12345 web=4 a%20b%3dc%2b%25%3b%40=5+6+7+18446744073709551615+17+/run/app/e.sock "
        ));
        assert_eq!(Left::read(&text), Some(left));
        let none = Left { control: 3, inode: 1, sockets: Vec::new() };
        assert_eq!(Left::read(&none.write()), Some(none));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "3",
            "3:",
            ":1",
            "2:1",
            "-1:1",
            "3:1 ",
            "3:1  web=4",
            "3:1 web",
            "3:1 web=",
            "3:1 web=2",
            "3:1 web=99999999999",
            "3:1 web=4+",
            "3:1 web=4+5",
            "3:1 web=4+5+6+7+8",
            "3:1 web=4+5+6+7+8+/p+9",
            "3:1 web=4+5+6+-7+8+/p",
            "3:1 web=4+5+6+7+8+/p%4",
            "3:1 web=4+5+6+7+8+/p%zz",
            "3:1 web=4+5+6+7+8+/p q",
            "3:1 w:b=4",
            "3:1 w%3ab=4",
            "3:1 w%0ab=4",
            "3:1 w%ffb=4",
        ] {
            assert_eq!(Left::read(text), None, "{text:?}");
        }
        let many = |count| format!("3:1{}", " web=4".repeat(count));
        assert!(Left::read(&many(MAX)).is_some());
        assert_eq!(Left::read(&many(MAX + 1)), None);
    }
}
