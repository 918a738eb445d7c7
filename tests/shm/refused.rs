//! What is said wrong in an introduction, by either side.

use std::{
    fs::File,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    time::{Duration, Instant},
};

use framewire::{ErrorKind, shm};
use futures::StreamExt;
use rustix::{
    event::{EventfdFlags, eventfd},
    fs::SealFlags,
};
use tempfile::TempDir;

use super::{
    common::{Census, role, within},
    events::Warnings,
    stranger::{self, Bad, CAPACITY, FRONT, SEALS, Said, bell, good, hello, memory},
};

/// The limit of those who are told.
const LIMIT: usize = 1 << 20;

fn options() -> shm::Options {
    shm::Options::new().max_capacity(LIMIT)
}

/// All that is wrong, each with a single fault.
fn all() -> Vec<Bad> {
    let mut all = Vec::new();
    let mut add = |what: &str, bytes: Vec<u8>, beside: Vec<OwnedFd>, told| {
        let kind = match told {
            "version" => ErrorKind::Unsupported,
            "limit 1048576" | "refused" | "ring has" => ErrorKind::Denied,
            _ => ErrorKind::Malformed,
        };
        all.push(Bad { what: what.into(), said: Said::new(bytes, beside), kind, told });
    };
    let file = || memory(FRONT + CAPACITY, SEALS);
    let both = || vec![file(), bell()];
    let hi = || hello(CAPACITY);
    let with = |at: usize, byte: u8| {
        let mut bytes = hi();
        bytes[at] = byte;
        bytes
    };

    add("no descriptors", hi(), vec![], "0 descriptors");
    add("memory alone", hi(), vec![file()], "1 descriptors");
    add("three", hi(), vec![file(), bell(), bell()], "3 descriptors");
    add("sixteen", hi(), (0..16).map(|_| bell()).collect(), "16 descriptors");
    add("two hundred", hi(), (0..200).map(|_| bell()).collect(), "descriptors and more");
    add("the other order", hi(), vec![bell(), file()], "bell");
    add("memory twice", hi(), vec![file(), file()], "bell");

    let blocks = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    add("a bell that blocks", hi(), vec![file(), blocks], "bell");
    let null = || OwnedFd::from(File::options().read(true).write(true).open("/dev/null").unwrap());
    add("a device for a bell", hi(), vec![file(), null()], "bell");
    let (pipe, _) = rustix::pipe::pipe().unwrap();
    add("a pipe for a bell", hi(), vec![file(), pipe], "bell");
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    add("something else without a name for a bell", hi(), vec![file(), epoll], "bell");

    add("no seals", hi(), vec![memory(FRONT + CAPACITY, SealFlags::empty()), bell()], "sealed");
    for (name, _) in SEALS.iter_names() {
        let seals = SEALS.difference(SealFlags::from_name(name).unwrap());
        let without = memory(FRONT + CAPACITY, seals);
        add(&format!("without {name}"), hi(), vec![without, bell()], "sealed");
    }
    for len in [0, 1, FRONT, CAPACITY, FRONT + CAPACITY - 1, FRONT + CAPACITY + 1, 1 << 40] {
        let wrong = vec![memory(len, SEALS), bell()];
        add(&format!("memory of {len} bytes"), hi(), wrong, "the peer's memory has");
    }
    for capacity in [0, 1, 4096, 32 << 10, CAPACITY + 1, 3 << 15, 2 << 30, 1 << 63, u64::MAX] {
        add(&format!("a ring of {capacity}"), hello(capacity), both(), "power of two");
    }
    let above = 2 * LIMIT as u64;
    let large = vec![memory(FRONT + above, SEALS), bell()];
    add("a ring above the limit", hello(above), large, "limit 1048576");

    let sealed = file();
    let path = format!("/proc/self/fd/{}", sealed.as_raw_fd());
    let write_only = OwnedFd::from(File::options().write(true).open(path).unwrap());
    add("memory that cannot be read", hi(), vec![write_only, bell()], "cannot be used");

    let (pipe, _) = rustix::pipe::pipe().unwrap();
    add("a pipe for memory", hi(), vec![pipe, bell()], "a FIFO, not");
    let (socket, _) = UnixStream::pair().unwrap();
    add("a socket for memory", hi(), vec![socket.into(), bell()], "a connected Unix stream socket");
    let plain = tempfile::tempfile().unwrap();
    plain.set_len(FRONT + CAPACITY).unwrap();
    add("a file for memory", hi(), vec![plain.into(), bell()], "sealed");
    let directory = File::open("/").unwrap().into();
    add("a directory for memory", hi(), vec![directory, bell()], "a directory, not");
    let path = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
    let path = rustix::fs::open("/proc/self/exe", path, rustix::fs::Mode::empty()).unwrap();
    add("a path for memory", hi(), vec![path, bell()], "cannot be used");

    add("another magic", with(0, b'F'), both(), "does not speak shm");
    add("another language", b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![], "does not speak shm");
    add("a later version", with(8, 2), both(), "version");
    let mut later = with(8, 2);
    later.resize(300, 7);
    add("a longer one of a later version", later, both(), "version");
    add("version 0", with(8, 0), both(), "version");
    add("an unknown answer", with(12, 3), both(), "the answer 3");
    add("something behind the end", with(63, 1), both(), "behind its end");
    add("a short one", hi()[..63].to_vec(), both(), "63 bytes");
    add("a bare magic", hi()[..8].to_vec(), both(), "8 bytes");
    let mut long = hi();
    long.push(0);
    add("a long one", long, both(), "more than 64 bytes");
    add("an empty one", vec![], vec![], "does not speak shm");
    add("a refusal", with(12, 2), vec![], "refused");
    add("a refusal of our ring", with(12, 1), both(), "ring has");
    all
}

#[test]
fn a_client_of_a_bad_listener_gets_one_error() {
    role::must_pass("meets bad listeners");
}

pub(crate) fn meets_bad_listeners() {
    role::block_on(async {
        let scratch = Scratch::new();
        let listening = stranger::listening(&scratch.path);
        let before = Census::take();
        for Bad { what, said, kind, told } in all() {
            let (ours, theirs) = {
                let serving = async {
                    let client = stranger::accepted(&listening).await;
                    let heard = stranger::heard(&client).await;
                    assert_eq!((heard.bytes.len(), heard.beside.len()), (64, 2), "{what}");
                    said.send(&client);
                    client
                };
                let options = options();
                let connecting = options.connect(&*scratch.path);
                within(async { tokio::join!(connecting, serving) }).await
            };
            let error = ours.err().unwrap_or_else(|| panic!("{what} is taken"));
            assert_eq!(error.kind(), kind, "{what}: {error}");
            let line = error.to_string();
            assert!(line.contains(told) && line.contains("connect to shm:"), "{what}: {line}");
            assert!(stranger::heard(&theirs).await.bytes.is_empty(), "{what}: the end");
        }
        before.assert_back();
        // It was this client all along.
        let serving = async {
            let client = stranger::accepted(&listening).await;
            good().send(&client);
            client
        };
        let options = options();
        let connecting = options.connect(&*scratch.path);
        let (ours, _theirs) = within(async { tokio::join!(connecting, serving) }).await;
        assert!(ours.unwrap().peer().uid().is_some());
    });
}

#[test]
fn a_listener_goes_on_whatever_clients_say() {
    role::must_pass("meets bad clients");
}

pub(crate) fn meets_bad_clients() {
    role::block_on(async {
        let scratch = Scratch::new();
        let mut listener = options().listen(&*scratch.path).await.unwrap();
        let warnings = Warnings::hear();
        // What the first one needs stays.
        within(honest(&mut listener, &scratch)).await;
        let before = Census::take();
        for Bad { what, said, kind, told } in all() {
            let client = stranger::connected(&scratch.path);
            said.send(&client);
            // What is refused is no item: the next is the honest one.
            within(honest(&mut listener, &scratch)).await;
            let [warning] = <[String; 1]>::try_from(warnings.take()).unwrap();
            let as_told = warning.contains(told) && warning.contains(&format!("kind={kind:?}"));
            assert!(as_told, "{what}: {warning}");
            let answer = stranger::heard(&client).await;
            assert_eq!((answer.bytes.len(), answer.beside.len()), (64, 0), "{what}: a refusal");
            assert_ne!(answer.bytes[12], 0, "{what}");
            assert!(stranger::heard(&client).await.bytes.is_empty(), "{what}: the end");
        }
        before.assert_back();
        // One that says nothing wrong.
        let client = stranger::connected(&scratch.path);
        good().send(&client);
        let server = within(listener.next()).await.expect("a listener never ends").unwrap();
        let answer = stranger::heard(&client).await;
        assert_eq!((answer.bytes.len(), answer.beside.len()), (64, 2));
        assert_eq!(answer.bytes[..16], hello(0)[..16]);
        drop((server, client, answer));
        before.assert_back();
    });
}

/// Connects, and is accepted.
async fn honest(listener: &mut shm::Listener, scratch: &Scratch) {
    let options = options();
    let connecting = options.connect(&*scratch.path);
    let (ours, theirs) = tokio::join!(connecting, listener.next());
    ours.unwrap();
    theirs.expect("a listener never ends").unwrap();
}

struct Scratch {
    path: PathBuf,
    _directory: TempDir,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { path: directory.path().join("e.sock"), _directory: directory }
    }
}

/// Each side names both.
#[tokio::test]
async fn each_version_is_told_of_the_other() {
    let scratch = Scratch::new();
    let listening = stranger::listening(&scratch.path);
    let later = async {
        let client = stranger::accepted(&listening).await;
        let mut bytes = hello(CAPACITY);
        bytes[8] = 7;
        // A later listener refuses in its own version, without descriptors.
        Said::new(bytes, vec![]).send(&client);
        client
    };
    let connecting = shm::connect(&*scratch.path);
    let (ours, _theirs) = within(async { tokio::join!(connecting, later) }).await;
    let error = ours.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let line = error.to_string();
    assert!(line.contains("version 7") && line.contains("we speak 1"), "{line}");
}

/// A listener that allows less says how much, and to whom it matters.
#[tokio::test]
async fn a_ring_that_is_too_large_for_the_listener_is_told_so() {
    let scratch = Scratch::new();
    let mut listener = options().listen(&*scratch.path).await.unwrap();
    let large = shm::Options::new().capacity(LIMIT + 1);
    let connecting = large.connect(&*scratch.path);
    let error = within(async {
        tokio::select! {
            error = connecting => error.unwrap_err(),
            _ = listener.next() => panic!("it is refused"),
        }
    });
    let error = error.await;
    assert_eq!(error.kind(), ErrorKind::Denied);
    let line = error.to_string();
    assert!(line.contains("2097152 bytes, the peer reads 1048576 at most"), "{line}");
    assert!(line.contains("lower `shm::Options::capacity`"), "{line}");
}

#[tokio::test]
async fn a_listener_that_says_nothing_is_waited_for_until_the_deadline() {
    let scratch = Scratch::new();
    let _listening = stranger::listening(&scratch.path);
    let begun = Instant::now();
    let deadline = Duration::from_millis(300);
    let hasty = shm::Options::new().deadline(deadline);
    let error = hasty.connect(&*scratch.path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("300ms"), "{error}");
    assert!(begun.elapsed() >= deadline);
}

#[tokio::test]
async fn a_listener_that_closes_at_once_is_told_so() {
    let scratch = Scratch::new();
    let listening = stranger::listening(&scratch.path);
    for reads in [false, true] {
        let closing = async {
            let client = stranger::accepted(&listening).await;
            if reads {
                stranger::heard(&client).await;
            }
        };
        let connecting = shm::connect(&*scratch.path);
        let (ours, ()) = within(async { tokio::join!(connecting, closing) }).await;
        let error = ours.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert!(error.to_string().contains("says why"), "{error}");
    }
}

/// What would come of that is an echo, which nobody asks for.
#[tokio::test]
async fn our_own_memory_is_not_the_peers() {
    let scratch = Scratch::new();
    let listening = stranger::listening(&scratch.path);
    let mirror = async {
        let client = stranger::accepted(&listening).await;
        let heard = stranger::heard(&client).await;
        Said::new(hello(256 << 10), heard.beside).send(&client);
        client
    };
    let connecting = shm::connect(&*scratch.path);
    let (ours, _theirs) = within(async { tokio::join!(connecting, mirror) }).await;
    let error = ours.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("our own memory"), "{error}");
}
