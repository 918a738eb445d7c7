//! Descriptors beside any bytes of a peer: each comes with the message that it belongs to, or is
//! closed with an error in that message's place, and none stays open.
//!
//! `cargo fuzz run ancillary -- -max_len=512 -max_total_time=20`

#![no_main]

use std::{
    fs,
    io::IoSlice,
    mem::MaybeUninit,
    ops::Range,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::OnceLock,
    time::Duration,
};

use framewire::{
    ErrorKind,
    unix::{Detailed, Options},
    wait::Strategy,
};
use futures::{FutureExt, StreamExt};
use libfuzzer_sys::fuzz_target;
use rustix::{
    fs::{MemfdFlags, fstat, memfd_create},
    net::{
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, UCred, sendmsg, shutdown,
    },
};
use tokio::runtime::{Builder, Runtime};

const MAX_LEN: usize = 300;
/// What one read gets at least, in bytes, if it is there.
const READ: usize = 4096;
/// As many as the buffer of a socket has room for, whatever their length.
const CALLS: usize = 64;

// The first byte is the limit of descriptors; then calls, each of which says what is beside its
// bytes and what its bytes are.
fuzz_target!(|input: &[u8]| {
    let [limit, script @ ..] = input else { return };
    let limit = *limit as usize % 20;
    let (runtime, files) = fixture();
    let _entered = runtime.enter();
    let before = open();
    play(script, limit, files);
    assert_eq!(open(), before, "descriptors stay open");
});

fn fixture() -> &'static (Runtime, Vec<OwnedFd>) {
    static FIXTURE: OnceLock<(Runtime, Vec<OwnedFd>)> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let memfd = |_| memfd_create(c"passed", MemfdFlags::CLOEXEC).unwrap();
        (Builder::new_current_thread().enable_all().build().unwrap(), (0..8).map(memfd).collect())
    })
}

fn open() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn id(descriptor: impl AsFd) -> u64 {
    fstat(descriptor).unwrap().st_ino
}

/// The descriptors of one call, and the bytes that one read gets with them.
struct Batch {
    read: Range<usize>,
    ids: Vec<u64>,
}

fn play(script: &[u8], limit: usize, files: &[OwnedFd]) {
    // Never parked: each poll looks, without a runtime that runs.
    let options = Options::new()
        .max_len(MAX_LEN)
        .max_descriptors(limit)
        .strategy(Strategy::Spin(Duration::from_secs(3600)));
    let (raw, ours) = options.pair().unwrap();
    let raw = raw.into_io().0.into_inner().into_fd().unwrap();
    let mut heard = Heard { ours: ours.detailed().unwrap(), messages: Vec::new(), end: None };

    let mut script = script.iter().copied();
    let (mut stream, mut batches) = (Vec::new(), Vec::new());
    // From where on the next read gets bytes, and how much nobody has looked at.
    let (mut read, mut looked, mut calls) = (0, 0, 0);
    while let (Some(op), None) = (script.next(), heard.end) {
        let bytes = bytes(op >> 3, &mut script);
        calls += 1;
        if calls > CALLS || stream.len() + bytes.len() > looked + READ {
            heard.look();
            (read, looked, calls) = (stream.len(), stream.len(), 1);
        }
        let parts = [0, 1, 1, 2][op as usize % 4];
        let counts: Vec<usize> =
            (0..parts).filter_map(|_| script.next()).map(|count| count as usize % 24).collect();
        let passed: Vec<Vec<BorrowedFd<'_>>> = counts
            .iter()
            .map(|count| (0..*count).map(|i| files[(stream.len() + i) % 8].as_fd()).collect())
            .collect();
        let sent = send(&raw, &bytes, &passed, op & 0x80 != 0);
        assert_eq!(sent, bytes.len(), "it fits the buffer of a socket");
        stream.extend_from_slice(&bytes);
        let ids: Vec<u64> = passed.concat().into_iter().map(id).collect();
        if !bytes.is_empty() && !ids.is_empty() {
            batches.push(Batch { read: read..stream.len(), ids });
            read = stream.len();
        }
        if op & 4 != 0 {
            heard.look();
            (read, looked, calls) = (stream.len(), stream.len(), 0);
        }
    }
    shutdown(&raw, Shutdown::Write).unwrap();
    heard.look();
    judge(&heard, &stream, &batches, limit);
}

/// The bytes of a call: whole frames, a part of one, or anything.
fn bytes(op: u8, script: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    let mut next = || script.next().unwrap_or(0) as usize;
    let frame = |len: usize| [&(len as u32).to_be_bytes()[..], &vec![len as u8; len]].concat();
    match op % 4 {
        0 => frame(next()),
        1 => frame(next() % 16).repeat(1 + next() % 4),
        2 => {
            let mut part = frame(next());
            part.truncate(next());
            part
        }
        _ => (0..next() % 16).map(|_| next() as u8).collect(),
    }
}

fn send(raw: &OwnedFd, bytes: &[u8], passed: &[Vec<BorrowedFd<'_>>], credentials: bool) -> usize {
    let mut room = [MaybeUninit::uninit(); 1024];
    let mut control = SendAncillaryBuffer::new(&mut room);
    for descriptors in passed {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    if credentials {
        assert!(control.push(SendAncillaryMessage::ScmCredentials(UCred {
            pid: rustix::process::getpid(),
            uid: rustix::process::getuid(),
            gid: rustix::process::getgid(),
        })));
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(raw, &[IoSlice::new(bytes)], &mut control, flags).unwrap()
}

struct Heard {
    ours: Detailed,
    messages: Vec<(Vec<u8>, Vec<u64>)>,
    end: Option<Option<ErrorKind>>,
}

impl Heard {
    /// Takes all that has arrived.
    fn look(&mut self) {
        while let Some(next) = self.ours.next().now_or_never() {
            match next {
                Some(Ok(received)) => {
                    assert!(self.end.is_none());
                    let ids = received.descriptors().iter().map(id).collect();
                    self.messages.push((received.body().to_vec(), ids));
                }
                Some(Err(error)) => assert!(self.end.replace(Some(error.kind())).is_none()),
                None => {
                    self.end.get_or_insert(None);
                    return;
                }
            }
        }
    }
}

/// Compares with what a naive reader makes of all the bytes and batches.
fn judge(heard: &Heard, stream: &[u8], batches: &[Batch], limit: usize) {
    let (mut starts, mut expected, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some((prefix, rest)) = stream[at..].split_first_chunk() {
        let len = u32::from_be_bytes(*prefix) as usize;
        let Some(body) = rest.get(..len).filter(|_| len <= MAX_LEN) else { break };
        starts.push(at);
        expected.push((body.to_vec(), Vec::new()));
        at += 4 + len;
    }
    let mut broken = at < stream.len();
    if broken {
        starts.push(at);
    }
    for Batch { read, ids } in batches {
        let place = starts.iter().rposition(|start| read.contains(start));
        let wrong = match place {
            // It came within a frame, which then is not handed out.
            None => Some(starts.iter().rposition(|start| *start < read.start).unwrap_or(0)),
            Some(place) if ids.len() > limit => Some(place),
            Some(place) => {
                if let Some((_, with)) = expected.get_mut(place) {
                    *with = ids.clone();
                }
                None
            }
        };
        if let Some(place) = wrong {
            expected.truncate(place);
            broken = true;
            break;
        }
    }
    assert_eq!(heard.messages, expected);
    assert_eq!(matches!(heard.end, Some(Some(_))), broken, "{:?}", heard.end);
}
